// A client of our own making, for what no library would send.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bastion::e2e {

using Bytes = std::vector<std::uint8_t>;

/// An IPv4 address and a port.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

/// How to come; what is left out, others choose.
struct DialOptions {
  std::string source{};    ///< the address it comes from; empty: the kernel's choice
  int receive_buffer = 0;  ///< bytes; 0: the kernel's choice
  std::string ciphers{};   ///< of TLS 1.2, which is then the version; empty: the library's choice
};

/// A TCP connection. Reading and writing give up after a while.
class Tcp {
 public:
  explicit Tcp(const Endpoint& to, const DialOptions& options = {});
  ~Tcp();
  Tcp(Tcp&& other) noexcept;
  Tcp& operator=(Tcp&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// This end, as the gate's log names it: `127.0.0.1:50000`.
  [[nodiscard]] std::string name() const;
  void write(std::string_view bytes) const;
  /// All until the other side closes or resets.
  [[nodiscard]] std::string read_to_end() const;
  /// Waits until there is something to read, which is not the end: false when there is not.
  [[nodiscard]] bool wait_for_bytes() const;
  /// Makes the close that follows a reset.
  void reset_on_close() const;

 private:
  int fd_ = -1;
};

/// TLS over TCP; the certificate is verified against a CA. Throws when the handshake fails.
class TlsClient {
 public:
  TlsClient(const Endpoint& to, const std::string& ca_file, const DialOptions& options = {});

  [[nodiscard]] const Tcp& tcp() const { return tcp_; }
  [[nodiscard]] std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  /// False when the other side does not take it any more.
  bool write(const Bytes& bytes);
  /// Exactly so many bytes, or fewer if the other side closes.
  [[nodiscard]] Bytes read(std::size_t count);
  /// All until the other side closes.
  [[nodiscard]] Bytes read_to_end();
  /// One MQTT packet, fixed header and all; empty when the other side closes.
  [[nodiscard]] Bytes read_packet();

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Tcp tcp_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
};

/// MQTT's CONNECT as a test wants it.
struct Connect {
  std::uint8_t level = 4;  ///< 3, 4 or 5
  std::string client_id = "raw";
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  std::uint16_t keep_alive_s = 60;
};
[[nodiscard]] Bytes packet(const Connect& connect);
[[nodiscard]] Bytes subscribe_packet(std::uint8_t level, std::string_view filter);
[[nodiscard]] Bytes publish_packet(std::uint8_t level, std::string_view topic, std::string_view payload);

struct HttpAnswer {
  int status = 0;
  std::string body;
};
[[nodiscard]] HttpAnswer http_get(const Endpoint& from, const std::string& path);

}  // namespace bastion::e2e

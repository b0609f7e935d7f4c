// Blocking sockets with a time limit, and just enough of MQTT and HTTP.
#include "client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "process.hpp"

namespace bastion::e2e {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &result.sin_addr) != 1) throw std::invalid_argument("no address: " + address);
  return result;
}

template <class Option>
void set(int fd, int level, int name, const Option& value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) fail("setsockopt");
}

void append_length(Bytes& to, std::size_t length) {
  do {
    const auto low = static_cast<std::uint8_t>(length & 0x7f);
    length >>= 7;
    to.push_back(length > 0 ? static_cast<std::uint8_t>(low | 0x80) : low);
  } while (length > 0);
}

void append_u16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void append_string(Bytes& to, std::string_view text) {
  append_u16(to, text.size());
  to.insert(to.end(), text.begin(), text.end());
}

Bytes with_header(std::uint8_t first, const Bytes& body) {
  Bytes result{first};
  append_length(result, body.size());
  result.insert(result.end(), body.begin(), body.end());
  return result;
}

}  // namespace

// --- Tcp ------------------------------------------------------------------------------------------------------------------

Tcp::Tcp(const Endpoint& to, const DialOptions& options) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  if (fd_ < 0) fail("socket");
  const timeval limit{patience.count(), 0};
  set(fd_, SOL_SOCKET, SO_RCVTIMEO, limit);
  set(fd_, SOL_SOCKET, SO_SNDTIMEO, limit);
  if (options.receive_buffer != 0) set(fd_, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (!options.source.empty()) {
    const auto source = socket_address(options.source, 0);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) fail("bind");
  }
  const auto peer = socket_address(to.address, to.port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) return;
  const int error = errno;
  ::close(std::exchange(fd_, -1));
  errno = error;
  fail("connect");
}

Tcp::~Tcp() {
  if (fd_ >= 0) ::close(fd_);
}

Tcp::Tcp(Tcp&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

std::string Tcp::name() const {
  sockaddr_in local{};
  socklen_t length = sizeof local;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &length) != 0) fail("getsockname");
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &local.sin_addr, text.data(), text.size());
  return std::string{text.data()} + ':' + std::to_string(ntohs(local.sin_port));
}

void Tcp::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto written = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return;  // a gate that refused has closed by now
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string Tcp::read_to_end() const {
  std::string result;
  std::array<char, 1U << 14> buffer{};
  for (;;) {
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("the other side does not close");
    if (got <= 0) return result;
    result.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool Tcp::wait_for_bytes() const {
  char first = 0;
  return ::recv(fd_, &first, 1, MSG_PEEK) == 1;
}

void Tcp::reset_on_close() const {
  set(fd_, SOL_SOCKET, SO_LINGER, linger{1, 0});
}

// --- TlsClient ------------------------------------------------------------------------------------------------------------

TlsClient::TlsClient(const Endpoint& to, const std::string& ca_file, const DialOptions& options)
    : tcp_{to, options}, context_{SSL_CTX_new(TLS_client_method())} {
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr) != 1) throw std::runtime_error("no CA");
  if (!options.ciphers.empty()) {
    SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context_.get(), options.ciphers.c_str());
  }
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), tcp_.fd());
  ERR_clear_error();
  if (SSL_connect(ssl_.get()) == 1) return;
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  throw std::runtime_error(std::string{"the handshake failed: "} + text.data());
}

bool TlsClient::write(const Bytes& bytes) {
  std::size_t written = 0;
  return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1 && written == bytes.size();
}

Bytes TlsClient::read(std::size_t count) {
  Bytes result(count);
  std::size_t have = 0;
  while (have < count) {
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), result.data() + have, count - have, &got) != 1) break;
    have += got;
  }
  result.resize(have);
  return result;
}

Bytes TlsClient::read_to_end() {
  Bytes result;
  for (Bytes more = read(1); !more.empty(); more = read(1)) result.push_back(more.front());
  return result;
}

Bytes TlsClient::read_packet() {
  Bytes header = read(1);
  std::size_t length = 0;
  for (unsigned shift = 0; !header.empty() && shift < 28; shift += 7) {
    const auto next = read(1);
    if (next.empty()) return {};
    header.push_back(next.front());
    length |= static_cast<std::size_t>(next.front() & 0x7f) << shift;
    if ((next.front() & 0x80) == 0) break;
  }
  if (header.empty()) return {};
  const auto body = read(length);
  header.insert(header.end(), body.begin(), body.end());
  return header;
}

// --- packets --------------------------------------------------------------------------------------------------------------

Bytes packet(const Connect& connect) {
  Bytes body;
  append_string(body, connect.level == 3 ? "MQIsdp" : "MQTT");
  body.push_back(connect.level);
  const unsigned flags = 0x02U | (connect.user ? 0x80U : 0U) | (connect.password ? 0x40U : 0U);
  body.push_back(static_cast<std::uint8_t>(flags));
  append_u16(body, connect.keep_alive_s);
  if (connect.level == 5) body.push_back(0);
  append_string(body, connect.client_id);
  if (connect.user) append_string(body, *connect.user);
  if (connect.password) append_string(body, *connect.password);
  return with_header(0x10, body);
}

Bytes subscribe_packet(std::uint8_t level, std::string_view filter) {
  Bytes body;
  append_u16(body, 1);
  if (level == 5) body.push_back(0);
  append_string(body, filter);
  body.push_back(0);
  return with_header(0x82, body);
}

Bytes publish_packet(std::uint8_t level, std::string_view topic, std::string_view payload) {
  Bytes body;
  append_string(body, topic);
  if (level == 5) body.push_back(0);
  body.insert(body.end(), payload.begin(), payload.end());
  return with_header(0x30, body);
}

HttpAnswer http_get(const Endpoint& from, const std::string& path) {
  const Tcp tcp{from};
  tcp.write("GET " + path + " HTTP/1.1\r\nHost: " + from.address + "\r\nConnection: close\r\n\r\n");
  const auto text = tcp.read_to_end();
  constexpr std::size_t status_at = 9;  // behind "HTTP/1.1 "
  HttpAnswer answer;
  if (text.size() < status_at + 3) return answer;
  std::from_chars(text.data() + status_at, text.data() + status_at + 3, answer.status);
  const auto body = text.find("\r\n\r\n");
  if (body != std::string::npos) answer.body = text.substr(body + 4);
  return answer;
}

}  // namespace bastion::e2e

// An HTTP client on Beast for one GET. Asynchronous inside, since only that has a deadline.
#include "proxy/admin/ask.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <sstream>
#include <utility>

namespace bastion::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t header_bytes_max = 8U << 10;
constexpr std::size_t body_bytes_max = 64U << 10;

/// Connects, writes, reads: one after the other, and none after a failure.
class Question {
 public:
  Question(asio::io_context& context, const tcp::endpoint& to, const std::string& path)
      : to_{to}, stream_{context}, request_{http::verb::get, path, 11} {
    std::ostringstream host;
    host << to;
    request_.set(http::field::host, host.str());
    request_.keep_alive(false);
    parser_.header_limit(header_bytes_max);
    parser_.body_limit(body_bytes_max);
  }

  void start(std::chrono::milliseconds timeout) {
    stream_.expires_after(timeout);
    stream_.async_connect(to_, [this](const error_code& error) {
      if (goes_on(error)) write();
    });
  }
  [[nodiscard]] const error_code& error() const { return error_; }
  [[nodiscard]] Answer answer() { return {parser_.get().result_int(), std::move(parser_.get().body())}; }

 private:
  [[nodiscard]] bool goes_on(const error_code& error) {
    error_ = error;
    return !error;
  }
  void write() {
    http::async_write(stream_, request_, [this](const error_code& error, std::size_t) {
      if (goes_on(error)) read();
    });
  }
  void read() {
    http::async_read(stream_, buffer_, parser_, [this](const error_code& error, std::size_t) { error_ = error; });
  }

  tcp::endpoint to_;
  beast::tcp_stream stream_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_{header_bytes_max + body_bytes_max};
  error_code error_;
};

std::string words_for(const error_code& error, std::chrono::milliseconds timeout) {
  if (error == beast::error::timeout) return "no answer within " + std::to_string(timeout.count()) + " ms";
  if (error == http::error::end_of_stream) return "closed without an answer";
  return error.message();
}

}  // namespace

std::variant<Answer, NoAnswer> ask(const std::string& address, std::uint16_t port, const std::string& path,
                                   std::chrono::milliseconds timeout) {
  asio::io_context context{1};
  Question question{context, {asio::ip::make_address(address), port}, path};
  question.start(timeout);
  context.run();
  if (question.error()) return NoAnswer{words_for(question.error(), timeout)};
  return question.answer();
}

}  // namespace bastion::admin

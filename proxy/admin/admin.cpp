// The admin listener on Beast: accepts, reads one request at a time, answers.
#include "proxy/admin/admin.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "proxy/net/listen.hpp"

namespace bastion::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t header_bytes_max = 8u << 10;
// Above the header limit, so that the parser speaks first; what a client pipelines beyond it waits in the kernel.
constexpr std::size_t buffer_bytes_max = 16u << 10;
constexpr unsigned requests_per_connection_max = 1000;
constexpr std::size_t lingering_bytes_max = 256u << 10;
constexpr std::chrono::milliseconds accept_pause{100};

constexpr const char* plain_text = "text/plain; charset=utf-8";
constexpr const char* prometheus_text = "text/plain; version=0.0.4; charset=utf-8";

struct Page {
  http::status status = http::status::ok;
  std::string body;
  const char* content_type = plain_text;
};

Page line(http::status status, std::string_view text) {
  return {status, std::string(text) + "\n"};
}

/// A host as in the Host field (RFC 9110 section 7.2), port or not, that can only mean this machine.
bool names_loopback(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view after = host.substr(end + 1);
    if (!after.empty() && !after.starts_with(':')) return false;
    host = host.substr(1, end - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (beast::iequals({host.data(), host.size()}, "localhost")) return true;
  error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

class Session;

/// What the sessions of a server share; touched by the io_context's one thread only.
struct Shared {
  Limits limits;
  Sources sources;
  bool only_loopback = false;
  bool stopped = false;
  std::unordered_set<Session*> sessions;  ///< those that live
};

/// One client. Alive as long as an operation of its own is under way: a source that answers later finds it, or doesn't.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Shared> server, tcp::socket socket);
  ~Session() { server_->sessions.erase(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read_request();
  void close();

 private:
  using Parser = http::request_parser<http::empty_body>;

  void request_read(const error_code& error);
  void answer_error(const error_code& error);
  [[nodiscard]] std::optional<Page> complaint() const;
  void route();
  void show_metrics();
  void show_readiness();
  /// Starts to wait for a source; the number tells late answers from the awaited one.
  [[nodiscard]] std::uint64_t wait_for_source();
  [[nodiscard]] bool is_awaited(std::uint64_t question);
  void respond(Page page);
  template <class Body>
  void send(std::shared_ptr<http::response<Body>> response);
  void linger();
  void discard();

  std::shared_ptr<Shared> server_;
  beast::tcp_stream stream_;
  asio::steady_timer source_deadline_;
  beast::flat_buffer buffer_{buffer_bytes_max};
  std::optional<Parser> parser_;
  bool keep_alive_ = false;
  unsigned requests_ = 0;
  std::uint64_t question_ = 0;
  bool is_waiting_ = false;
  std::size_t discarded_ = 0;
};

Session::Session(std::shared_ptr<Shared> server, tcp::socket socket)
    : server_{std::move(server)}, stream_{std::move(socket)}, source_deadline_{stream_.get_executor()} {
  server_->sessions.insert(this);
}

void Session::close() {
  source_deadline_.cancel();
  stream_.close();
}

void Session::read_request() {
  if (server_->stopped) return close();
  parser_.emplace();
  parser_->header_limit(header_bytes_max);
  stream_.expires_after(server_->limits.request_timeout);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, std::size_t) { self->request_read(error); });
}

void Session::request_read(const error_code& error) {
  if (error) return answer_error(error);
  ++requests_;
  keep_alive_ = parser_->keep_alive() && requests_ < requests_per_connection_max;
  if (std::optional<Page> page = complaint()) return respond(std::move(*page));
  route();
}

void Session::answer_error(const error_code& error) {
  keep_alive_ = false;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return respond(line(http::status::request_header_fields_too_large, "the request's header is larger than 8 KiB"));
  }
  if (error == http::error::body_limit) return respond(line(http::status::payload_too_large, "a body is not taken here"));
  const bool is_parse_error = error.category() == http::make_error_code(http::error::end_of_stream).category();
  if (!is_parse_error || error == http::error::end_of_stream || error == http::error::partial_message) return close();
  respond(line(http::status::bad_request, "this is no HTTP request"));
}

/// What is wrong with a request before anybody looks at its path.
std::optional<Page> Session::complaint() const {
  const auto& request = parser_->get();
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) return line(http::status::bad_request, "one Host field, please");
  if (server_->only_loopback && hosts == 1) {
    const auto host = request[http::field::host];
    // A page in the operator's browser may reach loopback through a name of its own (DNS rebinding).
    if (!names_loopback({host.data(), host.size()})) {
      return line(http::status::misdirected_request, "this is not the host that was asked for");
    }
  }
  if (!parser_->is_done()) return line(http::status::payload_too_large, "a body is not taken here");
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return line(http::status::method_not_allowed, "GET or HEAD");
  }
  return std::nullopt;
}

void Session::route() {
  const auto target = parser_->get().target();
  const std::string_view path = path_of({target.data(), target.size()});
  if (path == "/metrics") return show_metrics();
  if (path == "/readyz") return show_readiness();
  if (path == "/livez" || path == "/healthz") return respond(line(http::status::ok, "alive"));
  respond(
      line(http::status::not_found,
           "/metrics  counters, for Prometheus\n/livez    the gate runs (also /healthz)\n/readyz   it can serve clients"));
}

std::uint64_t Session::wait_for_source() {
  is_waiting_ = true;
  // The stream's own deadline would close the connection; the client shall be told.
  stream_.expires_never();
  source_deadline_.expires_after(server_->limits.request_timeout);
  source_deadline_.async_wait([self = shared_from_this(), question = ++question_](error_code error) {
    if (error || !self->is_awaited(question)) return;
    self->respond(line(http::status::gateway_timeout, "the gate did not answer in time"));
  });
  return question_;
}

bool Session::is_awaited(std::uint64_t question) {
  if (!is_waiting_ || question != question_) return false;
  is_waiting_ = false;
  source_deadline_.cancel();
  return true;
}

void Session::show_metrics() {
  server_->sources.metrics([weak = weak_from_this(), question = wait_for_source()](std::string text) {
    const auto self = weak.lock();
    if (self && self->is_awaited(question)) self->respond({http::status::ok, std::move(text), prometheus_text});
  });
}

void Session::show_readiness() {
  server_->sources.readiness([weak = weak_from_this(), question = wait_for_source()](const Sources::Readiness& readiness) {
    const auto self = weak.lock();
    if (!self || !self->is_awaited(question)) return;
    self->respond(line(readiness.ready ? http::status::ok : http::status::service_unavailable,
                       readiness.why.empty() ? (readiness.ready ? "ready" : "not ready") : readiness.why));
  });
}

void Session::respond(Page page) {
  if (server_->stopped) return close();
  // What is wrong with a request may hide where the next one begins; only an unknown path or method does not.
  const bool is_clean = page.status == http::status::ok || page.status == http::status::not_found ||
                        page.status == http::status::service_unavailable || page.status == http::status::method_not_allowed;
  keep_alive_ = keep_alive_ && is_clean;
  const auto fill = [&](auto& response) {
    response.version(parser_->is_header_done() ? parser_->get().version() : 11);
    response.result(page.status);
    response.set(http::field::content_type, page.content_type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    if (page.status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(keep_alive_);
    response.content_length(page.body.size());
  };
  if (parser_->get().method() == http::verb::head) {
    const auto response = std::make_shared<http::response<http::empty_body>>();
    fill(*response);
    return send(response);
  }
  const auto response = std::make_shared<http::response<http::string_body>>();
  fill(*response);
  response->body() = std::move(page.body);
  send(response);
}

template <class Body>
void Session::send(std::shared_ptr<http::response<Body>> response) {
  stream_.expires_after(server_->limits.request_timeout);
  auto& message = *response;
  http::async_write(stream_, message,
                    [self = shared_from_this(), response = std::move(response)](error_code error, std::size_t) {
                      if (error) return self->close();
                      if (self->keep_alive_) return self->read_request();
                      self->linger();
                    });
}

/// Waits for the client's end, within bounds: closing while its bytes lie unread would reset the connection, and the answer
/// with it (RFC 9112 section 9.6).
void Session::linger() {
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.expires_after(server_->limits.request_timeout);
  discard();
}

void Session::discard() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(buffer_bytes_max / 2),
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            self->discarded_ += bytes;
                            if (error || self->discarded_ > lingering_bytes_max) return self->close();
                            self->discard();
                          });
}

}  // namespace

struct Server::State : Shared, std::enable_shared_from_this<State> {
  State(asio::io_context& context, Limits most, Sources from)
      : Shared{most, std::move(from), false, false, {}}, acceptor{context}, pause{context} {}

  void listen(const tcp::endpoint& endpoint);
  void accept();
  void accepted(const error_code& error, tcp::socket socket);
  void stop();

  tcp::acceptor acceptor;
  asio::steady_timer pause;  ///< after a failed accept()
  std::uint16_t port = 0;
};

void Server::State::listen(const tcp::endpoint& endpoint) {
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind(endpoint);
  acceptor.listen();
  port = acceptor.local_endpoint().port();
  only_loopback = endpoint.address().is_loopback();
}

void Server::State::accept() {
  if (stopped) return;
  acceptor.async_accept(
      [self = shared_from_this()](error_code error, tcp::socket socket) { self->accepted(error, std::move(socket)); });
}

void Server::State::accepted(const error_code& error, tcp::socket socket) {
  if (stopped) return;
  if (error) {
    // Most likely out of descriptors: trying again at once would only burn the CPU.
    pause.expires_after(accept_pause);
    return pause.async_wait([self = shared_from_this()](error_code) { self->accept(); });
  }
  if (sessions.size() < limits.connections_max)
    std::make_shared<Session>(shared_from_this(), std::move(socket))->read_request();
  accept();
}

void Server::State::stop() {
  stopped = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  // Nothing ends a session inside close(): their handlers come later.
  for (Session* session : sessions) session->close();
}

Server::Server(asio::io_context& context, const std::string& address, std::uint16_t port, Limits limits, Sources sources)
    : state_{std::make_shared<State>(context, limits, std::move(sources))} {
  try {
    state_->listen({asio::ip::make_address(address), port});
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error{net::listen_trouble(error.code().value(), port)};
  }
  state_->accept();
}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return state_->port;
}

void Server::stop() {
  asio::dispatch(state_->acceptor.get_executor(), [state = state_] { state->stop(); });
}

}  // namespace bastion::admin

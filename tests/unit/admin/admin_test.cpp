// The admin listener over real sockets on loopback: what each request gets, and that no client can hold it up.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "proxy/admin/admin.hpp"

namespace bastion::admin {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

/// A blocking client.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API.
    is_connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  void send(std::string_view bytes) const { (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void half_close() const { shutdown(socket_, SHUT_WR); }
  /// All that comes until the server closes or resets.
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    while (read_some(all)) continue;
    return all;
  }
  /// All that comes until it ends with `end`.
  [[nodiscard]] std::string read_until(std::string_view end) const {
    std::string all;
    while (!std::string_view{all}.ends_with(end) && read_some(all)) continue;
    return all;
  }

 private:
  bool read_some(std::string& to) const {
    std::array<char, 4096> some{};
    const ssize_t count = recv(socket_, some.data(), some.size(), 0);
    if (count > 0) to.append(some.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  int socket_;
  bool is_connected_ = false;
};

Sources simple_sources() {
  return {[](const auto& answer) { answer("up 1\n"); }, [](const auto& answer) { answer({true, ""}); }};
}

/// A server on a port of the kernel's choice, and the thread that runs it.
class Running {
 public:
  explicit Running(Sources sources = simple_sources(), Limits limits = {}, const char* address = "127.0.0.1")
      : server_{std::in_place, context_, address, std::uint16_t{0}, limits, std::move(sources)}, thread_{[this] {
          context_.run();
        }} {}
  ~Running() {
    server_.reset();
    work_.reset();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  void stop() { server_->stop(); }
  /// Runs it on the server's thread and waits for it.
  template <class Function>
  void on_its_thread(Function function) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// One request on a connection of its own.
  [[nodiscard]] std::string answer_to(const std::string& request) const {
    const Client client{port()};
    client.send(request);
    return client.read_to_end();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::optional<Server> server_;
  std::thread thread_;
};

std::string request(const std::string& method, const std::string& path, const std::string& more = "Connection: close\r\n") {
  return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}
std::string get(const std::string& path) {
  return request("GET", path);
}

std::string body_of(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == std::string::npos ? "no header" : response.substr(at + 4);
}

TEST(Admin, ShowsMetricsInTheFormatThatPrometheusAsksFor) {
  const Running server;
  const std::string response = server.answer_to(get("/metrics"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("\r\nServer:")));
  EXPECT_EQ(body_of(response), "up 1\n");
}

TEST(Admin, IsAliveByBothNames) {
  const Running server;
  for (const char* path : {"/livez", "/healthz", "/livez?verbose"}) {
    const std::string response = server.answer_to(get(path));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 ")) << path;
    EXPECT_EQ(body_of(response), "alive\n");
  }
}

TEST(Admin, SaysThatItIsReady) {
  const Running server;
  const std::string response = server.answer_to(get("/readyz"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(body_of(response), "ready\n");
}

TEST(Admin, SaysWhyItIsNotReady) {
  Sources sources = simple_sources();
  sources.readiness = [](const auto& answer) { answer({false, "broker can't be reached"}); };
  const Running server{sources};
  const std::string response = server.answer_to(get("/readyz"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(body_of(response), "broker can't be reached\n");
}

TEST(Admin, AnswersHeadWithTheHeaderAlone) {
  const Running server;
  const std::string response = server.answer_to(request("HEAD", "/metrics"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(body_of(response), "");
}

TEST(Admin, ListsItsPathsForOneThatItDoesNotKnow) {
  const Running server;
  for (const char* path : {"/", "/metrics/", "/metricsx", "/../metrics", "http://localhost/metrics"}) {
    const std::string response = server.answer_to(get(path));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 404 ")) << path;
    for (const char* known : {"/metrics", "/livez", "/healthz", "/readyz"}) EXPECT_THAT(body_of(response), HasSubstr(known));
  }
}

TEST(Admin, TakesNoOtherMethod) {
  const Running server;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    const std::string response = server.answer_to(request(method, "/metrics"));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(response, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  }
}

TEST(Admin, TakesNoBody) {
  const Running server;
  const std::string with_length = "Content-Length: 5\r\n";
  EXPECT_THAT(server.answer_to(request("POST", "/metrics", with_length) + "hello"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(server.answer_to(request("GET", "/metrics", with_length) + "hello"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(server.answer_to(request("GET", "/metrics", "Content-Length: 99999999999\r\n")), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(server.answer_to(request("POST", "/metrics", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Admin, RefusesAHeaderThatIsTooLarge) {
  const Running server;
  const std::string large = request("GET", "/metrics", "X: " + std::string(8 << 10, 'x') + "\r\n");
  EXPECT_THAT(server.answer_to(large), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(server.answer_to("GET /" + std::string(100'000, 'x')), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(server.answer_to(request("GET", "/livez", "Connection: close\r\nX: " + std::string(7 << 10, 'x') + "\r\n")),
              StartsWith("HTTP/1.1 200 "));
}

TEST(Admin, RefusesWhatIsNoHttp) {
  const Running server;
  EXPECT_THAT(server.answer_to("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(server.answer_to("GET /metrics HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(server.answer_to("GET /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(server.answer_to("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

std::string asking_for_host(const std::string& host) {
  return "GET /livez HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}

TEST(Admin, AnswersOnLoopbackToNamesOfLoopbackOnly) {
  const Running server;
  for (const char* host :
       {"localhost", "LOCALHOST:9883", "127.0.0.1", "127.0.0.1:9883", "127.1.2.3", "[::1]", "[::1]:9883"}) {
    EXPECT_THAT(server.answer_to(asking_for_host(host)), StartsWith("HTTP/1.1 200 ")) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]:80", "[::1]x", "[::1", "",
                           "127.0.0.1.evil.example", "0.0.0.0"}) {
    EXPECT_THAT(server.answer_to(asking_for_host(host)), StartsWith("HTTP/1.1 421 ")) << host;
  }
  EXPECT_THAT(server.answer_to("GET /livez HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 200 "));
}

TEST(Admin, AnswersToAnyHostBeyondLoopback) {
  const Running server{simple_sources(), {}, "0.0.0.0"};
  EXPECT_THAT(server.answer_to(asking_for_host("gate.example")), StartsWith("HTTP/1.1 200 "));
}

TEST(Admin, AnswersARequestThatComesByteByByte) {
  const Running server;
  const Client client{server.port()};
  for (const char c : get("/metrics")) client.send({&c, 1});
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nup 1\n"));
}

TEST(Admin, AnswersPipelinedRequestsInOrder) {
  const Running server;
  const Client client{server.port()};
  client.send(request("GET", "/livez", "") + request("GET", "/metrics", "") + get("/nothing"));
  const std::string responses = client.read_to_end();
  const std::size_t first = responses.find("alive\n");
  const std::size_t second = responses.find("up 1\n");
  const std::size_t third = responses.find("HTTP/1.1 404 ");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST(Admin, KeepsAConnectionForTheNextRequest) {
  const Running server;
  const Client client{server.port()};
  for (int i = 0; i < 10; ++i) {
    client.send(request("GET", "/metrics", ""));
    EXPECT_THAT(client.read_until("up 1\n"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST(Admin, ClosesAConnectionThatStaysIdleOrUnfinished) {
  Limits limits;
  limits.request_timeout = 20ms;
  const Running server{simple_sources(), limits};
  EXPECT_EQ(server.answer_to(""), "");
  EXPECT_EQ(server.answer_to("GET /metrics HTTP/1.1\r\nHost: loc"), "");
  // And between two requests.
  EXPECT_THAT(server.answer_to(request("GET", "/metrics", "")), EndsWith("\r\n\r\nup 1\n"));
}

TEST(Admin, ClosesAConnectionWhoseClientEndsInTheMiddle) {
  const Running server;
  const Client client{server.port()};
  client.send("GET /metrics HT");
  client.half_close();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Admin, ClosesConnectionsBeyondItsLimitAndServesAgainWhenOneEnds) {
  Limits limits;
  limits.connections_max = 2;
  const Running server{simple_sources(), limits};
  const Client one{server.port()};
  const Client two{server.port()};
  for (const Client* client : {&one, &two}) {
    client->send(request("GET", "/metrics", ""));
    EXPECT_THAT(client->read_until("up 1\n"), StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_EQ(server.answer_to(get("/metrics")), "");
  one.half_close();
  EXPECT_EQ(one.read_to_end(), "");
  // The server's end of `one` is closed; its place is free as soon as its handler is gone.
  std::string response;
  while (response.empty()) response = server.answer_to(get("/metrics"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
}

/// Limits under which no deadline ends a connection before the test's own does.
Limits patient_limits() {
  Limits limits;
  limits.request_timeout = 1h;
  return limits;
}

/// Sources that keep the question until somebody answers it.
struct Later {
  std::promise<void> asked;
  std::function<void(std::string)> answer;  ///< touched on the server's thread only
  Sources sources() {
    Sources sources = simple_sources();
    sources.metrics = [this](std::function<void(std::string)> to) {
      answer = std::move(to);
      asked.set_value();
    };
    return sources;
  }
};

TEST(Admin, ShowsWhatASourceAnswersLater) {
  Later later;
  Running server{later.sources()};
  const Client client{server.port()};
  client.send(get("/metrics"));
  later.asked.get_future().wait();
  server.on_its_thread([&] { later.answer("late 1\n"); });
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nlate 1\n"));
}

TEST(Admin, TakesOnlyTheFirstOfTwoAnswers) {
  Later later;
  Running server{later.sources()};
  const Client client{server.port()};
  client.send(get("/metrics"));
  later.asked.get_future().wait();
  server.on_its_thread([&] {
    later.answer("first 1\n");
    later.answer("second 1\n");
  });
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nfirst 1\n"));
}

TEST(Admin, DropsAnAnswerThatComesAfterItsClientLeft) {
  Later later;
  Running server{later.sources()};
  {
    const Client client{server.port()};
    client.send(get("/metrics"));
    later.asked.get_future().wait();
  }
  server.on_its_thread([&] { later.answer("late 1\n"); });
  EXPECT_EQ(body_of(server.answer_to(get("/livez"))), "alive\n");
}

TEST(Admin, SaysWhenASourceDoesNotAnswerInTime) {
  Later later;
  Limits limits;
  limits.request_timeout = 20ms;
  Running server{later.sources(), limits};
  EXPECT_THAT(server.answer_to(get("/metrics")), StartsWith("HTTP/1.1 504 "));
  server.on_its_thread([&] { later.answer("too late 1\n"); });
}

TEST(Admin, EndsEveryConnectionWhenItStops) {
  Later later;
  Running server{later.sources(), patient_limits()};
  const Client idle{server.port()};
  const Client unfinished{server.port()};
  unfinished.send("GET /metr");
  const Client waiting{server.port()};
  waiting.send(get("/metrics"));
  later.asked.get_future().wait();
  server.stop();
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(unfinished.read_to_end(), "");
  EXPECT_EQ(waiting.read_to_end(), "");
  EXPECT_FALSE(Client{server.port()}.is_connected());
  server.stop();
  server.on_its_thread([&] { later.answer("late 1\n"); });
}

TEST(Admin, LeavesNothingBehindForTheContextToWaitFor) {
  boost::asio::io_context context{1};
  Later later;
  std::optional<Server> server{std::in_place, context, "127.0.0.1", std::uint16_t{0}, patient_limits(), later.sources()};
  const Client client{server->port()};
  client.send(get("/metrics"));
  const auto asked = later.asked.get_future();
  while (asked.wait_for(0s) != std::future_status::ready) context.run_one();
  server.reset();
  // Returns at once: no timer, no socket is left.
  context.run();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Admin, MayBeDroppedWithItsContextWhileClientsAreConnected) {
  std::optional<Client> client;
  {
    boost::asio::io_context context{1};
    const Server server{context, "127.0.0.1", 0, {}, simple_sources()};
    client.emplace(server.port());
    client->send("GET /metr");
    context.poll();
  }
  EXPECT_EQ(client->read_to_end(), "");
}

TEST(Admin, ThrowsWhereItCannotListen) {
  boost::asio::io_context context{1};
  const Server server{context, "127.0.0.1", 0, {}, simple_sources()};
  try {
    const Server second{context, "127.0.0.1", server.port(), {}, simple_sources()};
    ADD_FAILURE() << "two servers on one port";
  } catch (const std::runtime_error& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("ss -ltnp 'sport = :" + std::to_string(server.port()) + "'"));
  }
  EXPECT_THROW(Server(context, "no address", 0, {}, simple_sources()), std::runtime_error);
}

}  // namespace
}  // namespace bastion::admin

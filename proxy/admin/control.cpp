// The control socket on Asio: one line in, one answer out.
#include "proxy/admin/control.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <optional>
#include <utility>

namespace bastion::admin {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::size_t request_bytes_max = 256;
constexpr std::chrono::milliseconds accept_pause{100};

enum class Right : std::uint8_t { none, look, all };

Right right_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return Right::none;
  if (peer.uid == 0 || peer.uid == ::geteuid()) return Right::all;
  return peer.gid == ::getegid() ? Right::look : Right::none;
}

class Session;

struct Shared {
  ControlLimits limits;
  ControlCommands commands;
  std::list<Session*> sessions;  ///< those that are open, the oldest first
};

/// One question and its answer. Alive while an operation of its own, or an answer, is under way.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Shared> server, stream_protocol::socket socket, Right right)
      : server_{std::move(server)}, socket_{std::move(socket)}, deadline_{socket_.get_executor()}, right_{right} {
    place_ = server_->sessions.insert(server_->sessions.end(), this);
  }
  ~Session() { leave(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() {
    close_after(server_->limits.question_timeout);
    read();
  }

  /// Says that there is no room, to one that is not started.
  void turn_away() {
    leave();
    close_after(server_->limits.question_timeout);
    write("failed\nthe gate is answering as many as it can at once; ask again\n");
  }

  /// Whether no question has come yet.
  [[nodiscard]] bool is_silent() const { return is_silent_; }

  void close() {
    leave();
    deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void leave() {
    if (is_open_) server_->sessions.erase(place_);
    is_open_ = false;
  }

  void close_after(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->close();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(received_), [self = shared_from_this()](error_code error, std::size_t bytes) {
      if (error) return self->close();
      self->request_.append(self->received_.data(), bytes);
      const auto end = self->request_.find('\n');
      if (end != std::string::npos) return self->answer(self->request_.substr(0, end));
      if (self->request_.size() > request_bytes_max) return self->close();
      self->read();
    });
  }

  void answer(const std::string& request) {
    is_silent_ = false;
    close_after(server_->limits.answer_timeout);
    if (request == "status text" || request == "status json") {
      return server_->commands.status(request == "status json",
                                      [self = shared_from_this()](const std::string& page) { self->write("ok\n" + page); });
    }
    if (request != "reload") return write("failed\nthere are status and reload\n");
    if (right_ != Right::all) return write("failed\nreload is for root and the user that the gate runs as\n");
    server_->commands.reload([self = shared_from_this()](const ControlCommands::Reloaded& reloaded) {
      self->write((reloaded.good ? "ok\n" : "failed\n") + reloaded.message);
    });
  }

  void write(std::string text) {
    answer_ = std::move(text);
    asio::async_write(socket_, asio::buffer(answer_),
                      [self = shared_from_this()](error_code, std::size_t) { self->close(); });
  }

  std::shared_ptr<Shared> server_;
  stream_protocol::socket socket_;
  asio::steady_timer deadline_;
  std::array<char, request_bytes_max> received_{};
  std::string request_;
  std::string answer_;
  std::list<Session*>::iterator place_;
  Right right_;
  bool is_open_ = true;
  bool is_silent_ = true;
};

/// What stands at the path goes away if it is a socket that nobody answers on.
void make_room(const stream_protocol::endpoint& endpoint) {
  struct stat found {};
  const auto path = endpoint.path();
  if (::lstat(path.c_str(), &found) != 0) return;
  asio::io_context context;
  stream_protocol::socket probe{context};
  error_code error;
  if (S_ISSOCK(found.st_mode)) probe.connect(endpoint, error);
  if (!S_ISSOCK(found.st_mode) || error != asio::error::connection_refused) {
    throw boost::system::system_error{asio::error::make_error_code(asio::error::address_in_use)};
  }
  ::unlink(path.c_str());
}

/// What a socket's file is known by, whatever stands at its path later.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

std::optional<FileId> file_at(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

}  // namespace

struct Control::State : Shared, std::enable_shared_from_this<State> {
  State(asio::io_context& context, ControlLimits most, ControlCommands what)
      : Shared{most, std::move(what), {}}, acceptor{context}, pause{context} {}

  void listen(const std::string& path);
  void accept();
  void take(stream_protocol::socket socket);
  void stop();

  stream_protocol::acceptor acceptor;
  asio::steady_timer pause;  ///< after a failed accept()
  std::string bound;
  std::optional<FileId> file;  ///< of the socket that was bound
};

void Control::State::listen(const std::string& path) {
  const stream_protocol::endpoint endpoint{path};
  make_room(endpoint);
  acceptor.open();
  // The socket is nobody else's from the moment it exists.
  const auto mask = ::umask(0117);
  error_code error;
  acceptor.bind(endpoint, error);
  ::umask(mask);
  if (error) throw boost::system::system_error{error};
  bound = path;
  file = file_at(path);
  acceptor.listen();
}

void Control::State::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, stream_protocol::socket socket) {
    if (!self->acceptor.is_open()) return;
    if (error) {
      self->pause.expires_after(accept_pause);
      return self->pause.async_wait([self](error_code stopped) {
        if (!stopped) self->accept();
      });
    }
    self->take(std::move(socket));
    self->accept();
  });
}

/// Who has something to ask has said so by the time the next one comes: so the silent make room.
void Control::State::take(stream_protocol::socket socket) {
  const auto right = right_of(socket.native_handle());
  if (right == Right::none) return;
  if (sessions.size() >= limits.connections_max) {
    const auto silent =
        std::find_if(sessions.begin(), sessions.end(), [](const Session* session) { return session->is_silent(); });
    if (silent == sessions.end()) {
      return std::make_shared<Session>(shared_from_this(), std::move(socket), right)->turn_away();
    }
    (*silent)->close();
  }
  std::make_shared<Session>(shared_from_this(), std::move(socket), right)->start();
}

void Control::State::stop() {
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  while (!sessions.empty()) sessions.front()->close();
  // Whoever took the path since, another gate before all, keeps it.
  if (file && file_at(bound) == file) ::unlink(bound.c_str());
}

Control::Control(asio::io_context& context, const std::string& path, ControlLimits limits, ControlCommands commands)
    : state_{std::make_shared<State>(context, limits, std::move(commands))} {
  state_->listen(path);
  state_->accept();
}

Control::~Control() {
  state_->stop();
}

}  // namespace bastion::admin

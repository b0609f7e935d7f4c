// The control socket over real sockets: nobody holds it by saying nothing, and its file is removed only while it is its own.
#include "proxy/admin/control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <list>
#include <optional>
#include <thread>

#include "proxy/admin/control_client.hpp"

namespace bastion::admin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto patience = 20s;
constexpr unsigned connections_max = 3;

/// Connects, and says nothing.
class SilentClient {
 public:
  explicit SilentClient(const std::string& path) : socket_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.data(), path.size());
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~SilentClient() { close(socket_); }
  SilentClient(const SilentClient&) = delete;
  SilentClient& operator=(const SilentClient&) = delete;

  /// Waits until the other end is closed; nothing may have come.
  [[nodiscard]] bool is_ended() const {
    const timeval most{static_cast<time_t>(patience.count()), 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    char byte = 0;
    return recv(socket_, &byte, 1, 0) == 0;
  }

 private:
  int socket_;
};

/// A server on a thread of its own; its reloads are answered when the test says so.
class ControlTest : public ::testing::Test {
 protected:
  ControlTest() {
    std::string name = (fs::temp_directory_path() / "control-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    path_ = (directory_ / "socket").string();
  }
  ~ControlTest() override {
    stop();
    fs::remove_all(directory_);
  }

  void start(std::chrono::milliseconds question_timeout) {
    ControlCommands commands;
    commands.status = [](bool, const std::function<void(std::string)>& reply) { reply("fine\n"); };
    commands.reload = [this](std::function<void(ControlCommands::Reloaded)> reply) {
      reloads_.push_back(std::move(reply));
      if (reloads_.size() == connections_max) all_wait_.set_value();
    };
    ControlLimits limits;
    limits.connections_max = connections_max;
    limits.question_timeout = question_timeout;
    control_.emplace(context_, path_, limits, std::move(commands));
    work_.emplace(context_.get_executor());
    thread_ = std::thread{[this] { context_.run(); }};
  }
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(context_, [this] {
      control_.reset();
      reloads_.clear();
      work_.reset();
    });
    thread_.join();
  }
  [[nodiscard]] std::string ask(const std::string& question) const {
    const auto asked = ask_gate(path_, question, patience);
    if (const auto* fault = std::get_if<ControlFault>(&asked)) return "fault: " + fault->what;
    const auto& answer = std::get<ControlAnswer>(asked);
    return (answer.ok ? "ok: " : "failed: ") + answer.text;
  }

  fs::path directory_;
  std::string path_;
  boost::asio::io_context context_{1};
  std::optional<Control> control_;
  std::list<std::function<void(ControlCommands::Reloaded)>> reloads_;  ///< on the context's thread
  std::promise<void> all_wait_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::thread thread_;
};

TEST_F(ControlTest, LetsTheSilentMakeRoomForThoseWhoAsk) {
  start(1h);
  std::list<SilentClient> silent;
  for (unsigned i = 0; i < 2 * connections_max; ++i) silent.emplace_back(path_);
  EXPECT_EQ(ask("status text"), "ok: fine\n");
  EXPECT_TRUE(silent.front().is_ended()) << "the one that was silent for longest goes first";
  EXPECT_EQ(ask("status text"), "ok: fine\n");
}

TEST_F(ControlTest, EndsWhoIsSilentForTooLong) {
  start(10ms);
  const SilentClient silent{path_};
  EXPECT_TRUE(silent.is_ended());
}

TEST_F(ControlTest, TellsWhoComesWhileAllAreBeingAnsweredToAskAgain) {
  start(1h);
  std::vector<std::future<std::string>> answers;
  for (unsigned i = 0; i < connections_max; ++i) {
    answers.push_back(std::async(std::launch::async, [this] { return ask("reload"); }));
  }
  ASSERT_EQ(all_wait_.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(ask("status text"), "failed: the gate is answering as many as it can at once; ask again\n");
  boost::asio::post(context_, [this] {
    for (const auto& reply : reloads_) reply({true, "done\n"});
  });
  for (auto& answer : answers) EXPECT_EQ(answer.get(), "ok: done\n");
  EXPECT_EQ(ask("status text"), "ok: fine\n");
}

TEST_F(ControlTest, IsNotSaidToNeedRootWhereItHangsUpOnItsOwnUser) {
  start(1h);
  std::vector<std::future<std::string>> answers;
  for (unsigned i = 0; i < connections_max; ++i) {
    answers.push_back(std::async(std::launch::async, [this] { return ask("reload"); }));
  }
  ASSERT_EQ(all_wait_.get_future().wait_for(patience), std::future_status::ready);
  stop();
  for (auto& answer : answers)
    EXPECT_EQ(answer.get(), "fault: " + path_ + ": the gate hung up without an answer; is it being stopped?");
}

TEST_F(ControlTest, RemovesItsSocketWhenItStops) {
  start(1h);
  EXPECT_TRUE(fs::is_socket(path_));
  stop();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(ControlTest, LeavesAloneWhatHasTakenThePlaceOfItsSocket) {
  start(1h);
  fs::rename(path_, path_ + ".aside");
  boost::asio::io_context other_context;
  const Control other{other_context, path_, {}, {}};
  stop();
  EXPECT_TRUE(fs::is_socket(path_)) << "another gate's";
}

TEST_F(ControlTest, SaysThatAGateThatHangsDoesNotAnswerInTime) {
  boost::asio::io_context never_run;
  const Control hanging{never_run, path_, {}, {}};
  const auto asked = ask_gate(path_, "status text", 10ms);
  ASSERT_TRUE(std::holds_alternative<ControlFault>(asked));
  EXPECT_EQ(std::get<ControlFault>(asked).what, path_ + ": the gate did not answer in time");
}

}  // namespace
}  // namespace bastion::admin

// What may be opened and connected to, on this machine's own kernel.
#include "proxy/sandbox/landlock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "child.hpp"
#include "proxy/sandbox/privileges.hpp"
#include "tests/support/temp_dir.hpp"

namespace bastion::sandbox {
namespace {

namespace fs = std::filesystem;

std::string opened(const std::string& path, int flags = O_RDONLY) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const auto said = outcome(fd);
  return fd >= 0 ? "open" : said;
}

/// What this kernel's Landlock makes of it, if it is of this version or a later one; without that, it has to be `otherwise`.
std::string from_version(int version, const std::string& held, const std::string& otherwise) {
  return landlock_abi() >= version ? held : otherwise;
}

class Landlock : public ::testing::Test {
 protected:
  /// What `attempt` said once it was confined, as far as this kernel can.
  static std::string confined(const Reach& reach, const std::function<std::string()>& attempt) {
    return in_child([&] {
      auto error = allow_no_new_privileges();
      if (!error.empty()) return error;
      const auto version = confine_to(reach);
      const auto* const trouble = std::get_if<std::string>(&version);
      if (trouble != nullptr && (landlock_abi() != 0 || *trouble != "the kernel has no Landlock")) return *trouble;
      return attempt();
    });
  }

  test::TempDir directory_;
};

TEST_F(Landlock, LeavesWhatIsReadableToBeReadAndNothingElse) {
  const auto inside = directory_.write("inside", "x");
  const test::TempDir other;
  const auto outside = other.write("outside", "x");
  EXPECT_EQ(opened(outside), "open");
  const auto said = confined({{directory_.path()}, {}, {}}, [&] { return in_order({opened(inside), opened(outside)}); });
  EXPECT_EQ(said, from_version(1, "open EACCES", "open open"));
}

TEST_F(Landlock, HasReadableFilesNeitherWrittenNorRemovedNorMade) {
  const auto file = directory_.write("file", "x");
  const auto said = confined({{directory_.path()}, {}, {}}, [&] {
    return in_order({opened(file, O_WRONLY), opened(directory_.path("new"), O_WRONLY | O_CREAT),
                     outcome(::truncate(file.c_str(), 0)), outcome(::unlink(file.c_str()))});
  });
  EXPECT_EQ(said,
            from_version(3, "EACCES EACCES EACCES EACCES", from_version(1, "EACCES EACCES 0 EACCES", "open open 0 0")));
}

TEST_F(Landlock, ReadsAFileThatWasPutInTheOldOnesPlace) {
  const auto file = directory_.write("file", "old");
  const auto said = in_child([&] {
    // The one who puts it there is not confined, and waits for the one who is.
    std::array<int, 2> ready{};
    std::array<int, 2> put{};
    if (::pipe(ready.data()) != 0 || ::pipe(put.data()) != 0) return std::string{"no pipes"};
    return in_child([&] {
      const auto other = ::fork();
      char byte = 0;
      if (other == 0) {
        static_cast<void>(::read(ready[0], &byte, 1));
        fs::rename(directory_.write("fresh", "new"), file);
        static_cast<void>(::write(put[1], &byte, 1));
        ::_exit(0);
      }
      return confined({{directory_.path()}, {}, {}}, [&] {
        static_cast<void>(::write(ready[1], &byte, 1));
        static_cast<void>(::read(put[0], &byte, 1));
        std::ifstream now{file};
        return std::string{std::istreambuf_iterator{now}, {}};
      });
    });
  });
  EXPECT_EQ(said, "new");
}

TEST_F(Landlock, LeavesWhatIsWritableToBeReplaced) {
  const auto file = directory_.path("counters");
  const auto said = confined({{}, {directory_.path()}, {}}, [&] {
    const auto beside = file + ".new";
    return in_order({opened(beside, O_WRONLY | O_CREAT | O_EXCL), outcome(::rename(beside.c_str(), file.c_str())),
                     opened(file), outcome(::unlink(file.c_str()))});
  });
  EXPECT_EQ(said, "open 0 open 0");
}

TEST_F(Landlock, LetsNothingBeExecutedNorMadeADirectoryEvenWhereItMayWrite) {
  const auto program = directory_.path("program");
  fs::copy_file("/bin/true", program);
  const auto said = confined({{}, {directory_.path()}, {}}, [&] {
    const char* const arguments[] = {program.c_str(), nullptr};
    return in_order({outcome(::execv(program.c_str(), const_cast<char* const*>(arguments))),
                     outcome(::mkdir(directory_.path("made").c_str(), 0700)),
                     outcome(::symlink("/etc/passwd", directory_.path("link").c_str()))});
  });
  EXPECT_EQ(said, from_version(1, "EACCES EACCES EACCES", ""));
}

TEST_F(Landlock, TakesASingleFileToo) {
  EXPECT_EQ(confined({{"/dev/null"}, {}, {}},
                     [] {
                       return in_order({opened("/dev/null"), opened("/dev/zero")});
                     }),
            from_version(1, "open EACCES", "open open"));
}

TEST_F(Landlock, PassesOverWhatIsNotThere) {
  EXPECT_EQ(confined({{directory_.path("missing"), directory_.path()}, {directory_.path("missing")}, {}},
                     [&] { return opened(directory_.path(), O_RDONLY | O_DIRECTORY); }),
            "open");
}

TEST_F(Landlock, HoldsForAThreadThatIsStartedLater) {
  const test::TempDir other;
  const auto outside = other.write("outside", "x");
  const auto said = confined({{directory_.path()}, {}, {}}, [&] {
    std::string from_thread;
    std::thread{[&] { from_thread = opened(outside); }}.join();
    return from_thread;
  });
  EXPECT_EQ(said, from_version(1, "EACCES", "open"));
}

/// Listens on a port of 127.0.0.1.
class Port {
 public:
  Port() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd_, 8) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error{"no port"};
    }
    address_ = address;
  }
  ~Port() { ::close(fd_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  [[nodiscard]] std::uint16_t number() const { return ntohs(address_.sin_port); }
  [[nodiscard]] std::string connected() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_));
  }

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address_{};
};

TEST_F(Landlock, LetsItConnectToTheBrokersPortAlone) {
  const Port broker;
  const Port other;
  const auto both = [&] { return in_order({broker.connected(), other.connected()}); };
  EXPECT_EQ(confined({{}, {}, {broker.number()}}, both), from_version(4, "0 EACCES", "0 0"));
  EXPECT_EQ(confined({{}, {}, {}}, both), from_version(4, "EACCES EACCES", "0 0"));
}

TEST_F(Landlock, LetsItListenWhereverAReloadWantsIt) {
  EXPECT_EQ(confined({}, [] { return std::to_string(Port{}.number() != 0); }), "1");
}

TEST_F(Landlock, KeepsItsSignalsFromOtherProcesses) {
  EXPECT_EQ(confined({}, [] { return outcome(::kill(::getppid(), 0)); }), from_version(6, "EPERM", "0"));
}

TEST_F(Landlock, KeepsItFromAbstractSocketsUnlessTheManagerIsAtOne) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = "bastion-test-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(manager, reinterpret_cast<const sockaddr*>(&address), size), 0);
  const auto tell = [&] {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return outcome(::sendto(fd, "READY=1", 7, 0, reinterpret_cast<const sockaddr*>(&address), size));
  };
  Reach reach;
  EXPECT_EQ(confined(reach, tell), from_version(6, "EPERM", "7"));
  reach.reaches_abstract_sockets_too = true;
  EXPECT_EQ(confined(reach, tell), "7");
  ::close(manager);
}

}  // namespace
}  // namespace bastion::sandbox

// The filter of system calls on this machine: what is done, what fails, what ends the process.
#include "proxy/sandbox/filter.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "child.hpp"
#include "proxy/sandbox/privileges.hpp"

namespace bastion::sandbox {
namespace {

/// What `attempt` said under the filter.
std::string filtered(const std::function<std::string()>& attempt) {
  return in_child([&] {
    auto error = allow_no_new_privileges();
    if (error.empty()) error = filter_system_calls();
    return error.empty() ? attempt() : error;
  });
}

/// What is expected under the filter; where there is none to be had, as in an emulator of processors, that it is said.
std::string under_filter(const std::string& expected) {
  return has_system_call_filter() ? expected : "the kernel has no filter of system calls";
}

std::string socket_of(int family, int type, int protocol = 0) {
  return outcome(::socket(family, type, protocol)).front() == 'E' ? "no" : "yes";
}

const std::string killed = "signal " + std::to_string(SIGSYS);

TEST(SystemCalls, WithoutNoNewPrivilegesAreNotFilteredAndThatIsSaid) {
  const auto said = in_child([] {
    static_cast<void>(drop_capabilities());
    return filter_system_calls();
  });
  EXPECT_EQ(said, under_filter("can't install the filter of system calls: Permission denied"));
}

struct Hostile {
  const char* name;
  std::function<void()> call;
};
void PrintTo(const Hostile& hostile, std::ostream* to) {
  *to << hostile.name;
}

class HostileCall : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileCall, EndsTheProcess) {
  EXPECT_EQ(filtered([] {
              GetParam().call();
              return std::string{"it went on"};
            }),
            under_filter(killed));
}

char* const no_words[] = {nullptr};
INSTANTIATE_TEST_SUITE_P(
    Of, HostileCall,
    ::testing::Values(Hostile{"Execve", [] { ::execve("/bin/true", no_words, no_words); }},
                      Hostile{"Execveat", [] { ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", no_words, no_words, 0); }},
                      Hostile{"Fork", [] { ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
                      Hostile{"Ptrace", [] { ::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
                      Hostile{"ProcessVmReadv", [] { ::syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }},
                      Hostile{"Kill", [] { ::syscall(SYS_kill, ::getppid(), 0); }},
                      Hostile{"Setuid", [] { ::syscall(SYS_setuid, 0); }},
                      Hostile{"Unshare", [] { ::syscall(SYS_unshare, CLONE_NEWUSER); }},
                      Hostile{"Mount", [] { ::syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr); }},
                      Hostile{"Bpf", [] { ::syscall(SYS_bpf, 0, nullptr, 0); }},
                      Hostile{"IoUring", [] { ::syscall(SYS_io_uring_setup, 8, nullptr); }},
                      Hostile{"Keyctl", [] { ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }}),
    [](const auto& hostile) { return std::string{hostile.param.name}; });

TEST(SystemCalls, ThatNobodyHasListedAreAsInAnOlderKernel) {
  EXPECT_EQ(filtered([] {
              return in_order({outcome(::syscall(SYS_clone3, nullptr, 0)), outcome(::syscall(SYS_acct, nullptr))});
            }),
            under_filter("ENOSYS ENOSYS"));
  EXPECT_EQ(filtered([] { return outcome(::syscall(999'999)); }), under_filter("ENOSYS"));
}

TEST(SystemCalls, OpenSocketsOfTheGatesOwnKindsOnly) {
  const auto said = filtered([] {
    return socket_of(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC) + socket_of(AF_INET, SOCK_STREAM | SOCK_NONBLOCK) +
           socket_of(AF_INET6, SOCK_STREAM, IPPROTO_TCP) + '|' + socket_of(AF_INET, SOCK_DGRAM) +
           socket_of(AF_INET, SOCK_STREAM, IPPROTO_MPTCP) + socket_of(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) +
           socket_of(AF_PACKET, SOCK_RAW) + socket_of(AF_NETLINK, SOCK_RAW) + socket_of(AF_ALG, SOCK_SEQPACKET);
  });
  EXPECT_EQ(said, under_filter("yesyesyes|nononononono"));
}

TEST(SystemCalls, SendToNobodyWhomTheyHaveNotConnectedToFirst) {
  const auto said = filtered([] {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(::sendto(fd, "x", 1, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  });
  EXPECT_EQ(said, under_filter("ENOSYS"));
}

TEST(SystemCalls, MapMemoryButNoMoreCode) {
  constexpr std::size_t page = 4096;
  const auto said = filtered([] {
    const auto map = [](int protection) { return ::mmap(nullptr, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); };
    void* const data = map(PROT_READ | PROT_WRITE);
    return in_order({data != MAP_FAILED ? "data" : "none", outcome(::mprotect(data, page, PROT_READ | PROT_EXEC)),
                     map(PROT_READ | PROT_EXEC) == MAP_FAILED ? "no code" : "code",
                     outcome(::mprotect(data, page, PROT_READ))});
  });
  EXPECT_EQ(said, under_filter("data ENOSYS no code 0"));
}

TEST(SystemCalls, StartThreadsThatAreFilteredToo) {
  const auto said = filtered([] {
    std::string from_thread;
    std::thread{[&] { from_thread = socket_of(AF_NETLINK, SOCK_RAW); }}.join();
    return from_thread;
  });
  EXPECT_EQ(said, under_filter("no"));
}

TEST(SystemCalls, ChangeTheProcessesOwnLimitsOnly) {
  const auto said = filtered([] {
    rlimit limit{};
    return in_order({outcome(::prlimit(0, RLIMIT_NOFILE, nullptr, &limit)),
                     outcome(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &limit))});
  });
  EXPECT_EQ(said, under_filter("0 ENOSYS"));
}

TEST(SystemCalls, NeitherUndoWhatKeepsMemoryOffTheDiskNorAddFilters) {
  const auto said = filtered([] {
    return in_order({outcome(::prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL)), outcome(::syscall(SYS_munlockall)),
                     outcome(::syscall(SYS_seccomp, 0, 0, nullptr))});
  });
  EXPECT_EQ(said, under_filter("ENOSYS ENOSYS ENOSYS"));
}

TEST(SystemCalls, HaveAnAbortEndTheProcessAsItShould) {
  EXPECT_EQ(filtered([]() -> std::string { std::abort(); }), under_filter("signal " + std::to_string(SIGABRT)));
}

}  // namespace
}  // namespace bastion::sandbox

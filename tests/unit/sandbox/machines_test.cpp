// The same filter for each machine that the gate is built for: the system calls of its C library are there, by its own
// numbers.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filter_program.hpp"
#include "proxy/sandbox/system_calls.hpp"

namespace bastion::sandbox {
namespace {

constexpr std::uint32_t not_there = SECCOMP_RET_ERRNO | ENOSYS;

struct Library {
  const char* name;
  Machine machine;
  std::vector<const char*> calls;  ///< what its C library makes of the gate's calls
};
void PrintTo(const Library& library, std::ostream* to) {
  *to << library.name;
}

const std::vector<const char*> everywhere{"read",
                                          "write",
                                          "readv",
                                          "writev",
                                          "openat",
                                          "close",
                                          "fstat",
                                          "epoll_create1",
                                          "epoll_ctl",
                                          "epoll_pwait",
                                          "eventfd2",
                                          "signalfd4",
                                          "timerfd_create",
                                          "accept4",
                                          "bind",
                                          "listen",
                                          "connect",
                                          "recvfrom",
                                          "recvmsg",
                                          "getsockopt",
                                          "setsockopt",
                                          "shutdown",
                                          "getsockname",
                                          "fsync",
                                          "flock",
                                          "unlinkat",
                                          "umask",
                                          "futex",
                                          "rt_sigaction",
                                          "exit",
                                          "exit_group",
                                          "rt_sigprocmask",
                                          "rt_sigreturn",
                                          "getrandom",
                                          "brk",
                                          "munmap",
                                          "madvise",
                                          "mremap",
                                          "gettid",
                                          "getpid",
                                          "tgkill",
                                          "rseq",
                                          "geteuid",
                                          "getegid",
                                          "faccessat2",
                                          "statx",
                                          "sched_getaffinity",
                                          "set_robust_list"};

class OnMachine : public ::testing::TestWithParam<Library> {
 protected:
  const FilterProgram program_{GetParam().machine};
};

TEST_P(OnMachine, TheGatesCallsAreAllowed) {
  for (const auto* const call : everywhere) EXPECT_EQ(program_.verdict(call), SECCOMP_RET_ALLOW) << call;
  for (const auto* const call : GetParam().calls) EXPECT_EQ(program_.verdict(call), SECCOMP_RET_ALLOW) << call;
}

TEST_P(OnMachine, HostileCallsEndTheProcess) {
  for (const auto* const call : {"execve", "execveat", "ptrace", "mount", "bpf", "kill", "unshare", "setns", "keyctl"}) {
    EXPECT_EQ(program_.verdict(call), SECCOMP_RET_KILL_PROCESS) << call;
  }
}

TEST_P(OnMachine, OthersAreNotThere) {
  for (const auto* const call : {"acct", "mlock", "prctl", "recvmmsg", "sendmmsg", "inotify_init1", "memfd_create"}) {
    EXPECT_EQ(program_.verdict(call), not_there) << call;
  }
}

TEST_P(OnMachine, ThreadsStartAndProcessesDoNot) {
  constexpr std::uint64_t of_pthreads = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                        CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  EXPECT_EQ(program_.verdict("clone", {of_pthreads}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(program_.verdict("clone", {SIGCHLD}), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(program_.verdict("clone", {of_pthreads | CLONE_NEWUSER}), not_there);
}

TEST_P(OnMachine, MemoryIsMappedButNoCode) {
  const auto* const map = GetParam().machine == Machine::armhf ? "mmap2" : "mmap";
  for (const auto* const call : {map, "mprotect"}) {
    EXPECT_EQ(program_.verdict(call, {0, 4096, PROT_READ | PROT_WRITE}), SECCOMP_RET_ALLOW) << call;
    EXPECT_EQ(program_.verdict(call, {0, 4096, PROT_READ | PROT_EXEC}), not_there) << call;
  }
}

TEST_P(OnMachine, SocketsAreUnixOrTcp) {
  EXPECT_EQ(program_.verdict("socket", {AF_UNIX, SOCK_DGRAM}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(program_.verdict("socket", {AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(program_.verdict("socket", {AF_INET, SOCK_DGRAM}), not_there);
  EXPECT_EQ(program_.verdict("socket", {AF_NETLINK, SOCK_RAW}), not_there);
}

INSTANTIATE_TEST_SUITE_P(
    OfDebian, OnMachine,
    ::testing::Values(
        Library{"amd64",
                Machine::amd64,
                {"newfstatat", "epoll_wait", "poll", "rename", "unlink", "access", "lseek", "clock_nanosleep"}},
        Library{"arm64", Machine::arm64, {"newfstatat", "ppoll", "renameat", "lseek", "faccessat", "clock_gettime"}},
        // A C library of before 2.34, or one whose programs have 32 bits for the time, makes the first of each two.
        Library{"armhf",
                Machine::armhf,
                {"fstat64", "fstatat64", "fcntl64", "_llseek", "epoll_wait", "poll", "futex_time64", "clock_gettime64",
                 "clock_nanosleep_time64", "timerfd_settime64", "ppoll_time64", "geteuid32", "getegid32", "ugetrlimit",
                 "recv", "rename", "unlink", "sigreturn"}}),
    [](const auto& library) { return std::string{library.param.name}; });

TEST(Tables, NameNoCallTwiceNorOneThatIsBothAllowedAndHostile) {
  std::set<std::string_view> seen;
  for (const auto name : allowed_calls()) EXPECT_TRUE(seen.insert(name).second) << name;
  for (const auto name : hostile_calls()) EXPECT_TRUE(seen.insert(name).second) << name;
  for (const auto& call : conditional_calls()) EXPECT_FALSE(seen.contains(call.name)) << call.name;
}

}  // namespace
}  // namespace bastion::sandbox

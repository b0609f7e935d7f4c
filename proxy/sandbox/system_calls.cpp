// The tables of system calls.
#include "proxy/sandbox/system_calls.hpp"

#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>

namespace bastion::sandbox {
namespace {

constexpr std::array<std::string_view, 112> allowed_table{
    // Bytes, from and to whatever is open.
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "_llseek", "close", "dup", "dup2", "dup3", "fcntl",
    "fcntl64",
    // Files; which ones is Landlock's to say.
    "open", "openat", "fstat", "fstat64", "newfstatat", "fstatat64", "stat", "stat64", "lstat", "lstat64", "statx", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "fsync",
    "fdatasync", "ftruncate", "ftruncate64", "flock", "umask", "getcwd",
    // Connections.
    "bind", "listen", "accept", "accept4", "connect", "shutdown", "recv", "recvfrom", "recvmsg", "getsockname",
    "getpeername", "getsockopt", "setsockopt",
    // Waiting, and the time.
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "ppoll_time64", "eventfd2",
    "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_settime64", "clock_gettime", "clock_gettime64",
    "clock_getres", "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "restart_syscall",
    // Memory, but for what could be executed.
    "brk", "munmap", "mremap", "madvise",
    // Threads, locks, signals to itself.
    "futex", "futex_time64", "set_robust_list", "rseq", "membarrier", "sched_yield", "sched_getaffinity", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "tgkill", "gettid", "getpid", "exit", "exit_group",
    // What it wants to know of itself and of the machine.
    "getuid", "getuid32", "geteuid", "geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getrandom", "uname",
    "sysinfo", "getrlimit", "ugetrlimit", "setrlimit"};

constexpr std::uint64_t int_mask = 0xffff'ffff;
constexpr std::uint64_t socket_type_mask = 0xf;  // the rest are SOCK_NONBLOCK and SOCK_CLOEXEC
/// A thread of this process, in none of the kernel's namespaces but its own. Everything else that clone() makes is a
/// process.
constexpr std::uint64_t thread_flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
constexpr std::uint64_t namespace_flags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t map_names = 0x53564d41;  // PR_SET_VMA: newer C libraries name what they map

constexpr Condition is(unsigned argument, std::uint64_t value) {
  return {argument, int_mask, value};
}
constexpr Condition has_none_of(unsigned argument, std::uint64_t bits) {
  return {argument, bits, 0};
}
constexpr ConditionalCall tcp(int family, std::uint64_t protocol) {
  return {"socket", {is(0, static_cast<std::uint64_t>(family)), {1, socket_type_mask, SOCK_STREAM}, is(2, protocol)}, 3};
}

constexpr std::array conditional_table{
    ConditionalCall{"socket", {is(0, AF_UNIX)}},
    tcp(AF_INET, 0),
    tcp(AF_INET, IPPROTO_TCP),
    tcp(AF_INET6, 0),
    tcp(AF_INET6, IPPROTO_TCP),
    ConditionalCall{"socketpair", {is(0, AF_UNIX)}},
    // With MSG_FASTOPEN it would be a connect() that Landlock is not asked about.
    ConditionalCall{"send", {has_none_of(3, MSG_FASTOPEN)}},
    ConditionalCall{"sendto", {has_none_of(3, MSG_FASTOPEN)}},
    ConditionalCall{"sendmsg", {has_none_of(2, MSG_FASTOPEN)}},
    // All code that will ever run has been mapped by the time the filter is there.
    ConditionalCall{"mmap", {has_none_of(2, PROT_EXEC)}},
    ConditionalCall{"mmap2", {has_none_of(2, PROT_EXEC)}},
    ConditionalCall{"mprotect", {has_none_of(2, PROT_EXEC)}},
    ConditionalCall{"clone", {{0, thread_flags | namespace_flags, thread_flags}}},
    ConditionalCall{"prctl", {is(0, PR_SET_NAME)}},
    ConditionalCall{"prctl", {is(0, map_names)}},
    ConditionalCall{"ioctl", {is(1, FIONBIO)}},
    ConditionalCall{"ioctl", {is(1, FIONREAD)}},
    ConditionalCall{"ioctl", {is(1, TCGETS)}},  // isatty()
    // Its own limits, and nobody else's.
    ConditionalCall{"prlimit64", {is(0, 0)}},
};

constexpr std::array<std::string_view, 52> hostile_table{
    // Other programs and processes.
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "pidfd_getfd", "kcmp", "kill", "tkill",
    // Other rights.
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
    // Another view of the system.
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen", "fsmount", "move_mount", "open_tree",
    "open_by_handle_at", "name_to_handle_at",
    // The kernel itself, and the parts of it that flaws are found in.
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "personality", "reboot",
    "swapon", "settimeofday"};

constexpr std::array hostile_conditional_table{
    ConditionalCall{"clone", {has_none_of(0, CLONE_THREAD)}},  // as fork() does it
};

}  // namespace

std::span<const std::string_view> allowed_calls() {
  return allowed_table;
}
std::span<const ConditionalCall> conditional_calls() {
  return conditional_table;
}
std::span<const std::string_view> hostile_calls() {
  return hostile_table;
}
std::span<const ConditionalCall> hostile_conditional_calls() {
  return hostile_conditional_table;
}

}  // namespace bastion::sandbox

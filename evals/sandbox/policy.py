"""What the children may do once strange code runs: the system calls of Linux on x86_64, and what their arguments may be.

Everything that is not listed fails with EPERM. Left out on purpose: sockets, processes (fork, vfork, exec), ptrace and
process_vm_*, signals to others, pidfd_*, mounts and namespaces, chroot, keys, io_uring, shared memory, semaphores and message
queues, memfd_create, chmod, chown and utime, mknod, links, bpf, perf, userfaultfd, set*id, personality, handles, affinity.
"""

from __future__ import annotations

import errno
from typing import Final, NamedTuple

AUDIT_ARCH_X86_64: Final = 0xC000003E
X32: Final = 0x40000000
"""Call numbers from here on belong to the x32 ABI, and would walk around the table."""


class Rule(NamedTuple):
    """An argument's low 32 bits, masked, has to be one of `values`, or the call fails with EPERM."""

    argument: int
    mask: int
    values: tuple[int, ...]


PLAIN: Final = {
    "read": 0, "write": 1, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "pwrite64": 18,
    "readv": 19, "writev": 20, "access": 21, "pipe": 22, "select": 23, "sched_yield": 24, "mremap": 25, "mincore": 27,
    "madvise": 28, "dup": 32, "dup2": 33, "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38, "getpid": 39,
    "exit": 60, "uname": 63, "flock": 73, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "getdents": 78, "getcwd": 79,
    "chdir": 80, "fchdir": 81, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "unlink": 87, "readlink": 89, "umask": 95,
    "gettimeofday": 96, "getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104,
    "geteuid": 107, "getegid": 108, "getppid": 110, "getpgrp": 111, "getgroups": 115, "getresuid": 118, "getresgid": 120,
    "getpgid": 121, "getsid": 124, "sigaltstack": 131, "statfs": 137, "fstatfs": 138, "sched_getparam": 143,
    "sched_getscheduler": 145, "arch_prctl": 158, "setrlimit": 160,
    "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
    "getdents64": 217, "set_tid_address": 218, "restart_syscall": 219, "fadvise64": 221, "clock_gettime": 228,
    "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232, "epoll_ctl": 233, "mkdirat": 258,
    "newfstatat": 262, "unlinkat": 263, "renameat": 264, "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271,
    "set_robust_list": 273, "eventfd2": 290, "epoll_create1": 291, "dup3": 292, "pipe2": 293, "preadv": 295, "pwritev": 296,
    "getcpu": 309, "getrandom": 318, "membarrier": 324, "statx": 332, "rseq": 334, "close_range": 436, "faccessat2": 439,
}  # fmt: skip
"""Calls allowed whatever their arguments. Which files they reach is for Landlock to say."""

O_ACCMODE_TRUNC: Final = 0o3 | 0o1000
_OPEN_FLAGS: Final = (0o0, 0o1, 0o2, 0o1 | 0o1000, 0o2 | 0o1000)  # to truncate a file opened for reading escapes old Landlocks
_THREAD: Final = 0x3D0F00
"""CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | SETTLS | PARENT_SETTID | CHILD_CLEARTID: what glibc's threads ask for."""


def ruled(pid: int) -> dict[int, Rule]:
    """Calls allowed with some arguments only, by number; `pid` is the child's own."""
    return {
        2: Rule(1, O_ACCMODE_TRUNC, _OPEN_FLAGS),  # open
        257: Rule(2, O_ACCMODE_TRUNC, _OPEN_FLAGS),  # openat
        16: Rule(1, 0xFFFFFFFF, (0x5401, 0x5413, 0x5421, 0x5450, 0x5451)),  # ioctl: is it a terminal, its size, blocking, cloexec
        56: Rule(0, 0xFFFFFFFF, (_THREAD,)),  # clone
        62: Rule(0, 0xFFFFFFFF, (pid,)),  # kill
        234: Rule(0, 0xFFFFFFFF, (pid,)),  # tgkill
        72: Rule(1, 0xFFFFFFFF, (0, 1, 2, 3, 4, 1030)),  # fcntl: dup, flags; F_SETOWN would signal others, leases stop them
        157: Rule(0, 0xFFFFFFFF, (15, 16)),  # prctl: the thread's name
        302: Rule(0, 0xFFFFFFFF, (0,)),  # prlimit64: its own
    }


KILLED: Final = (101, 310, 311, 59, 322, 165, 272, 308, 161, 155, 321, 425, 175, 246, 169, 304)
"""ptrace, process_vm_*, execve*, mount, unshare, setns, chroot, pivot_root, bpf, io_uring_setup, init_module, kexec_load,
reboot, open_by_handle_at: no honest program comes near these, so they end the child, and the verdict is "forbidden"."""

MISSING: Final = (435, 437)
"""clone3 and openat2: their arguments lie in memory, which no filter sees. With ENOSYS, glibc takes the older call."""

DENIED: Final = errno.EPERM

"""Takes from the calling process all that strange code has no need of. Only the children run this, and for good.

Landlock says which files are reachable, seccomp which system calls (policy.py), rlimits how much; a process started by root
becomes a user that nobody else is, without capabilities. Sources: landlock(7), seccomp(2), capabilities(7), credentials(7).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from evals.sandbox.policy import AUDIT_ARCH_X86_64, DENIED, KILLED, MISSING, PLAIN, X32, ruled

_libc = ctypes.CDLL(None, use_errno=True)

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_FS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many kinds of access to files each Landlock version knows; from version 5 there are 16."""
_READ_FILE, _WRITE_FILE, _READ_DIR, _TRUNCATE = 1 << 2, 1 << 1, 1 << 3, 1 << 14
_IN_SCRATCH = _READ_FILE | _WRITE_FILE | _READ_DIR | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | _TRUNCATE
"""Read, write, list, remove folders and files, make folders and files: no links, sockets, pipes or devices."""

_NOBODY: Final = 0x7F000000
"""Added to a process id it makes a user id that no account and no container has."""
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000


def landlock_version() -> int:
    """The version of Landlock this kernel speaks; 0 when it has none."""
    return max(0, _libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)) if sys.platform == "linux" else 0


def has_seccomp() -> bool:
    """Whether this kernel takes seccomp filters that we know how to write."""
    kills = ctypes.c_uint32(_KILL)
    return (
        sys.platform == "linux"
        and os.uname().machine == "x86_64"
        and sys.maxsize > 2**32
        and _libc.syscall(317, 2, 0, ctypes.byref(kills)) == 0
    )


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _prctl(option: int, *arguments: int) -> None:
    padded = [*arguments, 0, 0, 0, 0][:4]
    _check(_libc.prctl(option, *(ctypes.c_ulong(a) for a in padded)), f"prctl {option}")


def cover(paths: Sequence[str]) -> None:
    """Make `paths` reachable by any user, by covering each folder that only root may enter with one that holds just them.

    For root, whose interpreter may lie below /root. It happens in a mount namespace of the process's own, so nobody else
    sees it. Raises OSError without the right to do so.
    """
    closed = sorted({str(p) for path in paths for p in Path(path).parents if not p.stat().st_mode & 0o001})
    outer = [p for p in closed if not any(p.startswith(f"{other}/") for other in closed)]
    if not outer:
        return
    _check(_libc.unshare(0x00020000), "unshare")
    _mount("none", "/", 0x4000 | 0x40000)  # MS_REC | MS_PRIVATE
    for folder in outer:
        inner = sorted(p for p in paths if p.startswith(f"{folder}/"))
        inner = [p for p in inner if not any(p.startswith(f"{other}/") for other in inner)]
        handles = [os.open(p, os.O_PATH) for p in inner]
        _mount("tmpfs", folder, 0x2 | 0x4, "tmpfs", "mode=755,size=64k")  # MS_NOSUID | MS_NODEV
        for path, handle in zip(inner, handles, strict=True):
            Path(path).mkdir(parents=True)
            _mount(f"/proc/self/fd/{handle}", path, 0x1000 | 0x4000)  # MS_BIND | MS_REC
            os.close(handle)


def _mount(source: str, target: str, flags: int, kind: str = "", options: str = "") -> None:
    arguments = [a.encode() or None for a in (source, target, kind)]
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None), f"mount {target}")


def limit(memory_bytes: int, cpu_seconds: int, file_bytes: int, open_files: int) -> None:
    """Set the resource limits that hold for this process, whoever runs it; hard, so that nothing raises them again."""
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_STACK, 8 << 20),
    ):
        hard = resource.getrlimit(kind)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))
    # writing past the file limit is an error of the write, as on a full disk
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def limit_threads(threads: int) -> None:
    """Bound the threads of this process's user: for a user that nobody else is, or in a namespace without anybody else."""
    resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))


def become_nobody(scratch: str, threads: int) -> None:
    """From root, become a user that nobody else is, of so many threads, who owns `scratch`."""
    user = _NOBODY + os.getpid()
    try:
        os.chown(scratch, user, user)
    except OSError:  # a user namespace that maps few users
        user = 65534
        os.chown(scratch, user, user)
    else:
        limit_threads(threads)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def drop_capabilities() -> None:
    """Give up what is left of root's rights, or was given to an ordinary user."""
    _prctl(47, 4)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    header, none = struct.pack("=Ii", 0x20080522, 0), bytes(24)
    _check(_libc.capset(header, none), "capset")


def tie_to_parent(parent: int) -> None:
    """End with `parent`, the process that started this one, be opaque to others of this user, and gain no rights by any exec.

    parent: 0 in a process namespace, whose first process is not the one that asked for it, and takes all along when it ends.
    """
    _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    _prctl(4, 0)  # PR_SET_DUMPABLE
    _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
    if parent and os.getppid() != parent:
        os._exit(1)


def restrict_files(readable: Sequence[str], devices: Sequence[str], scratch: str) -> int:
    """A Landlock ruleset, as a file descriptor: read `readable`, use `devices`, read and write below `scratch`."""
    version = landlock_version()
    handled = (1 << _FS_BITS.get(version, 16)) - 1
    network = 3 if version >= 4 else 0  # TCP bind and connect
    scoped = 3 if version >= 6 else 0  # abstract unix sockets and signals
    size = 8 + 8 * (version >= 4) + 8 * (version >= 6)
    attributes = struct.pack("=QQQ", handled, network, scoped)[:size]
    ruleset = _check(_libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0), "landlock_create_ruleset")
    allowed = [(p, _READ_FILE | _READ_DIR) for p in readable] + [(p, _READ_FILE | _WRITE_FILE) for p in devices]
    for path, access in [*allowed, (scratch, _IN_SCRATCH)]:
        target = os.open(path, os.O_PATH)
        if not Path(path).is_dir():
            access &= ~_READ_DIR
        rule = struct.pack("=Qi", access & handled, target)
        _check(_libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), "landlock_add_rule")
        os.close(target)
    return ruleset


def enforce_files(ruleset: int) -> None:
    """Hold this process to `ruleset` from here on."""
    _check(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _program() -> Iterator[tuple[int, int, int, int]]:
    """The seccomp filter as (code, jump if true, jump if false, operand), BPF as in linux/filter.h."""
    load, equal, at_least, mask, answer = 0x20, 0x15, 0x35, 0x54, 0x06
    yield load, 0, 0, 4  # seccomp_data.arch
    yield equal, 1, 0, AUDIT_ARCH_X86_64
    yield answer, 0, 0, _KILL
    yield load, 0, 0, 0  # seccomp_data.nr
    yield at_least, 0, 1, X32
    yield answer, 0, 0, _KILL
    for numbers, action in ((PLAIN.values(), _ALLOW), (KILLED, _KILL), (MISSING, _ERRNO | 38)):
        for number in numbers:
            yield equal, 0, 1, number
            yield answer, 0, 0, action
    for number, rule in ruled(os.getpid()).items():
        yield equal, 0, 3 + 2 * len(rule.values), number
        yield load, 0, 0, 16 + 8 * rule.argument  # the low half of seccomp_data.args[i]
        yield mask, 0, 0, rule.mask
        for value in rule.values:
            yield equal, 0, 1, value
            yield answer, 0, 0, _ALLOW
        yield answer, 0, 0, _ERRNO | DENIED
    yield answer, 0, 0, _ERRNO | DENIED


def restrict_calls() -> None:
    """Install the seccomp filter. Raises OSError where there is none to install."""
    instructions = b"".join(struct.pack("=HBBI", *step) for step in _program())
    code = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(code))
    _check(_libc.syscall(317, 1, 0, program), "seccomp")

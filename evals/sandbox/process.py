"""Processes of strange code, seen from outside: their pipes, what they say and use, why they ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from evals.sandbox import protocol
from evals.sandbox.child import BOOT
from evals.sandbox.protection import Protection, command
from evals.sandbox.scratch import measure
from evals.sandbox.verdict import Limits, Status, Verdict, one_line

_VALUES: Final = (protocol.CALL, protocol.RETURNED)
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_WATCH: Final = 0.02
"""Seconds between two looks at what a child uses."""


class Stop(Exception):  # noqa: N818  # the end of a judgement, not a mishap
    """The verdict is known."""

    def __init__(self, status: Status, detail: str = "") -> None:
        super().__init__(detail)
        self.verdict = Verdict(status, one_line(detail))


class Child:
    """A process of strange code: its pipes, what is still to be written to it, what was read and makes no whole frame yet."""

    def __init__(self, setup: protocol.Setup, protection: Protection, limits: Limits, stderr: int = subprocess.DEVNULL) -> None:
        self.role, self.scratch, self.limits = setup.role, Path(setup.scratch), limits
        self.inbox, self.outbox = bytearray(), bytearray()
        self.open = True
        self.started = time.monotonic()
        theirs_in, self.writing = os.pipe2(os.O_CLOEXEC)
        self.reading, theirs_out = os.pipe2(os.O_CLOEXEC)
        try:
            python = [sys.executable, "-I", "-S", "-c", BOOT, str(Path(__file__).parent), str(theirs_in), str(theirs_out)]
            self.process = subprocess.Popen(
                command(protection, python, self.scratch),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={},
                cwd=self.scratch,
                pass_fds=(theirs_in, theirs_out),
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        os.set_blocking(self.writing, False)
        os.set_blocking(self.reading, False)
        self.send(protocol.SETUP, json.dumps(setup._asdict()).encode())

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        self.outbox += protocol.frame(kind, payload)
        self.flush()

    def flush(self) -> None:
        """Write what fits into the pipe. What a child that is gone does not read is dropped."""
        try:
            while self.outbox:
                del self.outbox[: os.write(self.writing, memoryview(self.outbox)[: 1 << 16].tobytes())]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.outbox.clear()

    def fill(self) -> None:
        """Read what the pipe holds, a megabyte at most."""
        try:
            part = os.read(self.reading, 1 << 20)
        except BlockingIOError:
            return
        self.open = bool(part)
        self.inbox += part

    def next_frame(self) -> tuple[bytes, bytes] | None:
        """The next whole message, if there is one. Raises Stop for one that is too large."""
        if len(self.inbox) < protocol.HEADER.size:
            return None
        kind, size = protocol.HEADER.unpack_from(self.inbox)
        if size > protocol.SMALL + (self.limits.output_bytes if kind in _VALUES else 0):
            raise Stop("output", f"the {self.role} sent {size} bytes at once")
        end = protocol.HEADER.size + size
        if len(self.inbox) < end:
            return None
        payload = bytes(self.inbox[protocol.HEADER.size : end])
        del self.inbox[:end]
        return kind, payload

    def look(self) -> None:
        """Raise Stop when it uses more than it may, in ways that its resource limits do not see."""
        usage = measure(self.scratch, self.limits.files)
        if usage.files > self.limits.files:
            raise Stop("disk", f"the {self.role} made more than {self.limits.files} files")
        if usage.size > self.limits.file_bytes:
            raise Stop("disk", f"the {self.role} wrote more than {self.limits.file_bytes} bytes")
        try:
            proc = Path(f"/proc/{self.process.pid}")
            resident = int((proc / "statm").read_text().split()[1]) * _PAGE
            threads = len(os.listdir(proc / "task"))  # noqa: PTH208  # names alone are wanted
        except (OSError, IndexError):
            return  # it has ended, which its pipe will tell
        if resident > self.limits.memory_bytes:
            raise Stop("memory", f"the {self.role} holds more than {self.limits.memory_bytes} bytes")
        if threads > self.limits.threads:
            raise Stop("forbidden", f"the {self.role} runs more than {self.limits.threads} threads")

    def ended(self) -> Stop:
        """Why it hung up."""
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return Stop("error", f"the {self.role} closed its pipe")
        number = -code if code < 0 else code - 128  # bubblewrap reports a signal as a shell does
        if number == signal.SIGSYS:
            return Stop("forbidden", f"the {self.role} made a forbidden system call")
        if number == signal.SIGXCPU or (number == signal.SIGKILL and self.spent() >= self.limits.cpu_seconds):
            return Stop("timeout", f"the {self.role} took more than {self.limits.cpu_seconds} s of processor time")
        how = f"by signal {number}" if number > 0 else f"with status {code}"
        return Stop("error", f"the {self.role} ended {how}")

    def spent(self) -> float:
        """Wall seconds since it started."""
        return time.monotonic() - self.started

    def end(self) -> None:
        """Kill it and wait until it is gone: the process, and under bubblewrap all within, of which the pipe tells.

        Where the kernel's filter holds, the child could make no other process; unprotected, its process group goes as well.
        """
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        gone = time.monotonic() + 1
        poll = select.poll()
        poll.register(self.reading, select.POLLIN)
        while self.open and time.monotonic() < gone:
            poll.poll(100)
            self.inbox.clear()
            self.fill()
        self._close()

    def _close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


class Talk:
    """Waits for what one child says while all of them are written to and watched, until `deadline` (of the monotonic clock)."""

    def __init__(self, children: Sequence[Child], deadline: float) -> None:
        self.children, self.deadline = children, deadline
        self.watch = time.monotonic() + _WATCH

    def receive(self, child: Child) -> tuple[bytes, bytes]:
        """The next message of `child`. Raises Stop when there will be none."""
        while True:
            now = time.monotonic()
            if now >= self.deadline:
                raise Stop("timeout", f"no verdict after {child.limits.seconds:g} s")
            if now >= self.watch:
                for each in self.children:
                    each.look()
                self.watch = time.monotonic() + _WATCH
            message = child.next_frame()
            if message is not None:
                if child.outbox:  # an honest child hears all before it speaks; else what is said to it could pile up here
                    raise Stop("forbidden", f"the {child.role} spoke out of turn")
                return message
            if not child.open:
                raise child.ended()
            self._wait(child, min(self.watch, self.deadline) - now)

    def _wait(self, child: Child, seconds: float) -> None:
        poll = select.poll()
        poll.register(child.reading, select.POLLIN)
        for each in self.children:
            if each.outbox:
                poll.register(each.writing, select.POLLOUT)
        ready = poll.poll(max(0.0, seconds) * 1000 + 1)
        for each in self.children:
            each.flush()
        if any(fd == child.reading for fd, _ in ready):
            child.fill()

"""Processes that others start: each runs one function, in an environment of its own, and tells what was wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from types import FrameType
from typing import Any

from tqdm import tqdm

from kit.core.errors import KitError, SilentError

_SAID, _SILENT = 2, 3
"""How a process ends that has said what is wrong, and one that leaves that to another."""


def preload(modules: Sequence[str]) -> None:
    """Have the fork server, once it starts, import what all that are forked from it need."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([*modules, "kit.core.preloaded"])


class Child:
    """A process of the fork server's that runs a function. It leaves Ctrl-C to this process, and ends when this one does.

    environment: what its environment has beyond this one's.
    """

    def __init__(self, run: Callable[[], object], name: str, environment: Mapping[str, str] | None = None) -> None:
        context = multiprocessing.get_context("forkserver")
        self.name = name
        self._ear, mouth = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=({**os.environ, **(environment or {})}, run, mouth), name=name)
        self.stopped = False
        with _signals_held():  # one half started would outlive this process
            self.process.start()

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    @property
    def failed(self) -> bool:
        return bool(self.process.exitcode)

    def stop(self) -> None:
        """End it at once, and wait until it has."""
        self.stopped = True
        self.process.kill()
        self.process.join()

    @property
    def said(self) -> str | None:
        """Once it has ended: what it said was wrong."""
        try:
            return str(self._ear.recv()) if self._ear.poll() else None
        except EOFError:
            return None

    @property
    def fell(self) -> str | None:
        """Once it has ended: how, where it neither finished, nor told or left to others what was wrong, nor was stopped."""
        code = self.process.exitcode
        if code in (0, _SAID, _SILENT) or self.stopped:
            return None
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return "failed, as is told above"


def ended(children: Sequence[Child]) -> list[Child]:
    """Wait until one of them, or more, have ended; returns those."""
    connection.wait([child.process.sentinel for child in children])
    return [child for child in children if not child.alive]


def _run(environment: dict[str, str], run: Callable[[], object], mouth: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # tqdm's own lock is a semaphore of the system, which a process that is terminated would leave behind.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run()
    except SilentError:
        sys.exit(_SILENT)
    except KitError as error:
        mouth.send(str(error))
        sys.exit(_SAID)


def _end_with_parent() -> None:
    """So that no orphan holds a stage that the next run wants."""
    parent = multiprocessing.parent_process()
    assert parent
    connection.wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)

    handlers = {each: signal.signal(each, hold) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    for number in held:
        signal.raise_signal(number)

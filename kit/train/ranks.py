"""Several processes that train as one, a device each: they are started here, or by torchrun, on one machine or on several that
share a file system. The first alone holds the stage and writes; one that fails, or is of another mind, ends them all."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import FrameType
from typing import Any, NoReturn, TypeVar

from kit.core.errors import KitError, SilentError, first_line
from kit.core.processes import Child, ended, preload

T = TypeVar("T")

PRELOADED = (
    *("trl", "trl.trainer.sft_trainer", "peft", "transformers.models.llama.modeling_llama"),
    *("torch.distributed.checkpoint.state_dict", "kit.train.run", "kit.train.loss", "kit.train.progress", "kit.train.saving"),
)
"""What a process that trains imports."""

GRACE = 10.0
"""Seconds that ranks have to say what is wrong, once one has ended."""


PATIENCE = timedelta(hours=6)
"""How long ranks wait for one another: the first tokenises for all of them. One that ended is noticed at once."""


class Ranks:
    """The processes of a run, as one of them sees them: which it is, and how many there are.

    Every method but the properties is called by all of them, in the same order.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def all(self, value: T) -> list[T]:
        """What each rank gives, by rank."""
        if self.count == 1:
            return [value]
        from torch import distributed

        found: list[Any] = [None] * self.count
        distributed.all_gather_object(found, value)
        return found

    def of_first(self, value: T) -> T:
        """What the first gives."""
        return self.all(value if self.first else None)[0]  # type: ignore[return-value]

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """By flag, whether it is set in any of the ranks."""
        if self.count == 1:
            return flags
        import torch
        from torch import distributed

        told = torch.tensor(flags, dtype=torch.uint8)
        distributed.all_reduce(told, distributed.ReduceOp.MAX)
        return tuple(bool(flag) for flag in told.tolist())

    @contextlib.contextmanager
    def together(self) -> Iterator[dict[str, Any]]:
        """A block that each rank goes through by itself, filling a table of what has to be the same in all of them.

        Raises KitError in the first, and ends the others, where the block did in one of them, or where their tables differ.
        """
        table: dict[str, Any] = {}
        failed: KitError | None = None
        try:
            yield table
        except KitError as error:
            failed = error
        told = self.all((None if failed is None else str(failed), table))
        message = next((f"rank {r}: {text}" if r else text for r, (text, _) in enumerate(told) if text), None)
        for rank, (_, theirs) in enumerate(told):
            if not message and (other := next((name for name in table if theirs.get(name) != told[0][1].get(name)), None)):
                message = f"rank {rank} is of another {other} than rank 0: give all of them the same data, model and settings"
        if message:
            raise (KitError(message) if self.first else SilentError("told by rank 0"))


def launched() -> bool:
    """Whether this process is one of several that were started to train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def leave() -> NoReturn:
    """End a process that torchrun started, at once: the libraries' threads, which others wait for at the other end, may otherwise
    abort it while Python is being taken down (seen once in some hundred runs)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextlib.contextmanager
def joined(devices: int, threads: int, sharded: bool) -> Iterator[Ranks]:
    """The ranks of a run of so many devices, this one among them, as long as the block lasts. threads: of each;
    sharded: whether each is to hold a part of the model.

    Raises KitError where another number of processes was started, where they cannot reach one another, or where another one ends.
    """
    import torch
    from torch import distributed

    torch.set_num_threads(threads)
    if not launched():
        if torch.cuda.device_count() > devices:
            seen = torch.cuda.device_count()
            raise KitError(f"{seen} GPUs are visible, and the run is of one: set -o devices={seen}, or CUDA_VISIBLE_DEVICES=0")
        if sharded:
            raise KitError('parallel = "fsdp" shards a model over several devices: set -o devices=N, or leave it out')
        yield Ranks()
        return
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # or accelerate sets another number, and says so
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if devices not in (1, count):
        raise KitError(f"devices = {devices}, and {count} processes were started: leave devices out, or start as many")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise KitError(f"rank {rank} has no GPU to itself: {torch.cuda.device_count()} are visible")
        torch.cuda.set_device(local)
    try:
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise KitError(f"the ranks cannot reach one another: {_plain(error)}") from None
    try:
        yield Ranks(rank, count)
    except RuntimeError as error:
        if isinstance(error, distributed.DistError) or "gloo" in str(error) or "Connection" in str(error):
            raise SilentError(f"another rank ended: {_plain(error)}") from None
        raise
    else:
        distributed.destroy_process_group()


def _plain(error: Exception) -> str:
    """What a library says of a connection, without where in its own code it does."""
    return first_line(error).rpartition("] ")[2].rstrip(". ")


def launch(devices: int, run: Callable[[], object]) -> None:
    """Start so many processes on this machine that each `run`, and wait for them. SIGTERM is handed on to them; they end when
    this process does.

    Raises KitError with what one of them says is wrong, or where one ends without a word.
    """
    from torch.distributed import TCPStore

    # Held by this process, so that no port has to be free a moment later.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    preload(PRELOADED)
    ranks: list[Child] = []
    with _handing_on(ranks):
        for number in range(devices):
            environment = {
                **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"},
                **dict.fromkeys(("RANK", "LOCAL_RANK"), str(number)),
                **dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(devices)),
            }
            ranks.append(Child(run, f"rank {number}", environment))
        running = list(ranks)
        while running and not any(rank.failed for rank in ranks):
            ended(running)
            running = [rank for rank in running if rank.alive]
        until = time.monotonic() + GRACE
        for rank in running:
            rank.process.join(max(0.0, until - time.monotonic()))
            if rank.alive:
                rank.stop()
    for rank in ranks:
        if rank.fell:
            raise KitError(f"{rank.name} {rank.fell}: run the same command again to go on")
    if any(rank.failed for rank in ranks):
        said = next((text for rank in ranks if (text := rank.said)), "the ranks lost one another")
        raise KitError(said)


@contextlib.contextmanager
def _handing_on(ranks: Sequence[Child]) -> Iterator[None]:
    """A block in which SIGTERM goes to the ranks, which save what they are at, and behind which it ends this process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminated = False

    def hand_on(number: int, frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        for rank in ranks:
            if rank.alive:
                rank.process.terminate()

    before = signal.signal(signal.SIGTERM, hand_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    if terminated:
        signal.raise_signal(signal.SIGTERM)

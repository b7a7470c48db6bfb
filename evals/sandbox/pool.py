"""Many judgements at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from evals.sandbox.broker import judge
from evals.sandbox.protection import Protection
from evals.sandbox.scratch import sweep
from evals.sandbox.trial import require
from evals.sandbox.verdict import Job, Limits, Verdict


def judge_all(
    jobs: Sequence[Job],
    workers: int,
    limits: Limits = Limits(),  # noqa: B008
    sink: Callable[[int, Verdict], None] = lambda index, verdict: None,
    protection: Protection | None = None,
) -> list[Verdict]:
    """The verdict on every job, in order; `sink` is told (index, verdict) in this thread as each is known.

    workers: judgements at a time, each with two processes of which mostly one runs. Raises KitError as `judge` does; what
    `sink` raises stops the rest.
    """
    held = protection or require()
    sweep()
    verdicts: dict[int, Verdict] = {}
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(judge, *job, limits, held): i for i, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                index = futures[future]
                verdicts[index] = future.result()
                sink(index, verdicts[index])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [verdicts[i] for i in range(len(jobs))]

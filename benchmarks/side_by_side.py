"""Pairs of runs taken in turns on one machine: a ratio of medians outlasts a noisy neighbour, a time does not."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    cpu_seconds: float


def measure(run: Callable[[], object]) -> Cost:
    """Wall and processor time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def compare(names: tuple[str, str], runs: tuple[Callable[[], object], Callable[[], object]], pairs: int) -> None:
    """Warm both up, run them in turns (the order alternating), and print times, the speed ratio second / first, memory."""
    for run in runs:
        run()
    costs: list[tuple[Cost, Cost]] = []
    for i in range(pairs):
        if i % 2:
            second, first = measure(runs[1]), measure(runs[0])
        else:
            first, second = measure(runs[0]), measure(runs[1])
        costs.append((first, second))
    for k, name in enumerate(names):
        wall, cpu = (statistics.median(c[k][j] for c in costs) for j in (0, 1))
        print(f"{name:<28} {wall:8.2f} s wall  {cpu:8.2f} s CPU  (median of {pairs})")
    ratios = sorted(a.seconds / b.seconds for a, b in costs)
    print(f"{names[1]} runs at {statistics.median(ratios):.2f} of the speed of {names[0]} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")

"""Timing of runs, one after another and many at once, and of what they take of memory.

Needs nothing but Python: the peers' programs use it in venvs of their own. A run is a function of
the number of its steps and of the seconds that the model takes for each.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

DELAY = 0.05
CROWD_STEPS = 5
DONE = "done"
"""What every run answers."""

Run = Callable[[int, float], Awaitable[str]]


def peak_megabytes() -> float:
    """Return the most that was ever resident of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return round(int(size) / 1024, 1)


async def timed(work: Awaitable[Any]) -> tuple[float, float]:
    """Return the milliseconds of wall-clock and of CPU that the work takes."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


async def answered(run: Run, steps: int, delay: float) -> None:
    """Carry a run out. Raises AssertionError when it does not come to its answer."""
    answer = await run(steps, delay)
    assert answer == DONE, f"the run answered {answer!r}"


async def per_step(
    runs: Mapping[str, Run], steps: int, repeats: int
) -> dict[str, dict[str, float]]:
    """Time each way through so many steps in turns, without any delay; the medians a step."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            result = await timed(answered(run, steps, 0.0))
            if repeat:  # the first round warms up
                taken[name].append(result)
    return {name: median(results, steps) for name, results in taken.items()}


def median(results: list[tuple[float, float]], share: int = 1) -> dict[str, float]:
    """Return the medians of wall-clock and CPU and the least CPU, each divided by the share.

    The least is what others on the machine disturb least: ratios are made of it.
    """
    walls, cpus = zip(*results, strict=True)
    values = {
        "wall_ms": statistics.median(walls),
        "cpu_ms": statistics.median(cpus),
        "least_cpu_ms": min(cpus),
    }
    return {name: round(value / share, 4) for name, value in values.items()}


async def crowd(run: Run, count: int, rounds: int = 1) -> dict[str, float]:
    """Let so many runs go at the same time; the quickest of the rounds counts, errors of all."""
    await answered(run, CROWD_STEPS, 0.0)  # imports and what is made once
    best, cpu, errors = float("inf"), 0.0, 0
    for _ in range(rounds):
        gc.collect()
        began, used = time.perf_counter(), time.process_time()
        works = (answered(run, CROWD_STEPS, DELAY) for _ in range(count))
        ends = await asyncio.gather(*works, return_exceptions=True)
        wall = time.perf_counter() - began
        errors += sum(isinstance(end, BaseException) for end in ends)
        if wall < best:
            best, cpu = wall, time.process_time() - used
    return {
        "wall_s": round(best, 3),
        "runs_per_s": round(count / best, 1),
        "cpu_ms_per_run": round(1000 * cpu / count, 3),
        "peak_mb": peak_megabytes(),
        "errors": errors,
    }


def peer(run: Run) -> None:
    """Be the program of a peer: do what the command line asks for and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--crowd", type=int, default=0)
    given = parser.parse_args()
    if given.crowd:
        print(json.dumps(asyncio.run(crowd(run, given.crowd))))
    else:
        steps = asyncio.run(per_step({"peer": run}, given.steps, given.repeats))
        print(json.dumps(steps["peer"]))

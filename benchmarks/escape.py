"""Hostile steps in a row: whether each ends in time, what it reaches, and what it leaves behind.

    python benchmarks/escape.py [--sandbox process] [--steps 1000] [--seconds 0.3]

The attempts are those of the tests (`tests/plugins/escape_attempts.py`), over and over in one
session, whose process is replaced where they destroy it. Prints JSON: the slowest steps, whatever
was reached, processes left behind, and how much more memory this process holds at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "plugins"))

from canaries import Canaries
from escape_attempts import attempts

from bottega.model import ToolSpec
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import CodeLimits, Sandbox

ECHO = ToolSpec(
    name="echo",
    description="Say it again.",
    parameters={"type": "object", "properties": {"text": {"type": "string"}}},
)
MOST_MORE = 64 << 20


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def family() -> set[int]:
    """Return the processes that descend from this one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("latin-1")
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {os.getpid()}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


async def echo(name: str, arguments: Any) -> Any:
    return arguments.get("text")


async def hostile(
    sandbox: Sandbox, limits: CodeLimits, count: int, canaries: Canaries
) -> dict[str, Any]:
    """Run so many attempts; return what there is to tell."""
    times: list[tuple[float, str]] = []
    ends: Counter[str] = Counter()
    reached: list[str] = []
    session = await sandbox.open([ECHO], limits)
    for done, attempt in enumerate(itertools.islice(itertools.cycle(attempts()), count), 1):
        begun = time.monotonic()
        outcome = await session.run(canaries.aim(attempt.code), echo)
        times.append((time.monotonic() - begun, f"{attempt.family}/{attempt.name}"))
        ends[outcome.stopped or ("error" if outcome.error else "done")] += 1
        said = f"{outcome.printed}{outcome.value}{outcome.error}"
        reached += [f"{attempt.family}/{attempt.name}: {each}" for each in canaries.harmed(said)]
        if done % 100 == 0:
            print(f"{done} steps, {resident() >> 20} MiB", file=sys.stderr)
    after = [await session.run("print(1 + 1)", echo) for _ in range(2)][-1]
    await session.aclose()
    slowest = sorted(times, reverse=True)[:5]
    return {
        "steps": count,
        "ends": dict(ends),
        "reached": reached,
        "slowest": [{"seconds": round(seconds, 2), "attempt": name} for seconds, name in slowest],
        "late": sum(seconds > limits.seconds + 1 for seconds, _ in times),
        "went_on": after.printed == "2\n",
    }


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    context = FactoryContext(plugins=PluginManager.discover())
    sandbox: Sandbox = context.make("sandbox", options.sandbox)
    sandbox.check()
    limits = CodeLimits(
        seconds=options.seconds, memory=96 << 20, processes=24, disk=8 << 20, calls=20
    )
    with tempfile.TemporaryDirectory() as folder, Canaries(Path(folder)) as canaries:
        await hostile(sandbox, limits, min(50, options.steps), canaries)  # what is loaded once
        before, known = resident(), family()
        told = await hostile(sandbox, limits, options.steps, canaries)
        told["more_memory_mib"] = round((resident() - before) / (1 << 20), 1)
        close = getattr(sandbox, "aclose", None)
        if close is not None:
            await close()
        if options.sandbox == "process":
            from bottega_plugins.sandbox.process import pool

            pool.close()
        told["processes_left"] = len(family() - known)
    told["held"] = (
        not told["reached"]
        and not told["late"]
        and not told["processes_left"]
        and told["more_memory_mib"] * (1 << 20) < MOST_MORE
        and told["went_on"]
    )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sandbox", default="process")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.3)
    options = parser.parse_args()
    print(json.dumps({options.sandbox: asyncio.run(measured(options))}, indent=2))


if __name__ == "__main__":
    main()

"""What a step of code costs in each sandbox: the first one of a session, and one after others.

    python benchmarks/sandbox.py [--cold N] [--warm N]

    monty        a worker of pydantic-monty
    process      bubblewrap, seccomp, control groups; `cold` with nothing standing ready, `ready` as
                 a session finds it when one stands ready, which is the rule
    interpreter  smolagents' executor behind the same seam, in a thread: no boundary
    smolagents   the same executor called directly
    subprocess   a Python started for each step, as `python -I -c`: no boundary, and no state

Milliseconds, wall-clock, in one process in turns, so that drift hits all. Prints JSON, with the
targets at its end. Start-up of this process and imports are not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bottega.errors import SandboxError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import Sandbox

KINDS = ("monty", "process", "interpreter")
CODE = "x = sum(n * n for n in range(10))\nx"
TARGETS = {"monty": {"warm": 1.0}, "process": {"warm": 15.0, "cold": 200.0}}
Timed = Callable[[], Awaitable[float]]


async def no_tools(name: str, arguments: Any) -> None:
    raise AssertionError(name)


def fresh(context: FactoryContext, kind: str) -> Sandbox:
    """Make a sandbox with nothing standing ready."""
    if kind == "process":
        from bottega_plugins.sandbox.process import pool

        pool.close()
    made: Sandbox = context.make("sandbox", kind)
    return made


async def first(sandbox: Sandbox) -> float:
    """Time the opening of a session and its first step."""
    begun = time.perf_counter()
    session = await sandbox.open()
    outcome = await session.run(CODE, no_tools)
    took = time.perf_counter() - begun
    assert outcome.value == "285", outcome
    await session.aclose()
    return took * 1000


async def close(sandbox: Sandbox) -> None:
    closing = getattr(sandbox, "aclose", None)
    if closing is not None:
        await closing()


async def cold(context: FactoryContext, kind: str, count: int) -> list[float]:
    times: list[float] = []
    for _ in range(count):
        sandbox = fresh(context, kind)
        times.append(await first(sandbox))
        await close(sandbox)
    return times


async def ready(context: FactoryContext, kind: str, count: int) -> list[float]:
    sandbox: Sandbox = context.make("sandbox", kind)
    await first(sandbox)
    times: list[float] = []
    for _ in range(count):
        await asyncio.sleep(0.2)  # another one is made while an agent waits for its model
        times.append(await first(sandbox))
    await close(sandbox)
    return times


async def warm(context: FactoryContext, kind: str, count: int) -> list[float]:
    sandbox: Sandbox = context.make("sandbox", kind)
    session = await sandbox.open()
    await session.run(CODE, no_tools)
    times: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        await session.run(CODE, no_tools)
        times.append((time.perf_counter() - begun) * 1000)
    await session.aclose()
    await close(sandbox)
    return times


def smolagents(count: int) -> list[float]:
    from smolagents.local_python_executor import LocalPythonExecutor

    executor = LocalPythonExecutor([])
    executor.send_tools({})
    times: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        executor(CODE)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def plain(count: int) -> list[float]:
    times: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", CODE], check=True)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def told(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    last = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 3), "p99": round(last, 3)}


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    context = FactoryContext(plugins=PluginManager.discover())
    found: dict[str, Any] = {}
    for kind in KINDS:
        try:
            fresh(context, kind).check()
        except SandboxError as error:
            print(f"{kind}: {error}", file=sys.stderr)
            continue
        found[kind] = {
            "cold": told(await cold(context, kind, options.cold)),
            "ready": told(await ready(context, kind, options.cold)),
            "warm": told(await warm(context, kind, options.warm)),
        }
    found["smolagents"] = {"warm": told(smolagents(options.warm))}
    found["subprocess"] = {"warm": told(plain(options.cold))}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", type=int, default=20)
    parser.add_argument("--warm", type=int, default=500)
    found = asyncio.run(measured(parser.parse_args()))
    peer = found["smolagents"]["warm"]["p50"]
    for kinds in found.values():
        kinds["warm_to_smolagents"] = round(kinds["warm"]["p50"] / peer, 2)
    verdicts = [
        {"what": f"{kind} {part}, p50 ms", "target": most, "reached": found[kind][part]["p50"]}
        for kind, parts in TARGETS.items()
        for part, most in parts.items()
        if kind in found
    ]
    print(json.dumps({"milliseconds": found, "targets": verdicts}, indent=2))


if __name__ == "__main__":
    main()

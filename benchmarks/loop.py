"""What the loop costs: a step, many runs at once, what is kept of them, a team; beside peers.

    python benchmarks/loop.py [--parts steps,disk,kept,team,crowd] [--work DIR] [--repeats N]

    steps   milliseconds a step, wall-clock and CPU, of the ways in `loop_ways`, in turns in one
            process so that drift hits all; at 50 steps the peers beside them
    disk    bytes on disk per byte of content: see `loop_disk`
    kept    milliseconds that keeping a step takes: see `loop_kept`
    team    CPU a hop between a coordinator and three specialists: see `loop_team`
    crowd   1, 100 and 1000 runs of 5 steps at once with a model that takes 50 ms, each in a
            process of its own: runs a second, peak of resident memory, errors

Peers have venvs of their own in `--work`, made the first time: LangChain's `create_agent`,
smolagents, pydantic-ai. `--no-peers` leaves them out. Prints JSON, with the targets at its end; how
far it is goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import loop_peers
from loop_peers import PEERS, TEAMS, measure, told
from loop_timing import crowd, per_step
from loop_verdicts import verdicts

PARTS = ("steps", "disk", "kept", "team", "crowd")
STEPS = (1, 10, 50, 200)
COUNTS = (1, 100, 1000)
WAYS = ("floor", "loop", "graph", "graph_sqlite")


def runs(sync_tool: bool, folder: str) -> dict[str, Any]:
    """Return the ways by name."""
    from loop_ways import Ways, add, add_sync

    ways = Ways(add_sync if sync_tool else add, Path(folder) / "bottega.db")
    made = (ways.floor, ways.loop, ways.in_graph, ways.in_graph_kept)
    return dict(zip(WAYS, made, strict=True))


def steps(options: argparse.Namespace) -> dict[str, Any]:
    """Time the ways, by the number of steps."""
    with tempfile.TemporaryDirectory() as folder:
        ways = runs(options.sync_tool, folder)
        return {str(count): asyncio.run(per_step(ways, count, options.repeats)) for count in STEPS}


def one_crowd(options: argparse.Namespace) -> dict[str, Any]:
    """Let many runs of one way go at once."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(crowd(runs(False, folder)[options.way], options.count, rounds=3))


def one(options: argparse.Namespace) -> dict[str, Any]:
    """Do one part in this process."""
    if options.part == "disk":
        import loop_disk

        return loop_disk.main(postgres=True)
    if options.part == "kept":
        import loop_kept

        return loop_kept.main(options.repeats)
    if options.part == "team":
        import loop_team

        return {"bottega": loop_team.main(options.repeats)}
    return steps(options) if options.part == "steps" else one_crowd(options)


def apart(options: argparse.Namespace, part: str, *given: Any) -> dict[str, Any]:
    """Do one part in a process of its own."""
    sync = ["--sync-tool"] if options.sync_tool else []
    command = [sys.executable, __file__, "--part", part, "--repeats", options.repeats, *sync]
    return told([*command, *given])


def crowds(options: argparse.Namespace) -> dict[str, Any]:
    """Measure each way and each peer with each number of runs."""
    found: dict[str, Any] = {}
    for count in COUNTS:
        by_name = found[str(count)] = {}
        for way in WAYS:
            by_name[way] = apart(options, "crowd", "--way", way, "--count", count)
        for name, peer in {} if options.no_peers else PEERS.items():
            by_name[name] = measure(peer, options.work, "--crowd", count)
        print(f"{count} at once: {json.dumps(by_name)}", file=sys.stderr)
    return found


def part_with_peers(options: argparse.Namespace, part: str) -> dict[str, Any]:
    """Measure a part, and the peers that do the same beside it."""
    if part == "crowd":
        return crowds(options)
    found = apart(options, part)
    if part in ("steps", "team") and found and not options.no_peers:
        row = found["50"] if part == "steps" else found
        given = ("--steps", 50) if part == "steps" else ("--steps", 6)
        for name, peer in (PEERS if part == "steps" else TEAMS).items():
            row[name] = measure(peer, options.work, *given, "--repeats", options.repeats)
    print(f"{part}: {json.dumps(found)}", file=sys.stderr)
    return found


def main() -> None:
    """Measure all, or do one part for the process that measures all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="with commas between")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "bottega-loop")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--sync-tool", action="store_true", help="a tool that runs in a thread")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(one(options)))
        return
    result: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    if not options.no_peers:
        result["versions"] = loop_peers.versions(options.work)
    for part in options.parts.split(","):
        result[part] = part_with_peers(options, part)
    print(json.dumps({**result, "targets": verdicts(result)}, indent=2))


if __name__ == "__main__":
    main()

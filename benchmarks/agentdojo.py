"""How the flow policy holds against AgentDojo's injections; prints JSON.

Each pair of a user's task and an injection is played in AgentDojo's own environment by a scripted
model that does the user's task with its reference calls and obeys every injection that it reads: at
once, and again at the end. AgentDojo says whether the task is right and the attack successful.
With `--twist` an injection does not ask for calls of its own: the model makes the task's calls,
each with one value of the injection's calls in it, before it makes them as they should be.

    off      no policy
    words    the policy, and a model that makes no plan
    places   the policy, and a plan made before anything is read: what the task's own words do not
             hold is a place (`agentdojo_plan.py`), so nothing in it was read beforehand
    fixed    the policy, and a plan of the reference calls with all their arguments

It wants the package `agentdojo` (Debenedetti et al. 2024, arXiv 2406.13352), no dependency of ours:

    python benchmarks/agentdojo.py [--suites banking workspace] [--ways off places] [--wrong]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentdojo_pairs import Pair, pairs_of, read_yaml_fast
from agentdojo_plan import fixed_plan, plan_with_places
from agentdojo_play import Played, play

VERSION = "v1.2.1"
WAYS = ("off", "words", "places", "fixed")


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", nargs="+", default=["banking", "workspace"])
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--every", type=int, default=1, help="play only every so many pairs")
    parser.add_argument("--wrong", action="store_true", help="list what went wrong")
    parser.add_argument("--twist", action="store_true", help="bend the task's own calls instead")
    given = parser.parse_args()
    sys.path.remove(str(Path(__file__).parent))  # this file must not pass for the package
    read_yaml_fast()
    pairs = [pair for suite in given.suites for pair in pairs_of(VERSION, suite)][:: given.every]
    found = {way: asyncio.run(measure(way, pairs, given.twist)) for way in given.ways}
    if not given.wrong:
        for result in found.values():
            result.pop("wrong")
    print(json.dumps(found, indent=2))


async def measure(way: str, pairs: Sequence[Pair], twist: bool = False) -> dict[str, Any]:
    """Play all pairs one way."""
    started = time.perf_counter()
    guarded = way != "off"
    played = [
        (pair, await play(pair, plan=_plan(way, pair), guarded=guarded, twist=twist))
        for pair in pairs
    ]
    by_calls = [(pair, one) for pair, one in played if pair.attack_calls]
    return {
        "pairs": len(played),
        "attacks that succeed": sum(one.attacked for _, one in played),
        "of those whose effect is a tool call": sum(one.attacked for _, one in by_calls),
        "tasks right": sum(one.right for _, one in played),
        **({"bent calls made": sum(one.twisted for _, one in played)} if twist else {}),
        "calls refused": sum(one.refused for _, one in played),
        "seconds": round(time.perf_counter() - started, 1),
        "wrong": [_told(pair, one) for pair, one in played if one.attacked or not one.right],
    }


def _plan(way: str, pair: Pair) -> list[dict[str, Any]]:
    if way == "places":
        return plan_with_places(pair)
    return fixed_plan(pair) if way == "fixed" else []


def _told(pair: Pair, one: Played) -> str:
    what = [word for word, holds in (("attacked", one.attacked), ("task", not one.right)) if holds]
    return f"{pair.suite}/{pair.task.ID}/{pair.attack.ID}: {' and '.join(what)}: {one.note}"


if __name__ == "__main__":
    main()

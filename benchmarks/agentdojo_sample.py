"""Write the few pairs of AgentDojo that the tests play without its package; prints JSON.

What tools return stands there as AgentDojo returns it, with a mark where the injection goes.

    python benchmarks/agentdojo_sample.py > tests/plugins/data/agentdojo.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from agentdojo import VERSION
from agentdojo_pairs import READERS, pairs_of, replayed
from agentdojo_plan import plan_with_places

MARK = "<INJECTION>"
MOST = 2_600
"""Characters that all results of a task may take."""
TASKS = 8
SUITES = ("banking", "workspace")


def main() -> None:
    """Print the sample."""
    sys.path.remove(str(Path(__file__).parent))  # `agentdojo.py` must not pass for the package
    sys.modules.pop("agentdojo")
    suites = {suite: _suite(suite) for suite in SUITES}
    source = f"AgentDojo {VERSION}, https://github.com/ethz-spylab/agentdojo, MIT licence"
    print(json.dumps({"source": source, "suites": suites}, indent=1, ensure_ascii=False))


def _suite(name: str) -> dict[str, Any]:
    pairs = list(pairs_of(VERSION, name))
    first = {pair.task.ID: pair for pair in pairs}
    tasks = [task for task in map(_task, first.values()) if task is not None]
    tasks = tasks[:TASKS]
    attacks = [
        {"id": pair.attack.ID, "goal": pair.attack.GOAL, "calls": _calls(pair.attack_calls)}
        for pair in {pair.attack.ID: pair for pair in pairs}.values()
        if pair.attack_calls
    ]
    used = {call["name"] for one in (*tasks, *attacks) for call in one["calls"]}
    return {
        "tasks": tasks,
        "attacks": attacks,
        "tools": [
            {
                "name": one.name,
                "description": one.description,
                "parameters": one.parameters.model_json_schema(),
                "reads": one.name.startswith(READERS),
            }
            for one in pairs[0].dojo.tools
            if one.name in used
        ],
    }


def _task(pair: Any) -> dict[str, Any] | None:
    """Return a task with what its calls return; None where that is too long, or nothing acts."""
    plan = plan_with_places(pair)
    marks = dict.fromkeys(pair.slots, MARK)
    made = pair.task.init_environment(pair.dojo.load_and_inject_default_environment(marks))
    calls = pair.task.ground_truth(made)
    results = [text for _, text in replayed(pair.dojo, made, calls)]
    if not plan or sum(map(len, results)) > MOST:
        return None
    told = {"id": pair.task.ID, "prompt": pair.task.PROMPT, "plan": plan}
    return {**told, "calls": _calls(calls), "results": results}


def _calls(calls: list[Any]) -> list[dict[str, Any]]:
    return [{"name": call.function, "arguments": dict(call.args)} for call in calls]


if __name__ == "__main__":
    main()

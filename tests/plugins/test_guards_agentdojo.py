"""Pairs of AgentDojo with a model that obeys every injection (J1).

A few tasks of each suite, every injection whose effect is a call; `benchmarks/agentdojo.py` plays
all of them in AgentDojo's own environments, and `agentdojo_sample.py` wrote what is played here.
"""

import json
from pathlib import Path

import pytest

from bottega import Agent
from bottega.schema_tool import SchemaTool
from bottega.testing.scripted import Call, ScriptedModel
from bottega_plugins.guards.flow.middleware import Flow
from bottega_tools.plan_calls import plan_calls

MARK = "<INJECTION>"
SAMPLE = json.loads((Path(__file__).parent / "data" / "agentdojo.json").read_text("utf-8"))
SUITES = SAMPLE["suites"]
TASKS = [(suite, task) for suite, found in SUITES.items() for task in found["tasks"]]
NOT_TO_BE_KNOWN = {"user_task_0"}
"""The bill whose whole text is the injection: whom to pay stands nowhere any more."""


class World:
    """The tools of a suite: a reader returns what stands there, and what else is called counts."""

    def __init__(self, suite, task, goal):
        self.done = []
        self._results = {}
        for call, text in zip(task["calls"], task["results"], strict=True):
            stands = text.replace(MARK, json.dumps(goal)[1:-1])
            self._results.setdefault(call["name"], []).append(stands)
        self.tools = [self._tool(**one) for one in SUITES[suite]["tools"]]

    def _tool(self, name, description, parameters, reads):
        def call(arguments, context):
            if not reads:
                self.done.append({"name": name, "arguments": arguments})
            found = self._results.get(name, [])
            return found.pop(0) if len(found) > 1 else (found or ["[]"])[0]

        effects = "none" if reads else "once"
        return SchemaTool(name, description, parameters, call, effects=effects)


def play(suite, task, attack, *, guarded):
    """Do the task, and what the injection says as soon as it is read; return what was done."""
    world = World(suite, task, attack["goal"])
    model = ScriptedModel(*obedient(task, attack))
    agent = Agent(
        model=model,
        tools=[*world.tools, plan_calls],
        middleware=[Flow()] if guarded else [],
    )
    result = agent.run(task["prompt"])
    assert result.status == "done"
    return world.done


def obedient(task, attack):
    yield Call(name="plan_calls", arguments={"calls": task["plan"]})
    obeyed = False
    for call, text in zip(task["calls"], task["results"], strict=True):
        yield Call(**call)
        if MARK in text and not obeyed:
            obeyed = True
            yield from (Call(**one) for one in attack["calls"])
    yield "Done."


def acts(suite, calls):
    readers = {one["name"] for one in SUITES[suite]["tools"] if one["reads"]}
    return [call for call in calls if call["name"] not in readers]


def pairs():
    for number, (suite, task) in enumerate(TASKS):
        attacks = SUITES[suite]["attacks"]
        for step in (0, 3):  # two for each task, so that each injection is played
            attack = attacks[(number + step) % len(attacks)]
            yield pytest.param(suite, task, attack, id=f"{suite}-{task['id']}-{attack['id']}")


@pytest.mark.parametrize(("suite", "task", "attack"), list(pairs()))
def test_the_task_is_done_and_the_injection_is_not(suite, task, attack):
    done = play(suite, task, attack, guarded=True)
    wanted = [] if task["id"] in NOT_TO_BE_KNOWN else acts(suite, task["calls"])
    assert done == wanted


@pytest.mark.parametrize(("suite", "task", "attack"), list(pairs())[::8])
def test_without_the_policy_the_injection_is_obeyed(suite, task, attack):
    done = play(suite, task, attack, guarded=False)
    assert all(call in done for call in acts(suite, attack["calls"]))

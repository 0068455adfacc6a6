"""Plans for AgentDojo's tasks, as a planner would make them who knows the tools but no content.

An argument of a reference call that the task's own words hold stands in the plan as it is. Of one
that a reader of the environment finds in what the task reads, the plan says only where it will be
found: which tool, which key, which record by what the task's words say of it, or the largest or
smallest of a key. What is found nowhere are the planner's own words, as the subject of a letter. A
number that is found nowhere was worked out from what was read; of it the plan says that it is one.

Nothing here knows a suite, a task or an attack; the environment that is read holds no injection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from agentdojo_pairs import Pair, acts, replayed

from bottega.intentions import read_intentions
from bottega.labels import Conversation
from bottega.messages import ToolResult, tool_results
from bottega_plugins.guards.flow.plan import offered
from bottega_plugins.guards.flow.values import SHAPES, leaves, number, occurs, same

Plan = list[dict[str, Any]]
Read = tuple[str, str]
"""The name of a tool and what it returned, as JSON or text."""


def fixed_plan(pair: Pair) -> Plan:
    """Return the reference calls with effects, as they are."""
    calls = pair.task.ground_truth(pair.environment(benign=True))
    return [{"tool": c.function, "arguments": dict(c.args)} for c in calls if acts(c)]


def plan_with_places(pair: Pair) -> Plan:
    """Return the reference calls with effects, with places for what has to be read first."""
    environment = pair.environment(benign=True)
    calls = pair.task.ground_truth(environment.model_copy(deep=True))
    read: list[Read] = []
    plan: Plan = []
    for call, text in replayed(pair.dojo, environment, calls):
        if acts(call):
            planner = Planner(prompt=pair.task.PROMPT, read=read)
            arguments = {key: planner.planned(key, value) for key, value in call.args.items()}
            plan.append({"tool": call.function, "arguments": arguments})
        read.append((call.function, text))
    return plan


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Says what the plan has for the arguments of one call."""

    prompt: str
    read: Sequence[Read]

    def planned(self, name: str, value: Any) -> Any:
        """Return an argument, or what is within one, as the plan has it."""
        if isinstance(value, Mapping):
            return {key: self.planned(key, one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.planned(name, one) for one in value]
        if value is None or isinstance(value, bool) or occurs(value, self.prompt):
            return value
        for tool, text in reversed(self.read):
            found = self._place(name, value, tool, text)
            if found:
                return found
        worked_out = isinstance(value, int | float) and self.read
        return {"from": self.read[-1][0], "shape": "number"} if worked_out else value

    def _place(self, name: str, value: Any, tool: str, text: str) -> dict[str, Any]:
        """Return where a tool's result holds the value, as closely as the task's words tell."""
        best, least = dict[str, Any](), 0
        for place in self._ways(name, value, tool, text):
            count = _count(place, value, self.read)
            if count == 1:
                return place
            if count and (not best or count < least):
                best, least = {**place, "each": True}, count
        if not best and isinstance(value, str) and len(value) > 2 and occurs(value, text):
            return {"from": tool, "shape": "text"}
        return best

    def _ways(self, name: str, value: Any, tool: str, text: str) -> Iterator[dict[str, Any]]:
        """Yield places that hold the value, the simplest first."""
        for record in _records(text):
            for key in record:
                if number(value) is not None and not _kindred(name, key):
                    continue
                for shape in _shapes(value, record[key]):
                    place = {"from": tool, "field": key, **shape}
                    yield place
                    yield from _narrower(place, record, self.prompt)
        for shape, pattern in SHAPES.items():
            if isinstance(value, str) and pattern.fullmatch(value) and occurs(value, text):
                yield {"from": tool, "shape": shape}


def _kindred(name: str, key: str) -> bool:
    """Say whether an argument and a key are named alike: `file_id` and `id_`."""
    return bool({*name.split("_")} & {*key.split("_")} - {""})


def _shapes(value: Any, held: Any) -> Iterator[dict[str, Any]]:
    """Yield how a record's value holds the one that is sought: as it is, or within a text."""
    if isinstance(value, str) and len(value) < 3 and number(value) is None:
        return
    if any(same(value, one) for _, one in leaves(held)):
        yield {}
    elif isinstance(held, str) and isinstance(value, str):
        for shape, pattern in SHAPES.items():
            if any(same(value, match[0]) for match in pattern.finditer(held)):
                yield {"shape": shape}


def _narrower(
    place: Mapping[str, Any], record: Mapping[str, Any], prompt: str
) -> Iterator[dict[str, Any]]:
    """Yield the place with what the task's words tell of its record, or with a key's extreme."""
    told = {key: words for key in record if (words := _told(record[key], prompt)) is not None}
    for size in (1, 2):
        for keys in combinations(told, size):
            yield {**place, "where": {key: told[key] for key in keys}}
    ranked = [
        key
        for key, held in record.items()
        if key != place["field"] and key.strip("_") != "id" and _ranks(held)
    ]
    for key in sorted(ranked, key=lambda key: isinstance(record[key], str)):
        yield {**place, "most": key}
        yield {**place, "least": key}


def _told(held: Any, prompt: str) -> Any:
    """Return what the task's words tell of a record's value: all of it, or its longest word."""
    for _, one in leaves(held):
        if one is None or isinstance(one, bool) or len(str(one)) < 3:
            continue
        if occurs(one, prompt):
            return one
        words = [word for word in str(one).split() if _names(word) and word in prompt.split()]
        if words and isinstance(one, str):
            return max(words, key=len)
    return None


def _names(word: str) -> bool:
    """Say whether a word is a name rather than one of the language."""
    return len(word) > 3 and not word.islower()


def _ranks(value: Any) -> bool:
    return number(value) is not None or SHAPES["date"].match(str(value)) is not None


def _count(place: Mapping[str, Any], value: Any, read: Sequence[Read]) -> int:
    """Return how many values the place offers; 0 where it does not offer the one that is sought."""
    plan = read_intentions([{"tool": "any", "arguments": {"value": dict(place)}}])
    results = [
        ToolResult(call_id=str(index), name=name, content=text)
        for index, (name, text) in enumerate(read)
    ]
    conversation = Conversation(messages=[tool_results(results)])
    found = offered(plan[0].arguments["value"], conversation)
    return len(found) if any(same(value, one) for one in found) else 0


def _records(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        data = json.loads(text)
    except ValueError:
        return
    stack = [data]
    while stack:
        one = stack.pop(0)
        if isinstance(one, Mapping):
            yield one
            stack += one.values()
        elif isinstance(one, list):
            stack += one

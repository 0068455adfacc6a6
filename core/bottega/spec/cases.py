"""Everything that can be the case when a node has ended, as far as its edges can tell it apart.

For each fact that the conditions name, the values at which one of them changes its mind; the cases
are all their combinations. Two conditions overlap when both hold in one case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise, product

from bottega.spec.condition import END_STATES, FACTS, Comparison, Value, comparisons
from bottega.spec.ways import SAID, Way

_MOST_WORDS = 4
_OTHER = "\ufffd"
"""Stands for any other text."""


def cases(ways: Sequence[Way], outcomes: Sequence[str]) -> Iterator[Mapping[str, Value]]:
    """Yield the cases, the plain ones first; `outcomes` are the words that the node says.

    There may be very many.
    """
    asked: dict[str, list[Comparison]] = {}
    for way in ways:
        for one in comparisons(way.condition) if way.condition else ():
            asked.setdefault(one.name, []).append(one)
    values = {name: _values(name, ones) for name, ones in asked.items() if name != "failed"}
    values["status"] = [*END_STATES] if {"failed", "status"} & set(asked) else ["done"]
    if outcomes:
        values[SAID] = list(outcomes)
        values.pop("verdict", None)
    names = list(values)
    for found in product(*values.values()):
        case = dict(zip(names, found, strict=True))
        case["failed"] = case["status"] != "done"
        if outcomes:
            case["verdict"] = case[SAID]
        yield case


def told(case: Mapping[str, Value], ways: Iterable[Way]) -> str:
    """Say what the case is, as far as the ways ask for it: "abstained and score is 0.2"."""
    names = {one.name for way in ways if way.condition for one in comparisons(way.condition)}
    if any(way.edge.outcome for way in ways):
        names.add("verdict")
    parts = [_told(name, case.get(name)) for name in FACTS if name in names]
    return " and ".join(parts)


def _told(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    if value is None:
        return f"{name} is not known"
    if isinstance(value, int | float):
        return f"{name} is {value:g}"
    parts = value.partition(f" {_OTHER}")
    if value == _OTHER:
        return f"{name} is something else"
    if parts[1]:
        return f"{name} contains {parts[0]!r}"
    return f"{name} is {value}" if value.isidentifier() else f"{name} is {value!r}"


def _values(name: str, ones: list[Comparison]) -> list[Value]:
    fact = FACTS[name]
    if fact.type == "flag":
        return [False, True]
    if fact.type == "number":
        return _numbers(name, {float(one.literal) for one in ones})
    literals = [str(one.literal) for one in ones]
    parts = [str(one.literal) for one in ones if one.operator == "contains"][:_MOST_WORDS]
    some = [found for n in range(1, len(parts) + 1) for found in combinations(parts, n)]
    joined = [" ".join((*found, _OTHER)) for found in some]
    return list(dict.fromkeys([_OTHER, *literals, *joined]))


def _numbers(name: str, literals: set[float]) -> list[Value]:
    """Return each literal and a number on either side of it; whole ones for what is counted."""
    fact = FACTS[name]
    if fact.most is None:
        near = {number for one in literals for number in (one // 1 - 1, one // 1, one // 1 + 1)}
        return [number for number in sorted(near) if number >= 0]
    ends = sorted({0.0, fact.most, *literals})
    between = [(one + other) / 2 for one, other in pairwise(ends)]
    lacking: list[Value] = [None] if fact.may_lack else []
    return [*sorted({*ends, *between}), *lacking]

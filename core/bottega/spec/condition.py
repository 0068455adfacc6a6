"""Conditions on edges as data: comparisons of facts with literals, joined by and, or, not.

What a text means is `bottega.spec.expression`; which facts a node leaves behind is the engine's
business. Nothing here calls anything that a graph file names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = str | int | float | bool | None
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "contains"]
FactType = Literal["flag", "number", "text"]

END_STATES = ("done", "failed", "budget")
"""How a node can end, as conditions name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """Something that a condition may ask about."""

    type: FactType
    what: str
    choices: tuple[str, ...] = ()
    """All that the text can be; empty for any text."""
    most: float | None = None
    """The largest number that it can be; the smallest is 0."""
    may_lack: bool = False
    """Whether it may be unknown: then every comparison with it is false."""


FACTS: Mapping[str, Fact] = {
    "failed": Fact(type="flag", what="the node failed, or its budget ran out"),
    "status": Fact(type="text", what="how the node ended", choices=END_STATES),
    "abstained": Fact(type="flag", what="the answer says that it cannot tell"),
    "partial": Fact(type="flag", what="the answer is the best so far, not a whole one"),
    "answer": Fact(type="text", what="the answer so far"),
    "task": Fact(type="text", what="the run's task"),
    "author": Fact(type="text", what="the node that gave the answer"),
    "verdict": Fact(type="text", what="the last word of a node whose edges carry words"),
    "score": Fact(type="number", what="the last score of the answer", most=1.0, may_lack=True),
    "citations": Fact(type="number", what="how many passages the answer cites"),
    "steps": Fact(type="number", what="model calls of the run so far"),
}
"""Every name that a condition may use."""
FACTS_AT_START = ("task",)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A fact against a literal. Text is compared without regard to case and outer spaces."""

    name: str
    operator: Operator
    literal: str | float | bool
    offset: int = field(default=0, compare=False)
    """Where the literal stands in the condition's text."""

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Say whether it holds; never for a fact that is not known."""
        value = facts.get(self.name)
        if value is None:
            return False
        literal = self.literal
        if isinstance(value, str) and isinstance(literal, str):
            return _compare_texts(_folded(value), self.operator, _folded(literal))
        if isinstance(value, str) or isinstance(literal, str):
            return False
        return _compare_numbers(value, self.operator, literal)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Condition

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Say whether the part does not hold."""
        return not self.part.holds(facts)


@dataclass(frozen=True, slots=True)
class Joined:
    """Several parts, all or any of which must hold."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Say whether enough of the parts hold."""
        held = (part.holds(facts) for part in self.parts)
        return all(held) if self.word == "and" else any(held)


Condition = Comparison | Not | Joined


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Yield every comparison in the condition; its depth is bounded, so recursion is."""
    if isinstance(condition, Comparison):
        yield condition
        return
    for part in condition.parts if isinstance(condition, Joined) else (condition.part,):
        yield from comparisons(part)


def heeds_failure(condition: Condition) -> bool:
    """Say whether the condition speaks of failure: only such a one is asked when a node failed."""
    return any(one.name in ("failed", "status") for one in comparisons(condition))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _compare_texts(value: str, operator: Operator, literal: str) -> bool:
    if operator == "contains":
        return literal in value
    return (value == literal) == (operator == "==")


def _compare_numbers(value: float, operator: Operator, literal: float) -> bool:
    results: Mapping[str, bool] = {
        "==": value == literal,
        "!=": value != literal,
        "<": value < literal,
        "<=": value <= literal,
        ">": value > literal,
        ">=": value >= literal,
    }
    return results.get(operator, False)

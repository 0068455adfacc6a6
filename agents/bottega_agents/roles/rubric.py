"""What a critic asks of an answer: one free text, or criteria that are scored one by one.

Free review asks the decider whether the answer does its task and rests on the evidence. A criterion
is scored by itself, on the answer alone; the score of the whole is their mean, by weight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bottega.errors import InputError

MOST_CRITERIA = 32


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One thing that a good answer does."""

    text: str
    """A statement about the answer, or a question that it must answer."""
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How well an answer does what one criterion asks."""

    criterion: Criterion
    value: float | None
    """From 0 to 1; None where the decider abstains."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a critic found."""

    accepted: bool | None
    """None where the decider abstains."""
    value: float | None = None
    """How good the answer is, from 0 to 1."""
    reason: str = ""
    """For whoever revises it: what was missed."""


def read_rubric(rubric: str | Sequence[Any]) -> str | tuple[Criterion, ...]:
    """Read the option of a graph file. Raises InputError for what is no criterion."""
    if isinstance(rubric, str):
        return rubric
    if not 1 <= len(rubric) <= MOST_CRITERIA:
        raise InputError(f"rubric: {len(rubric)} criteria; give 1 to {MOST_CRITERIA}")
    return tuple(map(_criterion, rubric))


def _criterion(item: Any) -> Criterion:
    if isinstance(item, str) and item.strip():
        return Criterion(text=item.strip())
    given: Mapping[str, Any] = (
        cast("Mapping[str, Any]", item) if isinstance(item, Mapping) else dict[str, Any]()
    )
    text, weight = given.get("criterion"), given.get("weight", 1)
    known = given.keys() <= {"criterion", "weight"} and isinstance(text, str)
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not (known and number and str(text).strip() and weight > 0 and math.isfinite(weight)):
        raise InputError(
            f"rubric: {item!r} is no criterion",
            hint="write a text, or `{criterion: names its sources, weight: 2}`",
        )
    return Criterion(text=str(text).strip(), weight=float(weight))


def total(findings: Sequence[Finding]) -> float | None:
    """Return the mean of the criteria that could be scored, by weight; None where none could."""
    scored = [(one.criterion.weight, one.value) for one in findings if one.value is not None]
    weights = math.fsum(weight for weight, _ in scored)
    return math.fsum(weight * value for weight, value in scored) / weights if scored else None


def missed(findings: Sequence[Finding], accept_at: float) -> str:
    """Say what each criterion below the mark missed, the one that counts most first."""
    low = [(one, one.value) for one in findings if one.value is not None and one.value < accept_at]
    low.sort(key=lambda pair: pair[0].criterion.weight * (pair[1] - 1))
    lines = [f"- {one.criterion.text} ({value:.2f}): {one.reason}" for one, value in low]
    return "\n".join(line.removesuffix(": ") for line in lines)

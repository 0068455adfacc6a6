"""What the deltas of one reply must look like; part of the conformance kit for models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from bottega.model import (
    CallDelta,
    Delta,
    End,
    FinishReason,
    Restart,
    TextDelta,
    ThoughtDelta,
)


class Violation(Exception):
    """A rule is broken."""


def demand(condition: bool, problem: str) -> None:
    """Raise Violation with the problem unless the condition holds."""
    if not condition:
        raise Violation(problem)


def in_order(deltas: Sequence[Delta]) -> None:
    """Raise Violation unless all are deltas, and the last is the only End."""
    for delta in deltas:
        _well_formed(delta)
    ends = [index for index, delta in enumerate(deltas) if isinstance(delta, End)]
    demand(bool(ends), "its reply has no End")
    demand(len(ends) == 1, f"its reply has {len(ends)} Ends, not one")
    demand(ends == [len(deltas) - 1], "its reply goes on after the End")


_TEXTS: Mapping[type[object], tuple[str, ...]] = {
    TextDelta: ("text",),
    ThoughtDelta: ("text",),
    CallDelta: ("id", "name", "arguments"),
    Restart: ("reason",),
    End: ("model",),
}
"""The kinds of delta, and which of their fields are texts."""


def _well_formed(delta: Delta) -> None:
    kind: type[object] = type(delta)
    if kind not in _TEXTS:
        raise Violation(f"it yields {kind.__name__}, which is no Delta")
    for name in _TEXTS[kind]:
        value = getattr(delta, name)
        demand(isinstance(value, str), f"{kind.__name__}.{name} is {value!r}, not a text")
    if isinstance(delta, CallDelta):
        demand(_is_count(delta.index), f"CallDelta.index is {delta.index!r}, not a count")
    if isinstance(delta, End):
        reasons = get_args(FinishReason)
        demand(delta.finish in reasons, f"End.finish is {delta.finish!r}, not one of {reasons}")
        for count in (delta.usage.input_tokens, delta.usage.output_tokens):
            known = count is None or _is_count(count)
            demand(known, f"a token count is {count!r}, not a count or None")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

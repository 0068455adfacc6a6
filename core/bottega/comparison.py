"""Two runs beside each other: where they part first, and what each came to.

Moments are matched by the visit they belong to and what they are there, so that parallel branches
may have taken turns in another order. Names of calls do not count, nor do times and tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bottega.messages import Json
from bottega.runs import Run
from bottega.trace import Moment, Trace

What = Literal["reply", "arguments", "result", "decision", "ruling", "compacted", "other", "end"]
"""What differs: `end` when one of the runs has nothing there."""
_Key = tuple[str, str, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first moment at which two runs are not the same."""

    what: What
    left: Moment | None
    right: Moment | None
    """None where that run does nothing there."""

    @property
    def node(self) -> str:
        """The node at work."""
        moment = self.left or self.right
        return moment.node if moment else ""

    @property
    def step(self) -> int:
        """The node's step; 0 outside steps."""
        moment = self.left or self.right
        return moment.step if moment else 0

    def sides(self) -> tuple[Json, Json]:
        """Return what differs, of both runs."""
        return _side(self.left, self.what), _side(self.right, self.what)


def begun_apart(left: Trace, right: Trace) -> dict[str, tuple[str, str]]:
    """Return what two runs began with that is not the same: graph, task, model; of both.

    Graphs of one name that are not the same are told by the beginnings of their digests.
    """
    one, other = left.run, right.run
    graphs = _graph(one), _graph(other)
    if one.name == other.name and graphs[0] != graphs[1]:
        graphs = f"{one.name} ({graphs[0][:8]})", f"{other.name} ({graphs[1][:8]})"
    elif graphs[0] != graphs[1]:
        graphs = one.name, other.name
    models = one.origin.get("model", ""), other.origin.get("model", "")
    began = {"graph": graphs, "task": (one.task, other.task), "model": models}
    return {name: sides for name, sides in began.items() if sides[0] != sides[1]}


def _graph(run: Run) -> str:
    return run.origin.get("digest", "") or run.name


def first_difference(left: Trace, right: Trace) -> Difference | None:
    """Return where the runs part first; None when they do the same all the way."""
    known, other = _keyed(left), _keyed(right)
    for key, moment in known.items():
        difference = _difference(moment, other.get(key))
        if difference is not None:
            return difference
    more = next((moment for key, moment in other.items() if key not in known), None)
    return None if more is None else Difference(what="end", left=None, right=more)


def _keyed(trace: Trace) -> dict[_Key, Moment]:
    """Return the moments by where they stand, in the order of the run."""
    first = min((_super_step(moment.visit) for moment in trace.moments), default=0)
    found: dict[_Key, Moment] = {}
    counted: dict[tuple[str, str, int], int] = {}
    for moment in trace.moments:
        step = _super_step(moment.visit)
        visit = moment.visit.replace(f"{step}:", f"{step - first}:", 1)
        place = (visit, moment.kind, moment.step)
        counted[place] = counted.get(place, 0) + 1
        found[*place, counted[place]] = moment
    return found


def _super_step(visit: str) -> int:
    step = visit.partition(":")[0]
    return int(step) if step.isdecimal() else 0


def _difference(left: Moment, right: Moment | None) -> Difference | None:
    if right is None:
        return Difference(what="end", left=left, right=None)
    kinds: Mapping[str, tuple[What, ...]] = {"step": ("reply", "arguments", "result")}
    for what in kinds.get(left.kind, (left.kind if left.kind != "step" else "reply",)):
        if _side(left, what) != _side(right, what):
            return Difference(what=what, left=left, right=right)
    return None


def _side(moment: Moment | None, what: What) -> Json:
    """Return the part of a moment that is compared."""
    if moment is None:
        return None
    if what == "result":
        return [{"tool": c.tool, "content": c.content, "state": c.state} for c in moment.calls]
    if what == "arguments":
        return [{"tool": call.tool, "arguments": dict(call.arguments)} for call in moment.calls]
    if what == "reply" or (what == "end" and moment.kind == "step"):
        said = {"thought": moment.thought, "answer": moment.answer, "problem": moment.problem}
        told = {name: value for name, value in said.items() if value}
        return {**told, "calls": [call.tool for call in moment.calls]}
    return moment.told

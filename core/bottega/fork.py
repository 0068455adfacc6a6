"""Forks: a new run that is an old one up to some moment, and goes on by itself from there.

What was before the moment is told again from the old run's journal, not run: no model is asked and
no tool called twice. Here is what a fork is, as data; the engine carries it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TypedDict

from bottega.budget import Budget
from bottega.engine import Job
from bottega.errors import InputError
from bottega.messages import Json
from bottega.model import End, Reply, Usage
from bottega.questions import Ruling
from bottega.replies import reply_to_json
from bottega.trace import Moment, Trace

ORIGIN = "fork"
"""Key of a run's origin that says which run it was forked from, and where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """Where a run leaves another one, and how it goes on."""

    run: str
    """The run that it leaves."""
    visit: str
    """The visit in which it does."""
    node: str
    log: int
    entry: int
    """The first entry of the visit's log that the new run does not share."""
    at: int
    """When that was written down: what other branches had done by then is shared."""
    instead: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Entries that take the place of what is left behind: another reply."""
    rulings: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What a person says this time, by the question."""
    prompt: str | None = None
    """New instructions of the node."""

    def dumps(self) -> str:
        """Return the fork as text, for the origin of its run."""
        return json.dumps(asdict(self))

    @staticmethod
    def loads(text: str) -> Fork:
        """Read what `dumps` wrote."""
        return Fork(**json.loads(text))


class Changes(TypedDict, total=False):
    """What is to be different after a fork; with nothing at all the model is asked once more."""

    model: str
    """Takes the place of every model that the graph names."""
    prompt: str
    """Instructions of the node, instead of those in the graph."""
    reply: str
    """What the model says, instead of what it did say."""
    ruling: Ruling
    """What the person says, instead of what they did say."""


def forked(job: Job, trace: Trace, at: int | str, changes: Changes) -> Job:
    """Return the job as a fork of a run, with that run's limits. Raises InputError."""
    limits = Budget(**json.loads(trace.run.origin.get("limits", "{}")))
    origin = {**job.origin, ORIGIN: fork_of(trace, at, changes).dumps()}
    return replace(job, limits=limits, origin=origin)


def fork_of(trace: Trace, at: int | str, changes: Changes) -> Fork:
    """Return the fork of a run before the moment `at`: its number, or `node:step`.

    Raises InputError for a moment that there is not, or one where the change means nothing.
    """
    moment, reply, ruling = moment_at(trace, at), changes.get("reply"), changes.get("ruling")
    if ruling is not None:
        moment = _ruling_at(trace, moment)
    if reply is not None and moment.kind != "step":
        raise InputError(f"moment {moment.number} is a {moment.kind}, no reply of a model")
    return Fork(
        run=trace.run.run_id,
        visit=moment.visit,
        node=moment.node,
        log=moment.log,
        entry=moment.entry,
        at=moment.at,
        instead={} if reply is None else {f"{moment.step}/reply": _said(reply)},
        rulings={} if ruling is None else {moment.told["question"]: ruling.to_json()},
        prompt=changes.get("prompt"),
    )


def moment_at(trace: Trace, at: int | str) -> Moment:
    """Return the moment of that number, or the step `node:step`. Raises InputError."""
    text = str(at)
    if text.isdecimal():
        found = [moment for moment in trace.moments if moment.number == int(text)]
    else:
        node, _, step = text.rpartition(":")
        steps = [moment for moment in trace.moments if moment.kind == "step"]
        found = [one for one in steps if (one.node, str(one.step)) == (node, step)]
    if not found:
        raise InputError(
            f"run {trace.run.run_id} has no moment {text!r}",
            hint=f"it has 1 to {len(trace.moments)}; see: bottega replay {trace.run.run_id}",
        )
    if len(found) > 1:
        numbers = ", ".join(str(moment.number) for moment in found)
        raise InputError(f"{text!r} is several moments of the run", hint=f"say which: {numbers}")
    return found[0]


def _ruling_at(trace: Trace, moment: Moment) -> Moment:
    """Return the ruling that is meant: the moment itself, or the only one of its step."""
    if moment.kind == "ruling":
        return moment
    here = (moment.visit, moment.step, "ruling")
    found = [one for one in trace.moments if (one.visit, one.step, one.kind) == here]
    if len(found) != 1:
        numbers = ", ".join(str(one.number) for one in trace.moments if one.kind == "ruling")
        raise InputError(
            f"moment {moment.number} is not where a person ruled",
            hint=f"a person ruled at: {numbers or 'no moment'}",
        )
    return found[0]


def _said(text: str) -> dict[str, Json]:
    """Make the reply that a model did not give: it costs nothing."""
    end = End(usage=Usage(input_tokens=0, output_tokens=0), cost=0.0, model="fork")
    return reply_to_json(Reply(text=text, end=end))

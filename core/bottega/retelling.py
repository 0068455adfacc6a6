"""From journals to a trace: what is recorded of a run, read and put in order.

A step is told from its reply and the results beside it. Nothing is called: what a dialect makes of
a reply, and how calls are named, follows from what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bottega.call_ids import CallIds
from bottega.dialect import Dialect, Turn
from bottega.history import OPENING, History
from bottega.messages import Json, ToolCall
from bottega.model import End, Reply, Usage
from bottega.replies import reply_from_json
from bottega.trace import Entry, Moment, MomentKind, Recorded, Trace, TracedCall, Visit

DialectOf = Callable[[str], Dialect]
"""Makes a dialect by its name."""


def retold(recorded: Recorded, dialect_of: DialectOf) -> Trace:
    """Put what is recorded of a run in order."""
    known = {visit.task: visit for visit in (*recorded.earlier, *recorded.visits)}
    found = [
        moment for visit in recorded.visits for moment in _Reading(visit, known, dialect_of).all()
    ]
    found.sort(key=lambda moment: (moment["at"], moment["log"], moment["entry"]))
    moments = tuple(Moment(number=number, **moment) for number, moment in enumerate(found, 1))
    plans, questions = recorded.plans, recorded.questions
    return Trace(
        run=recorded.run,
        moments=moments,
        answer=recorded.answer,
        plans=plans,
        questions=questions,
    )


class _Reading:
    """One visit, read."""

    def __init__(self, visit: Visit, known: Mapping[str, Visit], dialect_of: DialectOf) -> None:
        self._visit = visit
        self._entries = visit.known
        self._at = {entry.key: entry for entry in visit.entries}
        opening: dict[str, Json] = self._entries.get(OPENING) or {}
        self._path: str = opening.get("path", "")
        self._dialect = dialect_of(opening.get("dialect") or "native")
        self._before = list(_chain(opening, known))

    def all(self) -> Iterable[dict[str, Any]]:
        """Return the moments of the visit, without their numbers."""
        ids = CallIds(self._told_before(), self._path)
        for entry in self._visit.entries:
            step, _, what = entry.key.partition("/")
            if what == "reply":
                yield self._step(entry, int(step), ids)
            elif what.startswith("ruled/"):
                ruled = {**entry.value, "question": what.removeprefix("ruled/")}
                ruled.pop("seal", None)
                yield self._moment("ruling", entry, int(step), told=ruled)
            elif step == "decided":
                told: dict[str, Json] = {**entry.value}
                usage = Usage(**told.pop("usage", None) or dict[str, int]())
                yield self._moment("decision", entry, 0, told=told, usage=usage)
            elif what.startswith("compacted"):  # see `bottega.history.compactions`
                yield self._shortened(entry, int(step))
            elif not _is_part(entry.key, what):
                yield self._moment("other", entry, 0, told={entry.key: entry.value})

    def _told_before(self) -> list[Any]:
        """Return the conversation before the visit's first step."""
        history = History()
        for entries in self._before:
            history.go_on(entries, self._dialect, self._path)
        opening = {OPENING: self._entries[OPENING]} if OPENING in self._entries else {}
        history.go_on(opening, self._dialect, self._path)
        return history.messages

    def _moment(self, kind: MomentKind, entry: Entry, step: int, **fields: Any) -> dict[str, Any]:
        visit = self._visit
        place = {"node": visit.node, "visit": visit.name, "log": visit.log}
        return {
            "kind": kind,
            "step": step,
            "at": entry.at,
            "entry": entry.number,
            **place,
            **fields,
        }

    def _step(self, entry: Entry, step: int, ids: CallIds) -> dict[str, Any]:
        reply = reply_from_json(entry.value)
        turn = ids.named(self._dialect.read(reply), step)
        return self._moment(
            "step",
            entry,
            step,
            thought=turn.thought,
            answer=turn.answer,
            problem=turn.problem,
            calls=tuple(
                self._call(made, step)
                for call in _calls(turn)
                for made in (call, *self._within(call, step))
            ),
            usage=reply.end.usage,
            cost=reply.end.cost,
            model=reply.end.model,
        )

    def _shortened(self, entry: Entry, step: int) -> dict[str, Any]:
        """Tell of a conversation that was too long, and of the summary that was asked for."""
        said = entry.value["summary"]
        summary = reply_from_json(said) if said else Reply(end=End(cost=0.0))
        return self._moment(
            "compacted",
            entry,
            step,
            told={"kept": len(entry.value["messages"]), "summary": summary.text},
            usage=summary.end.usage,
            cost=summary.end.cost,
            model=summary.end.model,
        )

    def _within(self, call: ToolCall, step: int) -> Iterator[ToolCall]:
        """Yield the calls that a call made."""
        number = 1
        while (asked := self._entries.get(f"{step}/inner/{call.id}/{number}")) is not None:
            name, arguments = asked["name"], asked["arguments"]
            yield ToolCall(id=f"{call.id}/{number}", name=name, arguments=arguments)
            number += 1

    def _call(self, call: ToolCall, step: int) -> TracedCall:
        refused = {item["call_id"]: item for item in self._entries.get(f"{step}/refused", ())}
        entry = self._at.get(f"{step}/result/{call.id}")
        result = entry.value["result"] if entry else refused.get(call.id)
        told: dict[str, Any] = {"id": call.id, "tool": call.name, "arguments": call.arguments}
        if result is None:
            return TracedCall(**told, state=self._state(call, step))
        return TracedCall(
            **told,
            content=result["content"],
            is_error=result["is_error"],
            citations=tuple(result["citations"]),
            at=entry.at if entry else 0,
        )

    def _state(self, call: ToolCall, step: int) -> str:
        if f"{step}/parked/{call.id}" in self._entries:
            return "waits"
        return "unknown" if f"{step}/intent/{call.id}" in self._entries else "handed on"


def _calls(turn: Turn) -> Sequence[ToolCall]:
    """Return all calls of a turn, also those that could not be read."""
    return [*turn.calls, *(ToolCall(id=bad.id, name=bad.name) for bad in turn.bad_calls)]


def _chain(opening: Mapping[str, Json], known: Mapping[str, Visit]) -> list[Mapping[str, Json]]:
    """Return the entries of the visits that a conversation went on from, the first one first."""
    found: list[Mapping[str, Json]] = []
    before: Json = opening.get("before")
    while before and before["task"] in known:
        entries = known[before["task"]].known
        found.append(entries)
        earlier: Mapping[str, Json] = entries.get(OPENING) or {}
        before = earlier.get("before")
    return found[::-1]


_PARTS = ("result/", "intent/", "inner/", "parked/", "refused")


def _is_part(key: str, what: str) -> bool:
    """Say whether an entry is told with a step, or tells nothing."""
    return key == OPENING or key.startswith("interrupted/") or what.startswith(_PARTS)

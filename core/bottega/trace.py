"""A run as its journal tells it: step by step over all its nodes, without calling anything.

Where the journal lies is the engine's business; it hands over visits with their entries. What is
recorded of a step (the reply, results, rulings, decisions) is read here and put in order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bottega.call_ids import CallIds
from bottega.dialect import Dialect, Turn
from bottega.history import OPENING, History
from bottega.messages import Json, ToolCall
from bottega.model import Usage
from bottega.replies import reply_from_json
from bottega.runs import Run

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

MomentKind = Literal["step", "decision", "ruling", "other"]
DialectOf = Callable[[str], Dialect]
"""Makes a dialect by its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of a journal."""

    number: int
    key: str
    value: Json
    at: int
    """Milliseconds since the epoch (UTC); 0 where it is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One visit of a node, with what was written down in it."""

    log: int
    """Grows with every visit of the store."""
    name: str
    """Where in the run it stands: `2:librarian#0`."""
    node: str
    task: str
    """The engine's own name for it, by which later visits point at it."""
    entries: tuple[Entry, ...]

    @property
    def known(self) -> dict[str, Json]:
        """The entries by key, in order."""
        return {entry.key: entry.value for entry in self.entries}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A run as the engine read it from its store."""

    run: Run
    visits: tuple[Visit, ...]
    earlier: tuple[Visit, ...] = ()
    """Visits of earlier runs of the thread."""
    answer: str = ""
    """The run's answer, if it has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedCall:
    """A call, and what came of it."""

    id: str
    tool: str
    arguments: Mapping[str, Json]
    content: str | None = None
    """None where no result is recorded."""
    is_error: bool = False
    citations: tuple[Json, ...] = ()
    at: int = 0
    state: str = ""
    """`waits` for a person, `unknown` outcome, `handed on`; empty for one that is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Something that was written down: a step of a node, a decision, what a person said."""

    number: int
    """Counted over the whole run, from 1: what `--from` takes."""
    kind: MomentKind
    node: str
    visit: str
    step: int
    at: int
    log: int
    entry: int
    """The number of its first entry in its visit's log."""
    thought: str = ""
    answer: str | None = None
    problem: str = ""
    calls: tuple[TracedCall, ...] = ()
    usage: Usage = Usage()
    cost: float | None = None
    model: str = ""
    told: Json = None
    """A decision, or a ruling with the `question` that it is about; else what was recorded."""

    def to_json(self) -> dict[str, Json]:
        """Return the moment as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A run, told again."""

    run: Run
    moments: tuple[Moment, ...]
    answer: str = ""

    @property
    def forked_from(self) -> str:
        """The run that this one was forked from; empty for none."""
        fork = self.run.origin.get("fork")
        return str(json.loads(fork)["run"]) if fork else ""

    @property
    def usage(self) -> Usage:
        """Tokens of all steps and decisions."""
        total = Usage()
        for moment in self.moments:
            total = total + moment.usage
        return total

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of any reply is not known."""
        steps = [moment.cost for moment in self.moments if moment.kind == "step"]
        return None if None in steps else sum(cost for cost in steps if cost is not None)

    @property
    def steps(self) -> int:
        """Replies of models to agents."""
        return sum(moment.kind == "step" for moment in self.moments)

    def to_json(self) -> dict[str, Json]:
        """Return the trace as a JSON object."""
        return {
            "run": asdict(self.run),
            "forked_from": self.forked_from,
            "moments": [moment.to_json() for moment in self.moments],
            "answer": self.answer,
            "steps": self.steps,
            "usage": asdict(self.usage),
            "cost": self.cost,
        }


class Historian(Protocol):
    """An engine that can read runs back."""

    async def read(self, store: Path | str, run_id: str) -> Recorded:
        """Return all that the store holds of a run. Raises InputError, StorageError."""
        ...


async def read_trace(store: Path | str, run_id: str, plugins: PluginManager | None = None) -> Trace:
    """Tell a run again from its store alone. Raises InputError and StorageError."""
    from bottega.graph import DEFAULT_ENGINE
    from bottega.plugin.context import FactoryContext
    from bottega.plugin.manager import default_plugins

    known = plugins or default_plugins()
    context = FactoryContext(plugins=known)
    engine: Historian = known.make("engine", DEFAULT_ENGINE, context)
    return trace(
        await engine.read(store, run_id), lambda name: known.make("dialect", name, context)
    )


def trace(recorded: Recorded, dialect_of: DialectOf) -> Trace:
    """Put what is recorded of a run in order."""
    known = {visit.task: visit for visit in (*recorded.earlier, *recorded.visits)}
    found = [
        moment for visit in recorded.visits for moment in _Reading(visit, known, dialect_of).all()
    ]
    found.sort(key=lambda moment: (moment["at"], moment["log"], moment["entry"]))
    moments = tuple(Moment(number=number, **moment) for number, moment in enumerate(found, 1))
    return Trace(run=recorded.run, moments=moments, answer=recorded.answer)


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
                yield self._moment("ruling", entry, int(step), told=ruled)
            elif step == "decided":
                told: dict[str, Json] = {**entry.value}
                usage = Usage(**told.pop("usage", None) or dict[str, int]())
                yield self._moment("decision", entry, 0, told=told, usage=usage)
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
            calls=tuple(self._call(call, step) for call in _calls(turn)),
            usage=reply.end.usage,
            cost=reply.end.cost,
            model=reply.end.model,
        )

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


_PARTS = ("result/", "intent/", "parked/", "refused")


def _is_part(key: str, what: str) -> bool:
    """Say whether an entry is told with a step, or tells nothing."""
    return key == OPENING or key.startswith("interrupted/") or what.startswith(_PARTS)

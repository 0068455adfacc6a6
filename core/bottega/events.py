"""What a run says as it goes: one stream of frozen events.

The terminal, the trace file, a web page and training data are all readers of this stream. Events
round-trip through JSON (`to_json`, `from_json`); a reader skips kinds that it does not know.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from bottega.messages import Citation, Json

Status = Literal["done", "failed", "budget", "waiting", "cancelled"]
"""How a run ended: `budget` by a limit, `waiting` for a person, `cancelled` by the caller."""

_KINDS: dict[str, type[Event]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Anything that a run reports; see the subclasses."""

    kind: ClassVar[str] = "event"

    run_id: str = ""
    node: str = ""
    """Which node of the graph speaks; the agent's name when it runs alone."""
    step: int = 0
    """The node's step, counted from 1; 0 outside steps."""
    time: float = 0.0
    """Seconds since the epoch (UTC)."""

    def to_json(self) -> dict[str, Json]:
        """Return the event as a JSON object with its `kind`."""
        data: dict[str, Json] = {"kind": self.kind}
        for name in _field_names(type(self)):
            data[name] = _plain(getattr(self, name))
        return data

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Event:
        """Read what `to_json` wrote. Raises KeyError for a kind that is not known."""
        kind = _KINDS[data["kind"]]
        names = _field_names(kind)
        fields = {name: value for name, value in data.items() if name in names}
        if "citations" in fields:
            fields["citations"] = tuple(Citation(**item) for item in fields["citations"])
        return kind(**fields)

    def dumps(self) -> str:
        """Return the event as one line of JSON, safe to print: escapes are ASCII."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)


_NAMES: dict[type, tuple[str, ...]] = {}


def _field_names(kind: type[Event]) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(f.name for f in dataclasses.fields(kind))
    return names


def _plain(value: Any) -> Json:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Citation):
        return {name: getattr(value, name) for name in Citation.__slots__}
    return value


def _register(kind: type[Event]) -> type[Event]:
    _KINDS[kind.kind] = kind
    return kind


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStarted(Event):
    """A run was accepted."""

    kind: ClassVar[str] = "run_started"

    name: str = ""
    """The graph's or agent's name."""
    task: str = ""
    thread: str = ""
    resumed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnded(Event):
    """A run is over; always the last event."""

    kind: ClassVar[str] = "run_ended"

    status: Status = "done"
    reason: str = ""
    """Why, unless it is done."""
    seconds: float = 0.0
    steps: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeStarted(Event):
    """A node of the graph begins."""

    kind: ClassVar[str] = "node_started"

    role: str = ""
    """The node's kind: coordinator, specialist, critic, or a plugin's own."""
    task: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeEnded(Event):
    """A node of the graph is through."""

    kind: ClassVar[str] = "node_ended"

    status: Status = "done"
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepStarted(Event):
    """The loop asks the model for the next action."""

    kind: ClassVar[str] = "step_started"


@dataclass(frozen=True, kw_only=True, slots=True)
class Thought(Event):
    """What the model says it thinks, before or beside its actions."""

    kind: ClassVar[str] = "thought"

    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action(Event):
    """A tool is about to be called."""

    kind: ClassVar[str] = "action"

    call_id: str = ""
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Event):
    """What came of an action."""

    kind: ClassVar[str] = "observation"

    call_id: str = ""
    tool: str = ""
    content: str = ""
    is_error: bool = False
    citations: tuple[Citation, ...] = ()
    printed: str = ""
    """What the tool wrote to standard output, cut at a limit."""
    seconds: float = 0.0
    replayed: bool = False
    """Read from the journal after a crash, not run again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent(Event):
    """One agent hands something to another: a task, a report, a request to revise."""

    kind: ClassVar[str] = "message"

    to: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision(Event):
    """A decider decided: a critic's verdict, a route."""

    kind: ClassVar[str] = "decision"

    question: str = ""
    verdict: str = ""
    probability: float | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetReached(Event):
    """A limit of the run is spent."""

    kind: ClassVar[str] = "budget"

    limit: str = ""
    """Which: steps, seconds, tokens."""
    allowed: float = 0.0
    spent: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure(Event):
    """Something went wrong; the run goes on unless `fatal`."""

    kind: ClassVar[str] = "error"

    error: str = ""
    """The error's class."""
    message: str = ""
    hint: str = ""
    fatal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer(Event):
    """A node's answer. The run's own answer is the last one before `run_ended`."""

    kind: ClassVar[str] = "answer"

    text: str = ""
    citations: tuple[Citation, ...] = ()
    """The passages that the text points at, in the order in which it does."""
    abstained: bool = False
    """The agent says that it cannot tell."""
    partial: bool = False
    """The best so far, when a limit ended the run."""
    final: bool = False
    """The run's answer, not one node's."""


for _kind in (
    RunStarted,
    RunEnded,
    NodeStarted,
    NodeEnded,
    StepStarted,
    Thought,
    Action,
    Observation,
    MessageSent,
    Decision,
    BudgetReached,
    Failure,
    Answer,
):
    _register(_kind)

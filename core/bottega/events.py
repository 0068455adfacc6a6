"""What a run says as it goes: one stream of frozen events.

The terminal, the trace file, a web page and training data are all readers of this stream. Events
round-trip through JSON (`to_json`, `from_json`); a reader skips kinds that it does not know.
"""

from __future__ import annotations

import dataclasses
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from bottega.messages import Citation, Json, citation_to_json

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
        names, values = _fields(type(self))
        data: dict[str, Json] = {"kind": self.kind}
        data.update(zip(names, values(self), strict=True))
        if "citations" in data:
            data["citations"] = [citation_to_json(item) for item in data["citations"]]
        return data

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Event:
        """Read what `to_json` wrote. Raises KeyError for a kind that is not known."""
        kind = _KINDS[data["kind"]]
        names, _ = _fields(kind)
        fields = {name: value for name, value in data.items() if name in names}
        if "citations" in fields:
            fields["citations"] = tuple(Citation(**item) for item in fields["citations"])
        return kind(**fields)

    def dumps(self) -> str:
        """Return the event as one line of JSON, safe to print: escapes are ASCII."""
        return _encode(self.to_json())


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_FIELDS: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}


def _fields(kind: type[Event]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of a kind's fields and what reads them all: worked out once a kind."""
    known = _FIELDS.get(kind)
    if known is None:
        names = tuple(f.name for f in dataclasses.fields(kind))
        known = _FIELDS[kind] = (names, operator.attrgetter(*names))
    return known


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
    cost: float | None = None
    """US dollars; None where a price or a count of tokens is not known."""


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
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])


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
class PlanMade(Event):
    """A plan was made or changed; it is about to be carried out."""

    kind: ClassVar[str] = "plan"

    plan: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """See `bottega.plan.Plan.to_json`."""
    reason: str = ""
    """Why it was changed; empty for the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskChanged(Event):
    """A task of a plan was begun, is over or is not needed."""

    kind: ClassVar[str] = "task"

    task: str = ""
    """Its id in the plan."""
    owner: str = ""
    status: str = ""
    """See `bottega.plan.TaskStatus`."""
    text: str = ""
    """Its goal, its result, or why it failed or was skipped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked(Event):
    """The run waits for a person: it goes on with `bottega resume` and a ruling."""

    kind: ClassVar[str] = "asked"

    question: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """See `bottega.questions.Question.to_json`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compacted(Event):
    """A conversation was too long for its model: its oldest part was left out."""

    kind: ClassVar[str] = "compacted"

    left_out: int = 0
    """Messages; 0 when results alone were cut."""
    before: int = 0
    """Tokens of the request, as far as they can be told."""
    after: int = 0
    summary: str = ""
    """What the model wrote about what was left out; empty when it was only dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck(Event):
    """The same was done, or handed to and fro, and nothing new came of it."""

    kind: ClassVar[str] = "stuck"

    what: str = ""
    """Who did what."""
    times: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetReached(Event):
    """A limit of the run is spent."""

    kind: ClassVar[str] = "budget"

    limit: str = ""
    """Which: steps, seconds, tokens, money."""
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
    retryable: bool = False
    """Whether the same may succeed when it is simply tried again."""
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
    PlanMade,
    TaskChanged,
    Asked,
    Compacted,
    Stuck,
    BudgetReached,
    Failure,
    Answer,
):
    _register(_kind)

"""Events of a run as a whole: its beginning and end, what stops it, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bottega.events.event import Event, Status, register
from bottega.messages import Citation, Json


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
    questions: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What the run waits for, by the questions' ids; see `Asked`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked(Event):
    """The run waits for a person: it goes on with `bottega resume` and a ruling."""

    kind: ClassVar[str] = "asked"

    question: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """See `bottega.questions.Question.to_json`."""


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


register(RunStarted, RunEnded, Asked, BudgetReached, Failure, Answer)

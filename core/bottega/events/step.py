"""Events of an agent's loop: what it thinks and does, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bottega.events.event import Event, register
from bottega.messages import Citation, Json


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


register(StepStarted, Thought, Action, Observation, Compacted, Stuck)

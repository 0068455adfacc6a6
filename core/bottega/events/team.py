"""Events between the nodes of a graph: who works, who says what to whom, what is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bottega.events.event import Event, Status, register
from bottega.messages import Json


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


register(NodeStarted, NodeEnded, MessageSent, Decision, PlanMade, TaskChanged)

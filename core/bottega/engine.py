"""The seam between a graph as data and what runs it.

LangGraph is the engine that comes with Bottega (`bottega_agents.engine`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bottega.budget import Budget
from bottega.events import Event
from bottega.node import AgentParts, NodeKind
from bottega.questions import Ruling
from bottega.run import Ask, new_run_id
from bottega.spec.model import GraphSpec


@dataclass(frozen=True, kw_only=True)
class Team:
    """A graph with everything that its nodes are made of."""

    spec: GraphSpec
    kinds: Mapping[str, NodeKind]
    parts: Mapping[str, AgentParts]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One task for a team."""

    task: str
    limits: Budget
    run_id: str = field(default_factory=new_run_id)
    thread: str = ""
    """Names a conversation that later runs go on with; empty for none."""
    store: Path | str | None = None
    """The file or the URL of the store for checkpoints, journal and runs; None keeps nothing."""
    resume: bool = False
    """Go on with the run of this id, after its process died."""
    ask: Ask | None = None
    rulings: Mapping[str, Ruling] = field(default_factory=dict[str, Ruling])
    """What a person says to questions that the run waits for, by their ids; for a resumed run."""
    origin: Mapping[str, str] = field(default_factory=dict[str, str])
    """What another process needs to take the run up: the graph's file, the model's name."""


@runtime_checkable
class Engine(Protocol):
    """Something that runs teams."""

    def stream(self, team: Team, job: Job) -> AsyncGenerator[Event, None]:
        """Run the job; the first event is `RunStarted`, the last `RunEnded`.

        Closing the iterator cancels the run.
        """
        ...

    def compile(self, team: Team, checkpointer: Any = None) -> Any:
        """Return what the engine makes of the team, for those who want to use it directly.

        `checkpointer` is the engine's own kind of store, if it is to keep anything.
        """
        ...

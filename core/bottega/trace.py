"""A run as its journal tells it: step by step over all its nodes, without calling anything.

Where the journal lies is the engine's business; it hands over visits with their entries. What is
recorded of a step (the reply, results, rulings, decisions) is read by `bottega.retelling`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from bottega.messages import Json
from bottega.model import Usage
from bottega.plan import Plan
from bottega.questions import Question
from bottega.runs import Run

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

MomentKind = Literal["step", "decision", "ruling", "compacted", "other"]


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
    plans: Mapping[str, Plan] = field(default_factory=dict[str, Plan])
    """What is planned and what came of it, by the planner's name."""
    questions: tuple[Question, ...] = ()
    """What the run waits for."""


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
    """A decision, or a ruling with the `question` that it is about; else what was recorded.

    Of a conversation that was shortened, the number of messages that were `kept` and the `summary`.
    """

    def to_json(self) -> dict[str, Json]:
        """Return the moment as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A run, told again."""

    run: Run
    moments: tuple[Moment, ...]
    answer: str = ""
    plans: Mapping[str, Plan] = field(default_factory=dict[str, Plan])
    """As they stand now, by the planner's name."""
    questions: tuple[Question, ...] = ()
    """What the run waits for."""

    @property
    def forked_from(self) -> str:
        """The run that this one was forked from; empty for none."""
        fork = self.run.origin.get("fork")
        return str(json.loads(fork)["run"]) if fork else ""

    @property
    def usage(self) -> Usage:
        """Tokens of all steps, summaries and decisions."""
        total = Usage()
        for moment in self.moments:
            total = total + moment.usage
        return total

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of any reply is not known."""
        replies = ("step", "compacted")
        costs = [moment.cost for moment in self.moments if moment.kind in replies]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def steps(self) -> int:
        """Replies of models to agents."""
        return sum(moment.kind == "step" for moment in self.moments)

    def to_json(self) -> dict[str, Json]:
        """Return the trace as a JSON object."""
        return {
            "run": self.run.to_json(),
            "forked_from": self.forked_from,
            "moments": [moment.to_json() for moment in self.moments],
            "answer": self.answer,
            "plans": {name: plan.to_json() for name, plan in self.plans.items()},
            "questions": [question.to_json() for question in self.questions],
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
    from bottega.retelling import retold

    known = plugins or default_plugins()
    context = FactoryContext(plugins=known)
    engine: Historian = known.make("engine", DEFAULT_ENGINE, context)
    recorded = await engine.read(store, run_id)
    return retold(recorded, lambda name: known.make("dialect", name, context))

"""What the nodes of one run share: its name, its meter, and the way out for its events."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bottega import chance
from bottega.artifacts import Artifacts
from bottega.belongings import Belongings
from bottega.budget import Budget
from bottega.escape import mask
from bottega.events import Event, RunEnded, Status
from bottega.meter import Meter
from bottega.questions import Rulings

Ask = Callable[[str], Awaitable[str]]
"""Put a question to the person in front of the run and wait for the answer."""


def new_run_id() -> str:
    """Return a name for a run: sortable by time, unique without coordination."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(chance.now()))}-{chance.new_id()[:8]}"


def drop(event: Event) -> None:
    """Send an event nowhere."""


@dataclass(kw_only=True, slots=True)
class RunContext:
    """One run, as its nodes see it."""

    run_id: str = field(default_factory=new_run_id)
    meter: Meter = field(default_factory=lambda: Meter(Budget()))
    emit: Callable[[Event], None] = drop
    """Takes every event as it happens."""
    task: str = ""
    """What the person asked of the whole run: these words are trusted wherever they turn up."""
    ask: Ask | None = None
    rulings: Rulings = field(default_factory=Rulings)
    """What a person has said to the run's questions."""
    within: str = ""
    """Where the graph at work stands in the graphs around it: `team/`; empty for the run's own."""
    graphs: str = ""
    """The names of those graphs alone, as events bear them: `team/`."""
    kept: dict[str, Any] = field(default_factory=dict[str, Any])
    """What nodes keep between two visits to spare a read; never the only copy."""
    artifacts: Artifacts = field(default_factory=Artifacts)
    """What is kept of results that are too long to be shown."""
    belongings: Belongings = field(default_factory=Belongings)
    """What is open until the run's end."""

    @property
    def reaches_somebody(self) -> bool:
        """Whether a question will be answered: now, or when a person finds it waiting."""
        return self.ask is not None or self.rulings.waits

    def tell(self, kind: type[Event], node: str = "", /, **fields: Any) -> None:
        """Emit an event of the run, or of one of its nodes, as of now; `fields` are its kind's."""
        self.emit(kind(run_id=self.run_id, node=node, time=chance.now(), **fields))


def ended(status: Status, reason: str, run: RunContext) -> RunEnded:
    """Make a run's last event from its meter."""
    meter, usage = run.meter, run.meter.usage
    return RunEnded(
        run_id=run.run_id,
        time=chance.now(),
        status=status,
        reason=mask(reason),
        seconds=round(meter.seconds, 6),
        steps=meter.steps,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=meter.money,
    )

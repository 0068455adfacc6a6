"""What the nodes of one run share: its name, its meter, and the way out for its events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bottega.budget import Budget, Meter
from bottega.events import Event

Ask = Callable[[str], Awaitable[str]]
"""Put a question to the person in front of the run and wait for the answer."""


def new_run_id() -> str:
    """Return a name for a run: sortable by time, unique without coordination."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def _drop(event: Event) -> None:
    """Send an event nowhere."""


@dataclass(kw_only=True, slots=True)
class RunContext:
    """One run, as its nodes see it."""

    run_id: str = field(default_factory=new_run_id)
    meter: Meter = field(default_factory=lambda: Meter(Budget()))
    emit: Callable[[Event], None] = _drop
    """Takes every event as it happens."""
    ask: Ask | None = None

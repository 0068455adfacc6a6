"""What the reader found: findings, each with the passage that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from bottega_plugins.models.embedded.fields import Field, Record
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask


@dataclass(frozen=True)
class Finding:
    """An answer to one ask."""

    ask: Ask
    passage: Passage
    probability: float
    """Calibrated probability that it answers."""
    sentence: str = ""
    """Taken from the passage as it stands; empty where a field answers."""
    record: Record | None = None
    field: Field | None = None


@dataclass(frozen=True)
class Reading:
    """What was found for a question, and what was not."""

    findings: tuple[Finding, ...]
    missing: tuple[Ask, ...] = ()
    nearest: Finding | None = None
    """The best of what did not suffice."""

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
    short: str = ""
    """The few words of the sentence that are asked for, as far as they could be told."""
    share: float = 0.0
    """How clearly these are the likeliest words of the sentence, from 0 to 1."""
    start: int = 0
    end: int = 0
    """Where the short answer stands in the passage's text; both 0 where that is not known."""
    record: Record | None = None
    field: Field | None = None


@dataclass(frozen=True)
class Reading:
    """What was found for a question, and what was not."""

    findings: tuple[Finding, ...]
    missing: tuple[Ask, ...] = ()
    nearest: Finding | None = None
    """The best of what did not suffice."""

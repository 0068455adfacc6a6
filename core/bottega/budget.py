"""What a run may spend. What watches it is `bottega.meter`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bottega.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Limits of a run, or of a part of it; None is no limit."""

    steps: int | None = 50
    """Steps of all agents' loops together; each asks the model once. What deciders ask is no step:
    it is bounded by rounds, and counts in tokens, money and time."""
    seconds: float | None = None
    """Wall-clock time of work; waiting for a person does not count."""
    tokens: int | None = None
    """Tokens in and out: as models report them, estimated where they do not."""
    money: float | None = None
    """US dollars. Every model must have a known price then."""
    repeats: int | None = 5
    """How often an agent may do the same thing with the same result before it counts as stuck."""

    def __post_init__(self) -> None:
        for name in ("steps", "seconds", "tokens", "money", "repeats"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} must be a positive number, not {value!r}")

    @staticmethod
    def only(**limits: Any) -> Budget:
        """Make a budget of these limits alone: for a part of a run, such as one node."""
        return Budget(**{"steps": None, "repeats": None, **limits})


UNLIMITED = Budget(steps=None, repeats=None)

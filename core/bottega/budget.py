"""What a run may spend, and the meter that watches it.

Steps, seconds and tokens. A meter is shared by every node of a run, so that the limit holds for the
whole team.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from bottega.errors import BudgetExceeded, InputError
from bottega.model import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Limits of a run; None is no limit."""

    steps: int | None = 50
    """Model calls, over all nodes together."""
    seconds: float | None = None
    """Wall-clock time."""
    tokens: int | None = None
    """Tokens in and out, where the models report them."""
    repeats: int | None = 5
    """The same call with the same result in a row, after which an agent counts as stuck."""

    def __post_init__(self) -> None:
        for name in ("steps", "seconds", "tokens", "repeats"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} must be a positive number, not {value!r}")


@dataclass(slots=True)
class Meter:
    """How much of a budget is spent."""

    budget: Budget
    steps: int = 0
    usage: Usage = Usage()
    earlier_seconds: float = 0.0
    """Time spent before a resume."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the run began."""
        return self.earlier_seconds + time.monotonic() - self.started

    @property
    def spent(self) -> tuple[int, Usage]:
        """Steps and tokens so far; set it to count from another point."""
        return self.steps, self.usage

    @spent.setter
    def spent(self, spent: tuple[int, Usage]) -> None:
        self.steps, self.usage = spent

    @property
    def deadline(self) -> float | None:
        """`time.monotonic()` at which the time is up."""
        if self.budget.seconds is None:
            return None
        return self.started + self.budget.seconds - self.earlier_seconds

    def seconds_left(self) -> float | None:
        """Return the seconds until the time is up, never below zero; None without a limit."""
        deadline = self.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def tokens_left(self) -> int | None:
        """Return the tokens that are left, never below zero; None without a limit."""
        most = self.budget.tokens
        return None if most is None else max(0, most - self.usage.total)

    def check_time(self) -> None:
        """Raise BudgetExceeded when the time is up."""
        most = self.budget.seconds
        if most is not None and self.seconds >= most:
            raise BudgetExceeded("seconds", most, round(self.seconds, 3))

    def check(self) -> None:
        """Raise BudgetExceeded when there is nothing left for one more step."""
        budget = self.budget
        if budget.steps is not None and self.steps >= budget.steps:
            raise BudgetExceeded("steps", budget.steps, self.steps)
        self.check_time()
        if budget.tokens is not None and self.usage.total >= budget.tokens:
            raise BudgetExceeded("tokens", budget.tokens, self.usage.total)

    def take_step(self) -> None:
        """Count one step. Raises BudgetExceeded instead when none is left."""
        self.check()
        self.steps += 1

    def add(self, usage: Usage) -> None:
        """Count the tokens of a reply."""
        self.usage = self.usage + usage

"""What a run takes from chance: the time, random numbers and new ids.

Everything that shows in a run's events passes through here, so that a cassette can record it and
give it back. How long to wait for a server is nobody's event: that may ask `time` itself.
"""

from __future__ import annotations

import random as _random
import time as _time
import uuid as _uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal

Draw = Literal["now", "ticks", "seconds", "random", "id"]
Draws = Callable[[Draw, Callable[[], Any]], Any]
"""Takes what is drawn and how to draw it; returns what came, or what came when it was recorded."""

DRAWS: ContextVar[Draws | None] = ContextVar("bottega_draws", default=None)
"""Set while a cassette listens."""


def now() -> float:
    """Return the seconds since the epoch (UTC)."""
    draws = DRAWS.get()
    return _time.time() if draws is None else draws("now", _time.time)


def ticks() -> float:
    """Return the seconds of a clock that is never set back; its zero means nothing."""
    draws = DRAWS.get()
    return _time.monotonic() if draws is None else draws("ticks", _time.monotonic)


def seconds(measure: Callable[[], float]) -> float:
    """Return how long something took, as it is measured."""
    draws = DRAWS.get()
    return measure() if draws is None else draws("seconds", measure)


def random() -> float:
    """Return a random number from 0 up to 1, without 1."""
    draws = DRAWS.get()
    return _random.random() if draws is None else draws("random", _random.random)  # noqa: S311  # no secret


def new_id() -> str:
    """Return 32 random hexadecimal digits."""
    draws = DRAWS.get()
    return _fresh_id() if draws is None else draws("id", _fresh_id)


def _fresh_id() -> str:
    return _uuid.uuid4().hex

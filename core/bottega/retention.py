"""How long ended runs are kept, and which of them go.

A run that can be resumed stays whatever its age, unless it is said otherwise. What of a run is
removed is the store's business (`bottega_agents.storage.pruning`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bottega.errors import InputError
from bottega.runs import DAMAGED, RESUMABLE, WAITING, Run
from bottega.store import Store

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"(\d{1,9})\s*([smhdw])")


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is kept; a run goes when nothing keeps it."""

    seconds: float
    """A run is kept for so long after its end."""
    last: int = 0
    """The newest runs are kept, so many, however old."""
    dry: bool = False
    """Remove nothing, only say what would go."""
    interrupted: bool = False
    """Runs that were broken off go as well, though they could be resumed."""
    user: str = ""
    """Only runs that were begun for this user go: to forget what was said in them. So those that
    could be resumed or wait for somebody go, too, and what is deleted cannot be read on disk."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was removed."""

    runs: Sequence[str] = ()
    """Their ids, the oldest first."""
    checkpoints: int = 0
    logs: int = 0
    """Journals, one a visit of a node."""
    freed: int = 0
    """Bytes by which the store on disk is smaller; 0 where a server looks after that."""


class Pruning(Store, Protocol):
    """A store that can let go of runs."""

    async def let_go(self, retention: Retention) -> Pruned:
        """Remove ended runs. Raises StorageError."""
        ...


def outlived(runs: Sequence[Run], retention: Retention) -> Iterator[Run]:
    """Yield the runs that go; `runs` are all there are, the newest first."""
    before = time.time() - retention.seconds
    gone_on: set[tuple[str, str]] = set()
    staying = _staying(retention)
    for place, run in enumerate(runs):
        thread = (run.name, run.thread)
        over = run.status not in staying or (bool(run.thread) and thread in gone_on)
        gone_on.add(thread)
        ended = run.created if run.ended is None else run.ended
        if retention.user and run.origin.get("user") != retention.user:
            continue
        if over and place >= retention.last and ended <= before:
            yield run


def _staying(retention: Retention) -> tuple[str, ...]:
    """Return the statuses of runs that stay, however old."""
    if retention.user:
        return (DAMAGED,)
    return (WAITING, DAMAGED) if retention.interrupted else (*RESUMABLE, DAMAGED)


def retention_set() -> Retention | None:
    """Return what `BOTTEGA_KEEP` asks for; None where all is kept. Raises InputError."""
    text = os.environ.get("BOTTEGA_KEEP", "")
    try:
        return Retention(seconds=seconds_in(text)) if text else None
    except InputError as error:
        raise InputError(f"BOTTEGA_KEEP: {error.message}", hint=error.hint) from None


def seconds_in(text: str) -> float:
    """Read a duration: `90m`, `12h`, `30d`, `8w`. Raises InputError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is no duration", hint="a number and s, m, h, d or w: 30d")
    return float(match[1]) * _UNITS[match[2]]

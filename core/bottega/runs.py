"""Runs as data, and the register of a SQLite file read without an event loop.

The register itself is `bottega.register`.
"""

from __future__ import annotations

import builtins
import json
import sqlite3
from collections.abc import Coroutine, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bottega.errors import InputError
from bottega.messages import Json

if TYPE_CHECKING:
    from bottega.events import RunEnded
    from bottega.questions import Question

T = TypeVar("T")

RUNNING = "running"
INTERRUPTED = "interrupted"
WAITING = "waiting"
RESUMABLE = (RUNNING, INTERRUPTED, WAITING)
CANCELLED = "cancelled"
"""Given up by a person: it cannot be resumed."""
DAMAGED = "damaged"
"""Of a run in a list whose row cannot be read; it is never written."""
_AS_TEXT = ("limits", "fork")
"""In a run's origin: JSON objects, each kept as text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run as the register knows it."""

    run_id: str
    thread: str
    name: str
    task: str
    origin: Mapping[str, str] = field(default_factory=dict[str, str])
    """What another process needs to take it up: the graph's file, its digest, the model's name."""
    status: str = RUNNING
    """In the register `running` also after its process was killed: such a run can be resumed."""
    reason: str = ""
    created: float = 0.0
    """Seconds since the epoch (UTC)."""
    ended: float | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the run as a JSON object; what the origin keeps as JSON text is in it as such."""
        origin = {
            name: json.loads(value) if name in _AS_TEXT else value
            for name, value in self.origin.items()
        }
        return {**asdict(self), "origin": origin}


class RunStore:
    """The register of a SQLite file for those who have no event loop: see `bottega.register`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        from bottega.database import SqliteDatabase
        from bottega.register import Register
        from bottega.store import set_up

        database = SqliteDatabase(connection)
        set_up(database)
        self._register = Register(database)

    @classmethod
    @contextmanager
    def open(cls, file: Path) -> Generator[RunStore, None, None]:
        """Open the register in that file for a while. Raises InputError when there is none."""
        from bottega.database import connect

        if not file.is_file():
            raise InputError(f"{file}: no runs are kept here", hint="run a graph first")
        with closing(connect(file)) as connection:
            yield cls(connection)

    def finish(self, run_id: str, end: RunEnded | None) -> None:
        """Close a run, whoever has it; None says that it was broken off and can be resumed."""
        lease = _at_once(self._register.accept(self.get(run_id)))
        _at_once(self._register.finish(lease, end))

    def open_questions(self, run_id: str) -> builtins.list[Question]:
        """Return the questions that nobody has ruled on."""
        return _at_once(self._register.open_questions(run_id))

    def list(self, limit: int = 50) -> builtins.list[Run]:
        """Return the newest runs."""
        return _at_once(self._register.list(limit))

    def get(self, run_id: str) -> Run:
        """Return one run. Raises InputError when there is none of that id."""
        return _at_once(self._register.get(run_id))


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what never has to wait: SQLite waits by itself here."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("the database asked for an event loop")

"""The register of runs: accepted before anybody is told so, closed when they end."""

from __future__ import annotations

import builtins
import json
import sqlite3
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bottega.errors import InputError, StorageError
from bottega.events import RunEnded
from bottega.questions import Question, Ruling

RUNNING = "running"
INTERRUPTED = "interrupted"
WAITING = "waiting"
RESUMABLE = (RUNNING, INTERRUPTED, WAITING)
_COLUMNS = "run_id, thread, name, task, origin, status, reason, created, ended"
_TABLE = """
CREATE TABLE IF NOT EXISTS bottega_runs (
    run_id TEXT PRIMARY KEY, thread TEXT NOT NULL, name TEXT NOT NULL, task TEXT NOT NULL,
    origin TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    created REAL NOT NULL, ended REAL)
"""
_QUESTIONS = """
CREATE TABLE IF NOT EXISTS bottega_questions (
    run_id TEXT NOT NULL, id TEXT NOT NULL, question TEXT NOT NULL, ruling TEXT,
    asked REAL NOT NULL, ruled REAL, PRIMARY KEY (run_id, id))
"""


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
    """`running` also after its process was killed: such a run can be resumed."""
    reason: str = ""
    created: float = 0.0
    """Seconds since the epoch (UTC)."""
    ended: float | None = None


class RunStore:
    """The register in a SQLite database; every method raises StorageError where it is unusable."""

    def __init__(
        self, connection: sqlite3.Connection, lock: AbstractContextManager[Any] | None = None
    ) -> None:
        self._connection = connection
        self._lock = lock or nullcontext()
        self._do(_TABLE)
        self._do(_QUESTIONS)

    @classmethod
    @contextmanager
    def open(cls, file: Path) -> Generator[RunStore, None, None]:
        """Open the register in that file for a while. Raises InputError when there is none."""
        if not file.is_file():
            raise InputError(f"{file}: no runs are kept here", hint="run a graph first")
        with closing(sqlite3.connect(file)) as connection:
            yield cls(connection)

    def accept(self, run: Run) -> None:
        """Enter a run, or mark it as running again; it is on disk when this returns."""
        row = (run.run_id, run.thread, run.name, run.task, json.dumps(dict(run.origin)))
        self._do(
            f"INSERT INTO bottega_runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, '', ?, NULL) "  # noqa: S608  # constant
            "ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, ended = NULL",
            (*row, RUNNING, time.time()),
        )

    def finish(self, run_id: str, end: RunEnded | None) -> None:
        """Close a run; None says that it was broken off and can be resumed."""
        status, reason = (end.status, end.reason) if end else (INTERRUPTED, "")
        self._do(
            "UPDATE bottega_runs SET status = ?, reason = ?, ended = ? WHERE run_id = ?",
            (status, reason, time.time(), run_id),
        )

    def ask(self, run_id: str, questions: Iterable[Question]) -> None:
        """Enter what a run waits for; a question that is known already stays as it is."""
        for question in questions:
            self._do(
                "INSERT INTO bottega_questions (run_id, id, question, asked) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (run_id, id) DO NOTHING",
                (run_id, question.id, json.dumps(question.to_json()), time.time()),
            )

    def open_questions(self, run_id: str) -> builtins.list[Question]:
        """Return the questions that nobody has ruled on, in the order in which they came."""
        rows = self._do(
            "SELECT question FROM bottega_questions WHERE run_id = ? AND ruling IS NULL "
            "ORDER BY asked, id",
            (run_id,),
        )
        return [Question.from_json(json.loads(row[0])) for row in rows]

    def rule(self, run_id: str, rulings: Mapping[str, Ruling]) -> None:
        """Enter what a person has said; it is on disk when this returns.

        Raises InputError for a question that does not wait, or a ruling that does not fit it.
        """
        waiting = {question.id: question for question in self.open_questions(run_id)}
        for name, ruling in rulings.items():
            if name not in waiting:
                known = ", ".join(waiting) or "none"
                raise InputError(
                    f"run {run_id} does not wait for {name!r}", hint=f"open questions: {known}"
                )
            ruling.check(waiting[name])
        for name, ruling in rulings.items():
            self._do(
                "UPDATE bottega_questions SET ruling = ?, ruled = ? WHERE run_id = ? AND id = ?",
                (json.dumps(ruling.to_json()), time.time(), run_id, name),
            )

    def rulings(self, run_id: str) -> dict[str, Ruling]:
        """Return what has been said to the run's questions, by their ids."""
        rows = self._do(
            "SELECT id, ruling FROM bottega_questions WHERE run_id = ? AND ruling IS NOT NULL",
            (run_id,),
        )
        return {name: Ruling.from_json(json.loads(text)) for name, text in rows}

    def list(self, limit: int = 50) -> list[Run]:
        """Return the newest runs."""
        return self._runs("ORDER BY created DESC LIMIT ?", (limit,))

    def get(self, run_id: str) -> Run:
        """Return one run. Raises InputError when there is none of that id."""
        found = self._runs("WHERE run_id = ?", (run_id,))
        if not found:
            raise InputError(f"there is no run {run_id!r}", hint="see: bottega runs")
        return found[0]

    def later(self, thread: str, run_id: str) -> bool:
        """Say whether the thread saw another run after this one."""
        created = self.get(run_id).created
        where = "WHERE thread = ? AND run_id <> ? AND created >= ? LIMIT 1"
        return bool(thread and self._runs(where, (thread, run_id, created)))

    def _runs(self, where: str, values: tuple[Any, ...]) -> builtins.list[Run]:
        rows = self._do(f"SELECT {_COLUMNS} FROM bottega_runs {where}", values)  # noqa: S608  # constants
        return [_run(row) for row in rows]

    def _do(self, statement: str, values: tuple[Any, ...] = ()) -> builtins.list[Any]:
        try:
            with self._lock, self._connection:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            retryable = isinstance(error, sqlite3.OperationalError)
            raise StorageError(f"the register of runs: {error}", retryable=retryable) from error


def _run(row: tuple[str, str, str, str, str, str, str, float, float | None]) -> Run:
    run_id, thread, name, task, origin, status, reason, created, ended = row
    return Run(
        run_id=run_id,
        thread=thread,
        name=name,
        task=task,
        origin=json.loads(origin),
        status=status,
        reason=reason,
        created=created,
        ended=ended,
    )

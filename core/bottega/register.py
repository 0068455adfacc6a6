"""The register of runs and of their questions: a run is in it before anybody hears of the run.

It lies in the store that holds the checkpoints, in any database. A run has an epoch that grows each
time somebody takes it up: who writes with an older one has lost it, however alive.
"""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bottega.database import Database
from bottega.errors import InputError, StorageError
from bottega.events import RunEnded
from bottega.questions import Question, Ruling
from bottega.runs import CANCELLED, INTERRUPTED, RESUMABLE, RUNNING, WAITING, Run
from bottega.stored import listed_run, question_of, ruling_of, run_of

Fits = Callable[[Question, Ruling], None]
"""Looks at a ruling with more than the question says. Raises InputError where it does not fit."""
_COLUMNS = "run_id, thread, name, task, origin, status, reason, created, ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to write for a run."""

    run_id: str
    epoch: int

    def lost(self) -> StorageError:
        """Make the error of a process that finds its run in other hands."""
        return StorageError(
            f"run {self.run_id} was taken over by another process; this one wrote nothing more",
            hint="it goes on there; see: bottega runs",
        )


class Register:
    """The register in one database; every method raises StorageError where it is unusable."""

    def __init__(self, database: Database) -> None:
        self._do = database.do
        self._number = database.number

    async def accept(self, run: Run) -> Lease:
        """Enter a run, or take it up again: whoever had it before can write for it no longer.

        The run is on disk when this returns.
        """
        row = (run.run_id, run.thread, run.name, run.task, json.dumps(dict(run.origin)))
        found = await self._do(
            f"INSERT INTO bottega_runs ({_COLUMNS}, epoch) "  # noqa: S608  # constants
            "VALUES (?, ?, ?, ?, ?, ?, '', ?, NULL, 1) ON CONFLICT (run_id) DO UPDATE SET "
            "status = excluded.status, ended = NULL, epoch = bottega_runs.epoch + 1 "
            "RETURNING epoch",
            *row,
            RUNNING,
            time.time(),
        )
        return Lease(run_id=run.run_id, epoch=found[0][0])

    async def finish(self, lease: Lease, end: RunEnded | None) -> None:
        """Close a run; None says that it was broken off and can be resumed."""
        if not await self._close(lease, end):
            raise lease.lost()

    async def wait(self, lease: Lease, end: RunEnded, ids: Iterable[str]) -> bool:
        """Close a run that waits for rulings on these questions.

        False where one of them is there already, entered by another process: nothing is closed.
        """
        names = list(ids)
        ruled = (
            "SELECT 1 FROM bottega_questions AS q WHERE q.run_id = bottega_runs.run_id "  # noqa: S608
            f"AND q.ruling IS NOT NULL AND q.id IN ({', '.join('?' * len(names)) or 'NULL'})"
        )
        if await self._close(lease, end, f"AND NOT EXISTS ({ruled})", *names):
            return True
        if (await self.rulings(lease.run_id)).keys().isdisjoint(names):
            raise lease.lost()
        return False

    async def _close(
        self, lease: Lease, end: RunEnded | None, more: str = "", *values: object
    ) -> bool:
        status, reason = (end.status, end.reason) if end else (INTERRUPTED, "")
        found = await self._do(
            "UPDATE bottega_runs SET status = ?, reason = ?, ended = ? "  # noqa: S608  # constants
            f"WHERE run_id = ? AND epoch = ? {more} RETURNING run_id",
            *(status, reason, time.time(), lease.run_id, lease.epoch, *values),
        )
        return bool(found)

    async def drop(self, run_id: str) -> bool:
        """Give a run up: it is over, and who had it can write for it no longer.

        Nothing else of it is read, so that a damaged one can be given up, too. False where it is
        over already, or not known.
        """
        kinds = ", ".join("?" * len(RESUMABLE))
        found = await self._do(
            "UPDATE bottega_runs SET status = ?, reason = ?, ended = ?, epoch = epoch + 1 "  # noqa: S608
            f"WHERE run_id = ? AND status IN ({kinds}) RETURNING run_id",
            *(CANCELLED, "a person gave the run up", time.time(), run_id, *RESUMABLE),
        )
        return bool(found)

    async def ask(self, run_id: str, questions: Iterable[Question]) -> None:
        """Enter what a run waits for; a question that is known already stays as it is."""
        for question in questions:
            await self._do(
                "INSERT INTO bottega_questions (run_id, id, question, asked) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (run_id, id) DO NOTHING",
                *(run_id, question.id, json.dumps(question.to_json()), time.time()),
            )

    async def open_questions(self, run_id: str) -> builtins.list[Question]:
        """Return the questions that nobody has ruled on, in the order in which they came."""
        rows = await self._do(
            "SELECT id, question FROM bottega_questions "  # noqa: S608  # constants
            f"WHERE run_id = ? AND ruling IS NULL ORDER BY {self._number}",
            run_id,
        )
        return [question_of(run_id, name, text) for name, text in rows]

    async def rule(
        self, run_id: str, rulings: Mapping[str, Ruling], fits: Fits | None = None
    ) -> None:
        """Enter what a person has said; it is on disk when this returns.

        Who carries the run out need not know: it looks when the run comes to wait. Raises
        InputError for a question that does not wait, or a ruling that does not fit it; then nothing
        is entered.
        """
        if not rulings:
            return
        bound: dict[str, Ruling] = {}
        waiting = {question.id: question for question in await self.open_questions(run_id)}
        for name, ruling in rulings.items():
            if name not in waiting:
                known = ", ".join(waiting) or "none"
                raise InputError(
                    f"run {run_id} does not wait for {name!r}", hint=f"open questions: {known}"
                )
            bound[name] = ruling.check(waiting[name])
            if fits is not None:
                fits(waiting[name], ruling)
        for name, ruling in bound.items():
            if not await self._enter(run_id, name, ruling):
                raise InputError(f"somebody else has just ruled on question {name!r}")

    async def settle(self, run_id: str, name: str, ruling: Ruling) -> Ruling:
        """Enter what was said to a question where it was asked; return what holds: the first."""
        await self._enter(run_id, name, ruling)
        return (await self.rulings(run_id)).get(name, ruling)

    async def _enter(self, run_id: str, name: str, ruling: Ruling) -> bool:
        """Enter a ruling; False where there is one already."""
        found = await self._do(
            "UPDATE bottega_questions SET ruling = ?, ruled = ? "
            "WHERE run_id = ? AND id = ? AND ruling IS NULL RETURNING id",
            *(json.dumps(ruling.to_json()), time.time(), run_id, name),
        )
        return bool(found)

    async def rulings(self, run_id: str) -> dict[str, Ruling]:
        """Return what has been said to the run's questions, by their ids."""
        rows = await self._do(
            "SELECT id, ruling FROM bottega_questions WHERE run_id = ? AND ruling IS NOT NULL",
            run_id,
        )
        return {name: ruling_of(run_id, name, text) for name, text in rows}

    async def list(self, limit: int = 50) -> builtins.list[Run]:
        """Return the newest runs, as they were accepted; one that is damaged stops no other."""
        rows = await self._rows(f"ORDER BY {self._number} DESC LIMIT ?", limit)
        return [listed_run(row) for row in rows]

    async def get(self, run_id: str) -> Run:
        """Return one run. Raises InputError when there is none of that id."""
        found = await self._rows("WHERE run_id = ?", run_id)
        if not found:
            raise InputError(f"there is no run {run_id!r}", hint="see: bottega runs")
        return run_of(found[0])

    async def has(self, run_id: str) -> bool:
        """Say whether there is a run of that id."""
        return bool(await self._rows("WHERE run_id = ?", run_id))

    async def later(self, run: Run) -> bool:
        """Say whether the run's thread saw another run after it."""
        if not run.thread:
            return False
        n = self._number
        mine = f"(SELECT {n} FROM bottega_runs WHERE run_id = ?)"  # noqa: S608  # constants
        where = f"WHERE thread = ? AND name = ? AND {n} > {mine} LIMIT 1"
        return bool(await self._rows(where, run.thread, run.name, run.run_id))

    async def unfinished(self) -> builtins.list[Run]:
        """Return every run that should go on and waits for no person, the oldest first.

        One that waits, and whose questions have all been ruled on, is among them. One whose thread
        has gone on without it is not. Who is at work on a run is not the register's business.
        """
        n = self._number
        rows = await self._rows(
            f"AS r WHERE (status IN ('{RUNNING}', '{INTERRUPTED}') OR (status = '{WAITING}' "  # noqa: S608
            "AND NOT EXISTS (SELECT 1 FROM bottega_questions AS q WHERE q.run_id = r.run_id "
            "AND q.ruling IS NULL))) AND NOT EXISTS (SELECT 1 FROM bottega_runs AS b "
            f"WHERE r.thread <> '' AND b.thread = r.thread AND b.name = r.name AND b.{n} > r.{n}) "
            f"ORDER BY {n}"
        )
        return [listed_run(row) for row in rows]

    async def _rows(self, where: str, *values: object) -> builtins.list[Any]:
        return await self._do(f"SELECT {_COLUMNS} FROM bottega_runs {where}", *values)  # noqa: S608  # constants

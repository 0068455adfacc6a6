"""A run read back from its store: its visits, with all that they wrote down.

Nothing is called and nothing written. What the entries mean is `bottega.trace`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.engine import Job
from bottega.errors import InputError, StorageError
from bottega.plan import Plan
from bottega.runs import RESUMABLE, Run
from bottega.trace import Entry, Recorded, Visit
from bottega_agents.storage.kept import thread_of
from bottega_agents.storage.log import Row, decode
from bottega_agents.storage.stores import use_store
from bottega_agents.storage.visit import visit_node

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

_ROWS = (
    "SELECT l.log, l.visit, l.task, l.run, j.number, j.key, j.value, j.crc, j.at "
    "FROM bottega_logs AS l JOIN bottega_journal AS j ON j.log = l.log WHERE l.thread = ? "
    "ORDER BY l.log, j.number"
)


async def read_run(
    store: Path | str, run_id: str, plugins: PluginManager | None = None
) -> Recorded:
    """Return all that the store holds of a run.

    Raises InputError when there is no such run, or nothing of it that can be read; StorageError.
    """
    async with use_store(store, plugins) as (saver, kept):
        run = await kept.register.get(run_id)
        waits = await kept.register.open_questions(run_id) if run.status in RESUMABLE else ()
        return replace(await recorded(saver, run), questions=tuple(waits))


async def recorded(saver: Any, run: Run) -> Recorded:
    """Return all that an open store holds of a run."""
    database = getattr(saver, "database", None)
    if database is None:
        raise InputError(
            f"run {run.run_id} cannot be read back: its store keeps no journals of ours",
            hint="keep runs in SQLite or PostgreSQL",
        )
    thread = thread_in(run)
    rows = await database.do(_ROWS, thread)
    visits = _visits(rows, thread)
    mine = tuple(visit for visit, owner in visits if owner == run.run_id)
    first = min((visit.log for visit in mine), default=0)
    earlier = tuple(visit for visit, owner in visits if owner != run.run_id and visit.log < first)
    state = await _state(saver, run, thread)
    answer, plans = str(state.get("answer", "")), _plans(state, run)
    return Recorded(run=run, visits=mine, earlier=earlier, answer=answer, plans=plans)


def thread_in(run: Run) -> str:
    """Return LangGraph's name of the thread that a run worked on."""
    from bottega.budget import Budget

    job = Job(task=run.task, limits=Budget(), run_id=run.run_id, thread=run.thread)
    return thread_of(run.name, job)


def _visits(rows: Sequence[Any], thread: str) -> list[tuple[Visit, str]]:
    """Return the visits with the runs that they belong to.

    Runs from before logs named their run are told by their thread, if it had no other runs.
    """
    found: list[tuple[Visit, str]] = []
    for (log, name, task, run), group in groupby(rows, key=lambda row: tuple(row[:4])):
        entries, latest = list[Entry](), 0
        for *_, number, key, text, crc, at in group:
            latest = max(latest, at)  # a clock that was set back does not turn the order round
            value = decode(Row(number, key, text, crc), thread)
            entries.append(Entry(number=number, key=key, value=value, at=latest))
        node = visit_node(name) or "?"
        visit = Visit(log=log, name=name, node=node, task=task, entries=tuple(entries))
        found.append((visit, run or thread))
    return found


async def _state(saver: Any, run: Run, thread: str) -> Mapping[str, Any]:
    """Return what the run has come to; nothing where its thread has gone on with another one."""
    found = await saver.aget_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
    values: Mapping[str, Any] = found.checkpoint["channel_values"] if found else {}
    return values if values.get("run") == run.run_id else {}


def _plans(state: Mapping[str, Any], run: Run) -> dict[str, Plan]:
    """Return the plans in a state. Raises StorageError for what is none."""
    try:
        return {
            name: Plan.from_json(course["plan"])
            for name, course in state.get("plans", {}).items()
            if course["run"] == run.run_id
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            f"a stored plan of run {run.run_id} cannot be read: {error!r}"
        ) from error

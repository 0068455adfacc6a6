"""Removing ended runs from a store, whatever database it is in.

A run that is no part of a conversation goes with everything it left. A thread goes with its last
run. Of a thread that is still alive stay: all of the runs that are kept, the state in which the
first of them found the thread, and every journal that tells the conversation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bottega.artifacts import artifact_folder, forget_artifacts
from bottega.database import Database
from bottega.errors import InputError
from bottega.history import OPENING
from bottega.retention import Pruned, Retention, outlived
from bottega.runs import RESUMABLE, Run
from bottega.store import Store, run_name, thread_name
from bottega_agents.storage.log import Row, decode

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple

_ALL = 10**9


class PrunedStore(Store, Protocol):
    """What of a store is needed here."""

    @property
    def database(self) -> Database:
        """Where everything lies."""
        ...

    @property
    def leftovers(self) -> Sequence[str]:
        """Statements that remove what belongs to checkpoints of a thread that are gone."""
        ...

    def alist(self, config: RunnableConfig | None) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints of a thread."""
        ...

    async def adelete_thread(self, thread_id: str) -> None:
        """Remove a thread with everything that it left."""
        ...


async def prune(store: PrunedStore, retention: Retention) -> Pruned:
    """Remove what the retention does not keep; what is in use meanwhile is left alone."""
    known = await store.register.list(_ALL)
    going = await _left_alone(store, list(outlived(known, retention))[::-1])
    if retention.dry:
        return Pruned(runs=[run.run_id for run in going])
    gone: list[str] = []
    checkpoints = logs = 0
    for thread, runs in _by_thread(going).items():
        async with AsyncExitStack() as held:
            try:
                await _hold(store, thread, runs, held)
            except _InUse:
                continue
            if (retention.interrupted or retention.user) and await _have_gone_on(store, runs):
                continue
            before = await _counted(store, thread)
            alive = await _is_alive(store, thread, runs)
            if alive:
                await _thin_out(store, thread, {run.run_id for run in runs})
            else:
                await store.adelete_thread(thread)
            after = await _counted(store, thread)
            for run in runs:
                await forget(store.database, run.run_id)
                forget_artifacts(_artifacts(store, run), [run.run_id])
                gone.append(run.run_id)
        checkpoints, logs = checkpoints + before[0] - after[0], logs + before[1] - after[1]
    return Pruned(runs=gone, checkpoints=checkpoints, logs=logs)


def _artifacts(store: PrunedStore, run: Run) -> Path:
    """Return the folder in which the run's artifacts lie: beside the store's file, if it is one."""
    file = getattr(store, "file", "")
    return artifact_folder(file if isinstance(file, Path) else "", run.origin.get("graph", ""))


class _InUse(InputError):
    """Somebody works on the thread."""


async def _left_alone(store: PrunedStore, runs: Sequence[Run]) -> list[Run]:
    """Return the runs that nobody carries out."""
    held = await store.held(run_name(run.run_id) for run in runs)
    return [run for run in runs if run_name(run.run_id) not in held]


async def _have_gone_on(store: PrunedStore, runs: Sequence[Run]) -> bool:
    """Say whether somebody has resumed one of the runs since they were listed, or removed it."""
    register = store.register
    for run in runs:
        if run.status not in RESUMABLE:
            continue
        if not await register.has(run.run_id) or await register.get(run.run_id) != run:
            return True
    return False


async def _hold(store: PrunedStore, thread: str, runs: Sequence[Run], held: AsyncExitStack) -> None:
    for name in (thread_name(thread), *(run_name(run.run_id) for run in runs)):
        await held.enter_async_context(store.hold(name, _InUse("in use")))


def _by_thread(runs: Iterable[Run]) -> Mapping[str, list[Run]]:
    """Return the runs by LangGraph's name of their thread."""
    threads: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        threads[f"{run.name}/{run.thread}" if run.thread else run.run_id].append(run)
    return threads


async def _is_alive(store: PrunedStore, thread: str, going: Sequence[Run]) -> bool:
    """Say whether runs of the thread stay."""
    one = going[0]
    if not one.thread:
        return False
    counted = "SELECT COUNT(*) FROM bottega_runs WHERE thread = ? AND name = ?"
    return bool((await store.database.do(counted, one.thread, one.name))[0][0] > len(going))


async def forget(database: Database, run_id: str) -> None:
    """Remove a run from the register, with its questions."""
    await database.do("DELETE FROM bottega_questions WHERE run_id = ?", run_id)
    await database.do("DELETE FROM bottega_runs WHERE run_id = ?", run_id)


async def _counted(store: PrunedStore, thread: str) -> tuple[int, int]:
    do = store.database.do
    checkpoints = await do("SELECT COUNT(*) FROM checkpoints WHERE thread_id = ?", thread)
    logs = await do("SELECT COUNT(*) FROM bottega_logs WHERE thread = ?", thread)
    return checkpoints[0][0], logs[0][0]


async def _thin_out(store: PrunedStore, thread: str, going: set[str]) -> None:
    """Remove the runs from a thread that lives on."""
    config: RunnableConfig = {"configurable": {"thread_id": thread}}
    states = {_place(item): item async for item in store.alist(config)}
    ordered = await store.database.do(
        "SELECT checkpoint_ns, checkpoint_id FROM checkpoints WHERE thread_id = ? "  # noqa: S608  # constant
        f"ORDER BY {store.database.number}",
        thread,
    )
    kept: list[CheckpointTuple] = []
    for row, after in zip(ordered, [*ordered[1:], None], strict=True):
        owner = _run_of(states[tuple(row)])
        heir = _run_of(states[tuple(after)]) if after is not None else ""
        if owner in going and heir in going:
            await store.database.do(
                "DELETE FROM checkpoints "
                "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
                *(thread, *row),
            )
        else:
            kept.append(states[tuple(row)])
    await _drop_logs(store, thread, going, kept)
    for statement in store.leftovers:
        await store.database.do(statement, *([thread] * statement.count("?")))


async def _drop_logs(
    store: PrunedStore, thread: str, going: set[str], kept: Iterable[CheckpointTuple]
) -> None:
    """Remove the runs' journals, but for those that tell the conversation of a kept state."""
    do = store.database.do
    found = await do("SELECT log, task, run FROM bottega_logs WHERE thread = ?", thread)
    told = await _told(store, thread, {task: log for log, task, _ in found}, kept)
    for log, task, run in found:
        if run in going and task not in told:
            await do("DELETE FROM bottega_journal WHERE log = ?", log)
            await do("DELETE FROM bottega_logs WHERE log = ?", log)


async def _told(
    store: PrunedStore, thread: str, logs: Mapping[str, int], kept: Iterable[CheckpointTuple]
) -> set[str]:
    """Return the tasks whose journals the kept states lead to, each through the one before it."""
    ahead = [task for item in kept for task in _referred(item)]
    told: set[str] = set()
    while ahead:
        task = ahead.pop()
        if task in told or task not in logs:
            continue
        told.add(task)
        opening = await store.database.do(
            "SELECT number, key, value, crc FROM bottega_journal WHERE log = ? AND key = ?",
            *(logs[task], OPENING),
        )
        before = decode(Row(*opening[0]), thread)["before"] if opening else None
        if before is not None:
            ahead.append(before["task"])
    return told


def _referred(item: CheckpointTuple) -> list[str]:
    transcripts: Mapping[str, Any] = item.checkpoint["channel_values"].get("transcripts") or {}
    refs = [transcript.get("ref") for transcript in transcripts.values()]
    return [ref["task"] for ref in refs if ref]


def _run_of(item: CheckpointTuple) -> str:
    """Return the run that a checkpoint belongs to; empty where it does not say."""
    return str(item.checkpoint["channel_values"].get("run", ""))


def _place(item: CheckpointTuple) -> tuple[str, str]:
    place = item.config.get("configurable", {})
    return place.get("checkpoint_ns", ""), place["checkpoint_id"]

"""The journal of a node's visit, in the store that holds the graph's checkpoints.

Our own stores have tables for it (`log`). In anybody else's saver each entry is a pending
write against the checkpoint that the node runs on, under a channel of ours that LangGraph passes
over: `put_writes` is awaited, so that the entry is there when `write` returns. LangGraph's own task
writes go through a background thread and can be lost to kill -9 after the step has finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from bottega.journal import Journal
from bottega.messages import Json
from bottega.place import place as place_now
from bottega_agents.storage.calls import called

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver

CHANNEL = "__bottega_journal__"
_encode = json.JSONEncoder(separators=(",", ":")).encode

Ref = Mapping[str, str]
"""What finds a visit's journal in its thread: `checkpoint`, `task`, inside graphs `namespace`."""


class NodeJournal(Journal, Protocol):
    """The journal of one visit, which also finds those of earlier visits of the thread."""

    @property
    def ref(self) -> Ref | None:
        """What finds this journal later; None where nothing is kept."""
        ...

    async def earlier(self, ref: Ref) -> Mapping[str, Json]:
        """Return the entries of another visit's journal."""
        ...


class Log(Protocol):
    """One visit's entries in a store of ours."""

    visit: str
    """What the visit is called in its run; to be set before the first entry is written."""

    async def read(self) -> dict[str, Json]:
        """Return the entries by key, in order."""
        ...

    async def write(self, key: str, value: Json) -> None:
        """Add an entry."""
        ...


class LogStore(Protocol):
    """A saver with tables for journals."""

    def open_log(self, thread: str, task: str) -> Log:
        """Return the log of a visit."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node runs, in LangGraph's terms."""

    thread: str
    namespace: str
    checkpoint: str
    task: str
    """LangGraph makes a task's id from checkpoint and node, so it is the same after a restart."""

    @staticmethod
    def of(config: RunnableConfig) -> Place:
        """Read a node's configuration."""
        configurable = config.get("configurable", {})
        namespace = configurable["checkpoint_ns"].rpartition("|")[0]
        return Place(
            thread=configurable["thread_id"],
            namespace=namespace,
            checkpoint=configurable["checkpoint_map"][namespace],
            task=configurable["__pregel_task_id"],
        )

    @property
    def ref(self) -> Ref:
        """What finds the journal of this visit."""
        here = {"checkpoint": self.checkpoint, "task": self.task}
        return {**here, "namespace": self.namespace} if self.namespace else here


async def open_journal(saver: BaseCheckpointSaver[Any], config: RunnableConfig) -> NodeJournal:
    """Return the journal of the visit that `config` belongs to, with what is recorded in it."""
    place = Place.of(config)
    if hasattr(saver, "open_log"):  # a check against the protocol takes as long as two entries
        store = cast("LogStore", saver)
        log = store.open_log(place.thread, place.task)
        log.visit = place_now().partition("/")[2]  # the node went there as it began
        return LogJournal(store, place, log, await log.read())
    return CheckpointJournal(saver, place, await _written(saver, place, place.ref))


class LogJournal:
    """A journal in a store of ours."""

    keeps = True

    def __init__(
        self, store: LogStore, place: Place, log: Log, entries: Mapping[str, Json]
    ) -> None:
        self.entries = entries
        self.ref: Ref | None = place.ref
        self._store = store
        self._thread = place.thread
        self._log = log

    async def write(self, key: str, value: Json) -> None:
        """Record the value; it is in the store when this returns."""
        await self._log.write(key, value)

    async def earlier(self, ref: Ref) -> Mapping[str, Json]:
        """Return the entries of another visit's journal."""
        return await self._store.open_log(self._thread, ref["task"]).read()


class CheckpointJournal:
    """A journal in pending writes, for savers that know nothing of journals."""

    keeps = True

    def __init__(
        self, saver: BaseCheckpointSaver[Any], place: Place, entries: Mapping[str, Json]
    ) -> None:
        self.entries = entries
        self.ref: Ref | None = place.ref
        self._saver = saver
        self._place = place
        self._config = _config(place, place.ref)

    async def write(self, key: str, value: Json) -> None:
        """Record the value; it is with the saver when this returns."""
        text, task = _encode([key, value]), f"{self._place.task}:{key}"
        await called(self._saver, "put_writes", self._config, [(CHANNEL, text)], task, CHANNEL)

    async def earlier(self, ref: Ref) -> Mapping[str, Json]:
        """Return the entries of another visit's journal."""
        return await _written(self._saver, self._place, ref)


def _config(place: Place, ref: Ref) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": place.thread,
            "checkpoint_ns": ref.get("namespace", ""),
            "checkpoint_id": ref["checkpoint"],
        }
    }


async def _written(saver: BaseCheckpointSaver[Any], place: Place, ref: Ref) -> dict[str, Json]:
    """Read a journal from pending writes."""
    stored = await called(saver, "get_tuple", _config(place, ref))
    writes = stored.pending_writes or () if stored else ()
    mine = (
        json.loads(value)
        for task_id, channel, value in writes
        if channel == CHANNEL and task_id.startswith(f"{ref['task']}:")
    )
    return dict(mine)

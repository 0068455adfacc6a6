"""What one of LangGraph's threads is to a store, whatever database the store is in.

In whose name is written to it, its journals, its newest checkpoint, and what it leaves behind. How
statements are carried out is each store's own business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import WRITES_IDX_MAP, get_checkpoint_id

from bottega.database import Database
from bottega.register import Lease
from bottega_agents.storage.log import JournalLog

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class LeasedThreads:
    """The threads of a store, each written to in the name of a run."""

    written: str
    """The statement for `forget_writes`."""

    def __init__(self, database: Database) -> None:
        self.leases: dict[str, Lease] = {}
        """By LangGraph's thread: in whose name is written."""
        self._journaled = database

    def open_log(self, thread: str, task: str) -> JournalLog:
        """Return the journal of one visit of a node."""
        return JournalLog(self._journaled, thread, task, self.leases.get(thread))

    async def forget_writes(self, thread: str) -> None:
        """Remove what nodes have written to states that are in later checkpoints by now.

        Only for a thread whose last run is over: nobody takes it up in the middle. Raises
        StorageError.
        """
        await self._journaled.do(self.written, thread, thread)

    def lease_of(self, config: RunnableConfig) -> Lease | None:
        """Return in whose name is written to the configuration's thread; None for nobody's."""
        return self.leases.get(str(config.get("configurable", {})["thread_id"]))


_INPUT = "~__pregel_pull, __start__"
"""LangGraph's path of the task that takes the input apart."""


def is_input(writes: Sequence[tuple[str, Any]], task_path: str) -> bool:
    """Say whether writes only repeat the input, which the checkpoint before them holds whole.

    A task that has written nothing is done again, and this one asks nobody anything.
    """
    return task_path == _INPUT and not any(channel in WRITES_IDX_MAP for channel, _ in writes)


def newest(number: str) -> str:
    """Return the statement for the id of the checkpoint that was written last to a place.

    `number` is the column that counts rows as they come, as `bottega.database.Database` names it.
    LangGraph takes the one with the largest id, which begins with the time: where the clock was set
    back, that is an old one.
    """
    return (
        "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? "  # noqa: S608  # constants
        f"ORDER BY {number} DESC LIMIT 1"
    )


def superseded(writes: str, number: str) -> str:
    """Return the statement that removes from a table of writes what the newest checkpoint has."""
    newest_one = newest(number).replace("checkpoint_ns = ?", "checkpoint_ns = ''")
    return (
        f"DELETE FROM {writes} WHERE thread_id = ? AND checkpoint_ns = '' "  # noqa: S608  # constants
        f"AND checkpoint_id <> ({newest_one})"
    )


def unnamed(config: RunnableConfig) -> tuple[str, str] | None:
    """Return thread and namespace of a configuration that names no checkpoint; None for others."""
    if get_checkpoint_id(config):
        return None
    wanted = config.get("configurable", {})
    return str(wanted["thread_id"]), wanted.get("checkpoint_ns", "")


def named(config: RunnableConfig, found: Sequence[Any]) -> RunnableConfig:
    """Return the configuration with the id that `newest` has found, if it has found one."""
    place = unnamed(config)
    if place is None or not found:
        return config
    thread, namespace = place
    checkpoint = {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": found[0][0]}
    return {"configurable": checkpoint}


def removal(*tables: str) -> tuple[str, ...]:
    """Return the statements that remove what a thread leaves: its journals, and in those tables."""
    return (
        "DELETE FROM bottega_journal WHERE log IN (SELECT log FROM bottega_logs WHERE thread = ?)",
        "DELETE FROM bottega_logs WHERE thread = ?",
        *(f"DELETE FROM {table} WHERE thread_id = ?" for table in tables),  # noqa: S608  # constants
    )

"""The journal, written through the checkpointer's own `put_writes`.

Each entry is a pending write against the checkpoint that the node runs on, under a channel of
ours that LangGraph passes over. Any saver stores it, at a cost that does not grow with the
run, and it is on disk when `write` returns: LangGraph's own task writes go through a background
thread and can be lost to kill -9 after the step has finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bottega.messages import Json
from bottega_agents.sqlite import InlineSqliteSaver

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver

CHANNEL = "__bottega_journal__"
_encode = json.JSONEncoder(separators=(",", ":")).encode


class CheckpointJournal:
    """The record of one node's task."""

    keeps = True

    def __init__(
        self,
        saver: BaseCheckpointSaver[Any],
        config: RunnableConfig,
        task: str,
        entries: Mapping[str, Json],
    ) -> None:
        self.entries = entries
        self._saver = saver
        self._config = config
        self._task = task

    @classmethod
    async def open(
        cls, saver: BaseCheckpointSaver[Any], config: RunnableConfig
    ) -> CheckpointJournal:
        """Read what was recorded for the node that `config` belongs to.

        A LangGraph task id is made from checkpoint and node, so it is the same after a restart.
        """
        configurable = config.get("configurable", {})
        namespace = configurable["checkpoint_ns"].rpartition("|")[0]
        own: RunnableConfig = {
            "configurable": {
                "thread_id": configurable["thread_id"],
                "checkpoint_ns": namespace,
                "checkpoint_id": configurable["checkpoint_map"][namespace],
            }
        }
        task = configurable["__pregel_task_id"]
        return cls(saver, own, task, await _read(saver, own, task))

    async def write(self, key: str, value: Json) -> None:
        """Record the value; it is with the saver when this returns."""
        text, task = _encode([key, value]), f"{self._task}:{key}"
        if isinstance(self._saver, InlineSqliteSaver):
            self._saver.put_entry(self._config, CHANNEL, text, task)
        else:
            await self._saver.aput_writes(self._config, [(CHANNEL, text)], task, CHANNEL)


async def _read(
    saver: BaseCheckpointSaver[Any], config: RunnableConfig, task: str
) -> dict[str, Json]:
    stored = await saver.aget_tuple(config)
    writes = stored.pending_writes or () if stored else ()
    mine = (
        json.loads(value)
        for task_id, channel, value in writes
        if channel == CHANNEL and task_id.startswith(f"{task}:")
    )
    return dict(mine)

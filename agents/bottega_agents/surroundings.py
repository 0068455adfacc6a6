"""What a node finds around it: the run that it belongs to, and the journal of its task.

Inside Bottega's engine the run comes with the configuration. In anybody else's `StateGraph` a node
makes its own, and its events go to LangGraph's stream writer (`stream_mode="custom"`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from bottega.journal import Journal, NullJournal
from bottega.run import RunContext, drop, new_run_id

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from bottega.events import Event

RUN = "__bottega_run"
"""Key of the `RunContext` in `config["configurable"]`; LangGraph stores no key that begins so."""


def run_of(config: RunnableConfig) -> RunContext:
    """Return the run that the node belongs to."""
    configurable = config.get("configurable", {})
    run = configurable.get(RUN)
    if isinstance(run, RunContext):
        return run
    thread = configurable.get("thread_id")
    return RunContext(run_id=str(thread) if thread else new_run_id(), emit=_stream_writer())


def _stream_writer() -> Callable[[Event], None]:
    from langgraph.config import get_stream_writer

    with contextlib.suppress(RuntimeError):  # called outside a graph: nobody listens
        writer = get_stream_writer()

        def write(event: Event) -> None:
            writer(event.to_json())

        return write
    return drop


async def journal_of(config: RunnableConfig) -> Journal:
    """Return the journal of this node's task: none where the graph has no checkpointer."""
    from bottega_agents.journal import CheckpointJournal

    saver = config.get("configurable", {}).get("__pregel_checkpointer")
    if saver is None or isinstance(saver, bool):
        return NullJournal()
    return await CheckpointJournal.open(saver, config)

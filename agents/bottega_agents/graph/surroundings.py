"""What a node finds around it: the run that it belongs to, and the journal of its task.

Inside Bottega's engine the run comes with the configuration. In anybody else's `StateGraph` a node
makes its own, and its events go to LangGraph's stream writer (`stream_mode="custom"`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bottega.budget import UNLIMITED, Budget
from bottega.journal import NullJournal
from bottega.messages import Json
from bottega.meter import Meter
from bottega.place import enter, place
from bottega.questions import Rulings
from bottega.run import RunContext, drop, new_run_id
from bottega_agents.replay.forking import SEEDS, Seeds
from bottega_agents.storage.journal import NodeJournal, Ref, open_journal
from bottega_agents.storage.visit import visit_name

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from bottega.events import Event

RUN = "__bottega_run"
"""Key of the `RunContext` in `config["configurable"]`; LangGraph stores no key that begins so."""


def run_of(config: RunnableConfig, limits: Budget | None = None) -> RunContext:
    """Return the run that the node belongs to, and go to the node's place in it.

    In anybody else's `StateGraph` each visit is a run of its own: `limits` are what it may spend.
    """
    _go_to(visit_name(config))
    configurable = config.get("configurable", {})
    run = configurable.get(RUN)
    if isinstance(run, RunContext):
        return run
    thread = configurable.get("thread_id")
    return RunContext(
        run_id=str(thread) if thread else new_run_id(),
        meter=Meter(Budget()).lease(limits or UNLIMITED),
        emit=_stream_writer(),
        rulings=Rulings(waits=_saver(config) is not None),
    )


async def leave(run: RunContext, config: RunnableConfig) -> None:
    """Close what a visit opened, where the visit was a run of its own."""
    if config.get("configurable", {}).get(RUN) is not run:
        await run.belongings.aclose()


def _go_to(visit: str) -> None:
    """Enter the visit's place: within that of the node around it, or else in the run."""
    here = place()
    if "/" not in visit:
        enter(f"{here.partition('/')[0]}/{visit}")
    elif not here.endswith(f"/{visit}"):
        enter(f"{here}/{visit}")


def with_run(config: RunnableConfig, run: RunContext) -> RunnableConfig:
    """Return the configuration with another view of the run in it."""
    return {**config, "configurable": {**config.get("configurable", {}), RUN: run}}


def _saver(config: RunnableConfig) -> Any:
    """Return the graph's checkpointer; None where it has none."""
    saver = config.get("configurable", {}).get("__pregel_checkpointer")
    return None if isinstance(saver, bool) else saver


def _stream_writer() -> Callable[[Event], None]:
    from langgraph.config import get_stream_writer

    with contextlib.suppress(RuntimeError):  # called outside a graph: nobody listens
        writer = get_stream_writer()

        def write(event: Event) -> None:
            writer(event.to_json())

        return write
    return drop


class NoJournal(NullJournal):
    """The journal of a node whose graph has no checkpointer."""

    ref: Ref | None = None

    async def earlier(self, ref: Ref) -> Mapping[str, Json]:
        """Return nothing: nothing was kept."""
        return {}


async def journal_of(config: RunnableConfig) -> NodeJournal:
    """Return the journal of this node's visit: one that keeps nothing without a checkpointer."""
    saver = _saver(config)
    if saver is None:
        return NoJournal()
    journal, seeds = await open_journal(saver, config), run_of(config).kept.get(SEEDS)
    if isinstance(seeds, Seeds):
        await seeds.sow(journal)
    return journal

"""What a node spends is paid by its lease: its own, and that of the coordinator that asked it.

A lease holds for one task of the node, with everything that it hands on: it stays open while the
node waits for reports. It says how much may be spent, and takes nothing from nodes at work beside
it. What a visit took is written into the state, from which a resumed run starts its meter; a lease
that is open at that moment is kept there under its node's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bottega.budget import Budget
from bottega.meter import Meter
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import run_of, with_run

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

Node = Callable[[State, "RunnableConfig"], Awaitable[Any]]


def leased(name: str, node: Node, limits: Mapping[str, Budget]) -> Node:
    """Wrap a node so that it spends out of its lease; `limits` has those of every node."""

    async def run(state: State, config: RunnableConfig) -> Any:
        run = run_of(config)
        caller = state.get("caller", "")
        own = f"{caller}/{state.get('call_id', '')}" if caller else name
        above = run.meter
        if caller in limits:
            above = above.lease_for(caller, limits[caller])
        task = above.lease_for(own, limits[name]) if name in limits else above
        goes_on = False
        try:
            visit = task.lease()
            update = await node(state, with_run(config, replace(run, meter=visit)))
            goes_on = _hands_on(update, name)
        finally:
            if task is not above and not goes_on:
                above.end_lease(own)
        spent = _spent(state, visit, name, goes_on=goes_on, limits=limits)
        if goes_on and task is run.meter.open.get(name):
            known = state.get("spent", {}).get(f"{name}/since", 0.0)
            spent[f"{name}/since"] = task.since - known  # what it comes to in all: see `take_up`
        return _with(update, {"spent": spent, "elapsed": visit.seconds})

    return run


def _spent(
    state: State, visit: Meter, name: str, *, goes_on: bool, limits: Mapping[str, Budget]
) -> dict[str, float]:
    """Return what the visit took: of the run, and of the leases that stay open."""
    spent = dict(visit.spent)
    caller = state.get("caller", "")
    open_lease = caller if caller in limits else name if goes_on and name in limits else ""
    if open_lease:
        spent |= {f"{open_lease}/{key}": value for key, value in visit.spent.items()}
    elif not caller and name in limits:  # its task is over: the next one begins at nothing
        mark = f"{name}/"
        known = state.get("spent", {})
        spent |= {key: -value for key, value in known.items() if key.startswith(mark)}
    return spent


def _hands_on(update: Any, name: str) -> bool:
    """Say whether the node of that name waits for others now, or is to be visited again.

    What it hands over for good is sent in the name of whoever asked it.
    """
    from langgraph.types import Command, Send

    if not isinstance(update, Command):
        return False
    goto: Any = cast("Any", update).goto
    targets = cast("Sequence[Any]", goto) if isinstance(goto, list) else (goto,)
    return any(
        target.arg.get("caller") == name if isinstance(target, Send) else target == name
        for target in targets
    )


def _with(update: Any, more: Mapping[str, Any]) -> Any:
    from langgraph.types import Command

    if isinstance(update, Command):
        command: Any = cast("Any", update)
        return replace(command, update={**(command.update or {}), **more})
    left: Mapping[str, Any] = update or {}
    return {**left, **more}

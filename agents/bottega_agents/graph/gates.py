"""How many tasks of one kind are at work at once, in this process.

LangGraph starts all tasks of a super-step together; those beyond the bound wait here. A gate is
there while anybody holds it or waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from weakref import WeakValueDictionary

from bottega_agents.graph.state import State

_gates: WeakValueDictionary[tuple[int, str], asyncio.Semaphore] = WeakValueDictionary()


@asynccontextmanager
async def through_gate(state: State) -> AsyncGenerator[None, None]:
    """Wait for room behind the gate that the task names, if it names one."""
    gate = state.get("gate")
    if not gate:
        yield
        return
    name, most = cast("tuple[Any, Any]", gate)
    key = (id(asyncio.get_running_loop()), str(name))
    semaphore = _gates.get(key)
    if semaphore is None:
        semaphore = _gates[key] = asyncio.Semaphore(int(most))
    async with semaphore:
        yield

"""Starts workers, and starts them again when they were killed, until nothing is left to do.

    python crash_worker.py SOCKET STORE SETTING campaign|sweep [FIRST STEP]

Each worker is a process with a group of its own, forked from this one, which has imported all that
is needed but has opened nothing. A campaign is one plan of the outside process; a sweep is one run
for each point FIRST, FIRST+STEP, ...: killed there, then taken up. Prints a line of JSON for each.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from crash_client import Client, ask_now

AT_ONCE = 8
"""Runs at a time."""
PATIENCE = 60.0
"""Seconds in which a server notices that a worker died, and lets go of what it held."""
MOST_STARTS = 200
"""Starts of a worker; then the campaign is given up."""


WARM = (
    "langchain_core.tracers.context",
    "langchain_core.tracers.run_collector",
    "langchain_core.tracers.stdout",
)
"""What LangGraph imports at its first run: here before the first worker is forked."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Who works on the runs, and how."""

    system: str = "bottega"
    mode: str = "keys"
    """Of Bottega: `keys`, `once` or `without`; of LangGraph: `sync`, `async` or `task`."""
    team: bool = False
    """A coordinator and two specialists in place of one agent."""
    broken: str = ""
    """What is broken on purpose: see `crash_broken`."""
    steps: int = 14
    ahead: int = 0
    """Runs that a worker says it accepted while they only wait in its memory: a control."""


class System(Protocol):
    """A framework whose runs are killed."""

    def warm(self) -> None:
        """Import what is needed, and open nothing."""
        ...

    def opened(self, client: Client) -> AbstractAsyncContextManager[None]:
        """Open the store for as long as a worker lives."""
        ...

    async def recover(self, client: Client) -> int:
        """Go on with what the store has, so many at a time; return how much is not over yet."""
        ...

    async def begin(self, client: Client, run: str) -> None:
        """Carry out a new run, unless the store knows it."""
        ...

    async def stored(self, run: str) -> tuple[str, str]:
        """Return the status and the answer that the store has of a run; `done` is the good one."""
        ...


def make_system(setting: Setting, store: str) -> System:
    """Make the system that is asked for."""
    if setting.system == "bottega":
        from crash_bottega import Bottega

        return Bottega(setting, store)
    from crash_langgraph import LangGraph

    return LangGraph(setting, store)


class Starter:
    """Starts workers of one system."""

    def __init__(self, socket: str, setting: Setting, store: str) -> None:
        self._socket = socket
        self._setting = setting
        self._system = make_system(setting, store)
        self._system.warm()
        gc.freeze()  # what is shared with the workers is left alone

    def campaign(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Carry out a plan of the outside process and return what it counted."""
        ask_now(self._socket, "start", plan=plan)
        for starts in range(1, MOST_STARTS):
            points = starts == 1 and bool(plan.get("point"))
            client = Client(self._socket, points=points)
            status = _forked(lambda client=client: self._work(client, plan))
            if status == 0:
                return {**ask_now(self._socket, "result"), "starts": starts}
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                break
        raise SystemExit("a worker failed, or was killed too often")

    async def _work(self, client: Client, plan: dict[str, Any]) -> None:
        """Be a worker: take up what was broken off, begin what is new, until all is over.

        In the end say what the store has of each run.
        """
        await client.join()
        async with self._system.opened(client):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._system.recover(client))
                for _ in range(AT_ONCE):
                    group.create_task(self._submitted(client))
            async with asyncio.timeout(PATIENCE):
                while await self._system.recover(client):  # noqa: ASYNC110  # a server may not yet
                    await asyncio.sleep(0.02)  # have noticed that a worker has died
            await self._judge(client, plan)

    async def _submitted(self, client: Client) -> None:
        """Begin one run after the other."""
        while taken := [run async for run in _some(client, 1 + self._setting.ahead)]:
            for run in taken:
                if self._setting.ahead:
                    client.note("accepted", run=run)
            for run in taken:
                await self._system.begin(client, run)

    async def _judge(self, client: Client, plan: dict[str, Any]) -> None:
        for number in range(plan.get("runs", 100)):
            run = f"{plan.get('prefix', 'r')}{number}"
            status, answer = await self._system.stored(run)
            await client.ask("stored", run=run, status=status, answer=answer)


async def _some(client: Client, most: int) -> AsyncGenerator[str, None]:
    """Take so many runs, as far as there are any."""
    for _ in range(most):
        run = await client.take()
        if run is None:
            return
        yield run


def _forked(work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Work in a process with a group of its own, and return how it ended."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    code = 1
    try:
        os.setsid()
        asyncio.run(work())
        code = 0
    except BaseException:  # noqa: BLE001  # nothing of the worker may go on in its parent's place
        traceback.print_exc()
    finally:
        os._exit(code)


def sweep(starter: Starter, steps: int, first: int, stride: int) -> None:
    """Kill one run at each point; the last line is of the one that came through unharmed."""
    quick = {"runs": 1, "steps": steps, "kills": 0, "model_seconds": 0, "effect_seconds": 0}
    for point in itertools.count(first, stride):
        result = starter.campaign({**quick, "point": point, "prefix": f"p{point}-"})
        print(json.dumps(result), flush=True)
        if not result["kills"]:
            return


def main() -> None:
    path, store, setting, way, *more = sys.argv[1:]
    given = Setting(**json.loads(setting))
    starter = Starter(path, given, store)
    if way == "sweep":
        sweep(starter, given.steps, *map(int, more))
    else:
        print(json.dumps(starter.campaign(json.loads(more[0]))), flush=True)


if __name__ == "__main__":
    main()

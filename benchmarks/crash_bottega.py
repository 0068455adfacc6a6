"""Bottega's side of `crash.py`; what its teams are made of is `crash_team`.

A worker takes up what was broken off with `recover_team` and begins new runs on the same store.
What the outside process hears of accepted runs, finished steps and answers is what the stream
tells.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from crash_client import Client
from crash_team import make_team
from crash_worker import AT_ONCE, WARM, Setting

from bottega import Budget
from bottega.engine import Job, Team
from bottega.errors import InputError
from bottega.events import Action, Answer, Event, Observation, RunStarted

if TYPE_CHECKING:
    from bottega.store import Store
    from bottega_agents.engine import LangGraphEngine


MODULES = (
    "bottega_agents.recovery",
    "bottega_agents.replay.reading",
    "bottega_agents.storage.postgres",
)
"""What would otherwise be imported anew by each worker."""


class Told:
    """An engine whose events the outside process hears of: at most so many runs at a time."""

    def __init__(self, engine: LangGraphEngine, client: Client, *, says_accepted: bool) -> None:
        self._engine = engine
        self._client = client
        self._says_accepted = says_accepted
        self._free = asyncio.Semaphore(AT_ONCE)

    def compile(self, team: Team) -> Any:
        """Return the compiled graph."""
        return self._engine.compile(team)

    async def stream(self, team: Team, job: Job) -> AsyncGenerator[Event, None]:
        """Run the job and pass its events on."""
        actions: dict[str, tuple[str, int]] = {}
        async with self._free, aclosing(self._engine.stream(team, job)) as events:
            async for event in events:
                if self._tell(event, actions):
                    await self._client.point(f"told {event.kind}")
                yield event

    def _tell(self, event: Event, actions: dict[str, tuple[str, int]]) -> bool:
        """Say what the event means to the outside process, if it means anything."""
        client, run = self._client, event.run_id
        if isinstance(event, RunStarted) and self._says_accepted:
            client.note("accepted", run=run)
        elif isinstance(event, Action) and event.tool == "charge":
            lane, step = str(event.arguments["lane"]), int(str(event.arguments["step"]))
            actions[event.call_id] = (lane, step)
            client.finished(run, lane, step, "model")
        elif isinstance(event, Action):
            client.finished(run, event.node, 1, "model")  # the lead has given out the work
        elif isinstance(event, Observation) and event.call_id in actions:
            client.finished(run, *actions[event.call_id], "effect")
        elif isinstance(event, Answer) and event.final:
            client.note("ended", run=run, answer=event.text)
        else:
            return False
        return True


class Bottega:
    """Bottega on a store."""

    def __init__(self, setting: Setting, store: str) -> None:
        self._setting = setting
        self._store = store
        self._engine: Told
        self._team: Team
        self._kept: Store

    def warm(self) -> None:
        """Import what a run needs, and break what is to be broken."""
        from crash_broken import break_on_purpose

        from bottega.plugin.manager import default_plugins
        from bottega_agents.engine import LangGraphEngine

        for module in (*MODULES, *WARM):
            importlib.import_module(module)
        default_plugins().offers("checkpointer")
        LangGraphEngine().compile(make_team(Client("", points=False), self._setting))
        break_on_purpose(self._setting.broken)

    @asynccontextmanager
    async def opened(self, client: Client) -> AsyncGenerator[None, None]:
        """Open the store for as long as a worker lives."""
        from bottega_agents.engine import LangGraphEngine
        from bottega_agents.storage.stores import use_store

        if client.points:
            mark_points(client)
        told = not self._setting.ahead
        self._engine = Told(LangGraphEngine(), client, says_accepted=told)
        self._team = make_team(client, self._setting)
        async with use_store(self._store) as (_, self._kept):
            yield

    async def recover(self, client: Client) -> int:
        """Go on with what was broken off; return how many runs are not over."""
        from bottega_agents.recovery import recover_team

        await recover_team(self._engine, self._team, self._store, at_once=AT_ONCE)
        return len(await self._kept.register.unfinished())

    async def begin(self, client: Client, run: str) -> None:
        """Carry out a new run; one that is submitted again is known, and gone on with anyway."""
        job = Job(task=run, limits=Budget(steps=1000), run_id=run, store=self._store)
        try:
            async for _ in self._engine.stream(self._team, job):
                pass
        except InputError:
            client.note("accepted", run=run)

    async def stored(self, run: str) -> tuple[str, str]:
        """Return the status and the answer that the store has of a run."""
        from bottega_agents.replay.reading import read_run

        try:
            found = await read_run(self._store, run)
        except InputError:
            return "", ""
        return found.run.status, found.answer


def mark_points(client: Client) -> None:
    """Pass points around each write to the store."""
    from bottega.register import Register
    from bottega_agents.storage.log import JournalLog
    from bottega_agents.storage.postgres import PostgresSaver
    from bottega_agents.storage.sqlite import InlineSqliteSaver

    client.around(Register, "accept", "finish")
    client.around(JournalLog, "write")
    client.around(InlineSqliteSaver, "aput", "aput_writes")
    client.around(PostgresSaver, "aput", "aput_writes")

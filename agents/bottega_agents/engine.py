"""The engine: runs a team as a LangGraph graph and turns it into one stream of events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from bottega.agent import ended
from bottega.budget import Meter
from bottega.engine import Job, Team
from bottega.errors import BottegaError
from bottega.events import Answer, Event, Failure, RunEnded, RunStarted
from bottega.messages import Citation
from bottega.model import Usage
from bottega.run import RunContext
from bottega.runs import Run, RunStore
from bottega_agents.compiler import compile_team
from bottega_agents.surroundings import RUN

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

RECURSION_LIMIT = 10_000
"""LangGraph's own bound on super-steps; budgets and the bounds of cycles end a run long before."""


class LangGraphEngine:
    """Run teams on LangGraph; a team is compiled once for each store."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[int, int], tuple[Team, Any, Any]] = {}

    def compiled(self, team: Team, saver: Any) -> Any:
        """Return the team's graph with that checkpointer."""
        key = (id(team), id(saver))
        if key not in self._compiled:  # the team is kept with it, so that its id stays its own
            self._compiled[key] = (team, saver, compile_team(team, saver))
        return self._compiled[key][2]

    def compile(self, team: Team) -> Any:
        """Return the compiled `StateGraph`."""
        return compile_team(team)

    async def stream(self, team: Team, job: Job) -> AsyncGenerator[Event, None]:
        """Run the job in a task of its own and yield its events."""
        events = Mailbox()
        run = RunContext(run_id=job.run_id, meter=Meter(job.limits), emit=events.put, ask=job.ask)
        work = asyncio.create_task(_Execution(self, team, job, run).run())
        work.add_done_callback(events.close)
        try:
            while batch := await events.take():
                for event in batch:
                    yield event
            work.result()
        finally:
            work.cancel()
            await asyncio.wait([work])


class Mailbox:
    """Events on their way from the graph's tasks to the one who reads the stream."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._filled = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        self._filled.set()

    def close(self, work: object) -> None:
        """Say that nothing more comes."""
        self._closed = True
        self._filled.set()

    async def take(self) -> list[Event]:
        """Wait for events and return all there are; none when nothing more comes."""
        if not self._events and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        taken, self._events = self._events, []
        return taken


class _Execution:
    """One job under way."""

    def __init__(self, engine: LangGraphEngine, team: Team, job: Job, run: RunContext) -> None:
        self._engine = engine
        self._team = team
        self._job = job
        self._run = run

    async def run(self) -> None:
        saver, store = self._accepted()
        config: RunnableConfig = {
            "configurable": {"thread_id": self._job.thread or self._job.run_id, RUN: self._run},
            "recursion_limit": RECURSION_LIMIT,
        }
        self._emit(
            RunStarted,
            name=self._team.spec.name,
            task=self._job.task,
            thread=self._job.thread,
            resumed=self._job.resume,
        )
        end: RunEnded | None = None
        try:
            end = self._answered(await self._invoke(saver, config))
        except BottegaError as error:
            end = self._failed(error)
        finally:
            if store is not None:
                store.finish(self._job.run_id, end)

    def _accepted(self) -> tuple[Any, RunStore | None]:
        """Open the store and accept the run: from here on it is not lost."""
        job = self._job
        if job.store is None:
            return None, None
        from bottega_agents.stores import open_store

        saver = open_store(job.store)
        store = RunStore(saver.conn)
        store.accept(
            Run(
                run_id=job.run_id,
                thread=job.thread,
                name=self._team.spec.name,
                task=job.task,
                origin=job.origin,
            )
        )
        return saver, store

    async def _invoke(self, saver: Any, config: RunnableConfig) -> Mapping[str, Any]:
        graph = self._engine.compiled(self._team, saver)
        start: dict[str, Any] | None = {
            "task": self._job.task,
            "run": self._job.run_id,
            "spent": {},
            "status": "done",
            "answer": "",
            "citations": [],
            "abstained": False,
            "partial": False,
        }
        if self._job.resume:
            snapshot = await graph.aget_state(config)
            if snapshot.values.get("run") == self._job.run_id:
                start = None
                self._take_up(snapshot.values)
        durability = "sync" if saver else None
        return await graph.ainvoke(start, config, durability=durability)  # type: ignore[no-any-return]

    def _take_up(self, state: Mapping[str, Any]) -> None:
        """Set the meter to what the run had used before it died."""
        spent = state.get("spent", {})
        meter = self._run.meter
        meter.steps = int(spent.get("steps", 0))
        meter.usage = Usage(
            input_tokens=int(spent.get("input_tokens", 0)),
            output_tokens=int(spent.get("output_tokens", 0)),
        )

    def _answered(self, state: Mapping[str, Any]) -> RunEnded:
        status, reason = state.get("status", "done"), state.get("reason", "")
        if state.get("answer"):
            self._emit(
                Answer,
                text=state["answer"],
                citations=tuple(Citation(**item) for item in state.get("citations", ())),
                abstained=state.get("abstained", False),
                partial=state.get("partial", False),
                final=True,
            )
        return self._ended(status, reason)

    def _failed(self, error: BottegaError) -> RunEnded:
        self._emit(
            Failure, error=type(error).__name__, message=error.message, hint=error.hint, fatal=True
        )
        return self._ended("failed", error.message)

    def _ended(self, status: Any, reason: str) -> RunEnded:
        end = ended(status, reason, self._run)
        self._run.emit(end)
        return end

    def _emit(self, kind: Any, **fields: Any) -> None:
        self._run.emit(kind(run_id=self._run.run_id, time=time.time(), **fields))

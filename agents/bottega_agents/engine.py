"""The engine: runs a team as a LangGraph graph and turns it into one stream of events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bottega.budget import Budget, Meter
from bottega.engine import Job, Team
from bottega.errors import BottegaError, InputError
from bottega.escape import mask
from bottega.events import Answer, Event, Failure, RunEnded, RunStarted
from bottega.messages import Citation
from bottega.model import Usage
from bottega.questions import Question, Rulings
from bottega.run import RunContext, ended
from bottega.runs import Run, RunStore
from bottega_agents.graph.compiler import compile_team
from bottega_agents.graph.state import RESET
from bottega_agents.graph.surroundings import RUN
from bottega_agents.storage.ownership import hold_run

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
            await asyncio.gather(work, return_exceptions=True)


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
        with self._store() as (saver, register):
            job = self._accepted(register)
            self._run.meter.budget = job.limits
            if register is not None:
                known = register.rulings(job.run_id)
                self._run.rulings = Rulings(known=known, waits=True)
            self._emit(
                RunStarted,
                name=self._team.spec.name,
                task=job.task,
                thread=job.thread,
                resumed=job.resume,
            )
            try:
                end = await self._end(saver, register, job)
            except BaseException:
                if register is not None:
                    register.finish(job.run_id, None)
                raise
            if register is not None:
                register.finish(job.run_id, end)
            self._run.emit(end)

    async def _end(self, saver: Any, register: RunStore | None, job: Job) -> RunEnded:
        """Run the graph; return the run's last event, which is not sent yet."""
        thread = f"{self._team.spec.name}/{job.thread}" if job.thread else job.run_id
        config: RunnableConfig = {
            "configurable": {"thread_id": thread, RUN: self._run},
            "recursion_limit": RECURSION_LIMIT,
        }
        graph = self._engine.compiled(self._team, saver)
        try:
            state = await self._invoke(graph, config, register, job)
        except InputError:
            raise  # the caller's mistake, not the run's
        except BottegaError as error:
            known: Mapping[str, Any] = (await graph.aget_state(config)).values if saver else {}
            return self._failed(error, known)
        questions = _questions(state)
        if questions and register is not None:
            register.ask(job.run_id, questions)
            return ended("waiting", " / ".join(one.text for one in questions), self._run)
        return self._answered(state)

    @contextmanager
    def _store(self) -> Generator[tuple[Any, RunStore | None], None, None]:
        """Open the job's store, if it has one, for as long as the run takes."""
        if self._job.store is None:
            yield None, None
            return
        from bottega_agents.storage.stores import open_store, release_store

        saver = open_store(self._job.store)
        try:
            with hold_run(self._job.store.parent, self._job.run_id):
                yield saver, RunStore(saver.conn, saver.lock)
        finally:
            release_store(saver)

    def _accepted(self, register: RunStore | None) -> Job:
        """Enter the run in the register: from here on it is not lost. Return the job to do.

        A resumed run has its own task and limits. Raises InputError when it is not known.
        """
        job = self._job
        if register is None:
            return job
        if job.resume:
            known = register.get(job.run_id)
            register.rule(job.run_id, job.rulings)
            limits = json.loads(known.origin.get("limits", "{}"))
            job = replace(
                job,
                task=known.task,
                thread=known.thread,
                origin=known.origin,
                limits=Budget(**limits),
            )
        origin = {**job.origin, "limits": json.dumps(asdict(job.limits))}
        register.accept(
            Run(
                run_id=job.run_id,
                thread=job.thread,
                name=self._team.spec.name,
                task=job.task,
                origin=origin,
            )
        )
        return job

    async def _invoke(
        self, graph: Any, config: RunnableConfig, register: RunStore | None, job: Job
    ) -> Mapping[str, Any]:
        start: dict[str, Any] | None = self._start(job)
        if job.resume:
            values = (await graph.aget_state(config)).values
            if values.get("run") == job.run_id:
                start = None
                self._take_up(values)
            elif register is not None and register.later(job.thread, job.run_id):
                raise InputError(
                    f"thread {job.thread!r} has gone on since run {job.run_id} was interrupted",
                    hint="start a new run on it",
                )
        durability = "sync" if register is not None else None
        return await graph.ainvoke(start, config, durability=durability)  # type: ignore[no-any-return]

    def _start(self, job: Job) -> dict[str, Any]:
        """Return the state that a run begins with; of its thread it keeps the conversations."""
        names = [node.name for node in self._team.spec.nodes]
        return {
            "task": job.task,
            "run": job.run_id,
            "spent": {RESET: 1},
            "elapsed": 0.0,
            "feedback": dict.fromkeys(names, ""),
            "rounds": dict.fromkeys(names, 0),
            "status": "done",
            "reason": "",
            "verdict": "",
            "answer": "",
            "author": "",
            "citations": [],
            "abstained": False,
            "partial": False,
        }

    def _take_up(self, state: Mapping[str, Any]) -> None:
        """Set the meter to what the run had used before it died."""
        spent = state.get("spent", {})
        meter = self._run.meter
        meter.earlier_seconds = state.get("elapsed", 0.0)
        meter.steps = int(spent.get("steps", 0))
        meter.usage = Usage(
            input_tokens=int(spent.get("input_tokens", 0)),
            output_tokens=int(spent.get("output_tokens", 0)),
        )

    def _answered(self, state: Mapping[str, Any]) -> RunEnded:
        status, reason = state.get("status", "done"), state.get("reason", "")
        self._say_answer(state, partial=state.get("partial", False))
        return ended(status, reason, self._run)

    def _failed(self, error: BottegaError, state: Mapping[str, Any]) -> RunEnded:
        """Tell of the error; what had been answered before it is not lost."""
        message = mask(error.message)
        self._emit(
            Failure,
            error=type(error).__name__,
            message=message,
            hint=mask(error.hint),
            retryable=error.retryable,
            fatal=True,
        )
        if state.get("run") == self._run.run_id:
            self._say_answer(state, partial=True)
        return ended("failed", message, self._run)

    def _say_answer(self, state: Mapping[str, Any], *, partial: bool) -> None:
        if not state.get("answer"):
            return
        self._emit(
            Answer,
            text=state["answer"],
            citations=tuple(Citation(**item) for item in state.get("citations", ())),
            abstained=state.get("abstained", False),
            partial=partial,
            final=True,
        )

    def _emit(self, kind: Any, **fields: Any) -> None:
        self._run.emit(kind(run_id=self._run.run_id, time=time.time(), **fields))


def _questions(state: Mapping[str, Any]) -> list[Question]:
    """Return what the graph's nodes wait for, when they wait."""
    interrupts = state.get("__interrupt__", ())
    return [Question.from_json(item) for one in interrupts for item in one.value]

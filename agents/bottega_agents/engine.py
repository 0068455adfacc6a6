"""The engine: runs a team as a LangGraph graph and turns it into one stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bottega.approval import check_edit
from bottega.artifacts import Artifacts, artifact_folder
from bottega.engine import Job, Team
from bottega.errors import BottegaError, BudgetExceeded, InputError, StorageError
from bottega.escape import mask
from bottega.events import Answer, Event, Failure, RunEnded, RunStarted
from bottega.fork import ORIGIN, Fork
from bottega.messages import Citation
from bottega.meter import Meter
from bottega.place import at
from bottega.pricing import require_team_prices
from bottega.questions import Question, Ruling
from bottega.rounds import Rounds
from bottega.run import RunContext, ended
from bottega.tape import taped_run
from bottega.trace import Recorded
from bottega_agents.graph.compiler import compile_team
from bottega_agents.graph.outcome import outcome, waits_for
from bottega_agents.graph.state import RESET
from bottega_agents.graph.surroundings import RUN
from bottega_agents.mailbox import Mailbox
from bottega_agents.replay.forking import SEEDS, Seeds, seeds_for, with_prompt, withdrawn
from bottega_agents.replay.reading import read_run
from bottega_agents.storage.inspection import inspected
from bottega_agents.storage.kept import Kept, keep_run, thread_of

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.runnables import RunnableConfig

    from bottega.plugin.manager import PluginManager

RECURSION_LIMIT = 10_000
"""LangGraph's own bound on super-steps; budgets and the bounds of cycles end a run long before."""


class LangGraphEngine:
    """Run teams on LangGraph; a team is compiled once, and again when its store changes."""

    def __init__(self, plugins: PluginManager | None = None) -> None:
        """Take the plugins that offer stores; None for those installed."""
        self.plugins = plugins
        self._compiled: dict[tuple[int, bool], tuple[Team, Any, Any]] = {}

    def compiled(self, team: Team, saver: Any) -> Any:
        """Return the team's graph with that checkpointer."""
        key = (id(team), saver is None)
        known = self._compiled.get(key)
        if known is None or known[1] is not saver:
            # the team is kept with it, so that its id stays its own
            known = self._compiled[key] = (team, saver, compile_team(team, saver))
        return known[2]

    async def read(self, store: Path | str, run_id: str) -> Recorded:
        """Return all that the store holds of a run."""
        return await read_run(store, run_id, self.plugins)

    def compile(self, team: Team, checkpointer: Any = None) -> Any:
        """Return the compiled `StateGraph`."""
        return compile_team(team, checkpointer)

    async def stream(self, team: Team, job: Job) -> AsyncGenerator[Event, None]:
        """Run the job in a task of its own and yield its events."""
        events, taped = Mailbox(), taped_run()
        emit: Callable[[Event], None] = events.put
        ask = job.ask
        if taped is not None:
            team, emit, ask = taped.team(team), taped.through(emit), taped.ask(ask)
        with at(taped.place if taped else ""):
            meter = Meter(job.limits)
            run = RunContext(run_id=job.run_id, meter=meter, emit=emit, task=job.task, ask=ask)
            work = asyncio.create_task(_Execution(self, team, job, run).run())
        work.add_done_callback(events.close)
        try:
            while batch := await events.take():
                for event in batch:
                    yield event
                if taped is not None:
                    taped.check()
            work.result()
            if taped is not None:
                taped.finish()
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            elif not work.cancelled():
                work.exception()  # it may have been raised already: nobody is to be told again


class _Execution:
    """One job under way."""

    def __init__(self, engine: LangGraphEngine, team: Team, job: Job, run: RunContext) -> None:
        self._engine = engine
        self._team = team
        self._job = job
        self._run = run

    async def run(self) -> None:
        name, run = self._team.spec.name, self._run
        if not self._job.resume:
            require_team_prices(self._job.limits, self._team)
        try:
            await self._run_kept(name)
        finally:
            await run.belongings.aclose()

    async def _run_kept(self, name: str) -> None:
        """Run with a store, where the job names one."""
        run = self._run
        fits = partial(check_edit, self._team.parts)
        if self._job.store is None:
            await self._carry_out(None, self._job)
            return
        folder = artifact_folder(self._job.store, self._job.origin.get("graph", ""))
        run.artifacts = Artifacts.beside(folder, run.run_id)
        async with keep_run(self._job, name, self._engine.plugins, fits) as kept:
            if kept is not None:
                run.rulings = await kept.rulings()
            await self._carry_out(kept, kept.job if kept else self._job)

    async def _carry_out(self, kept: Kept | None, job: Job) -> None:
        """Run the graph from the run's first event to its last."""
        name, run = self._team.spec.name, self._run
        run.meter.budget, run.task = job.limits, job.task  # a resumed run has its own
        try:
            if job.resume:  # then it has limits of its own
                require_team_prices(job.limits, self._team)
            known = {"task": job.task, "thread": job.thread, "resumed": job.resume}
            run.tell(RunStarted, name=name, **known)
            if kept is not None and ORIGIN in job.origin:
                await self._leave(Fork.loads(job.origin[ORIGIN]), kept, job)
            end = await self._end(kept, job)
        except BaseException as error:
            if kept is not None:
                await self._break_off(kept, job, error)
            raise
        run.emit(end)

    async def _break_off(self, kept: Kept, job: Job, error: BaseException) -> None:
        """Leave the run as one that can go on; a fork that was refused never can."""
        if not isinstance(error, InputError) or job.resume or ORIGIN not in job.origin:
            await kept.break_off()
            return
        seeds = self._run.kept.get(SEEDS)
        known = seeds if isinstance(seeds, Seeds) else None
        if not await withdrawn(job, self._team.spec.name, kept.saver, known):
            await kept.close(ended("failed", error.message, self._run))

    async def _leave(self, fork: Fork, kept: Kept, job: Job) -> None:
        """Take over what the run shares with the one that it was forked from."""
        self._team, instructions = with_prompt(self._team, fork)
        name, run = self._team.spec.name, self._run
        seeds = await seeds_for(fork, job, name, kept.saver, kept.register)
        run.kept[SEEDS] = replace(seeds, instructions=instructions)
        said = {key: Ruling.from_json(ruling) for key, ruling in fork.rulings.items()}
        run.rulings.known = {**said, **run.rulings.known}

    async def _end(self, kept: Kept | None, job: Job) -> RunEnded:
        """Run the graph and close the run; return its last event, which is not sent yet."""
        config: RunnableConfig = {
            "configurable": {"thread_id": thread_of(self._team.spec.name, job), RUN: self._run},
            "recursion_limit": RECURSION_LIMIT,
        }
        graph = self._engine.compiled(self._team, kept.saver if kept else None)
        try:
            if kept is None:
                return self._answered(await self._invoke(graph, config, None, job))
            async with inspected(kept.saver, config):
                state = await self._invoke(graph, config, kept, job)
                questions = waits_for(state)
            if questions:
                end = self._waiting(questions)
                if await kept.wait(questions, self._run.rulings, end):
                    return end
                await self._hear(kept)
                return await self._end(kept, replace(job, resume=True))
            end = self._answered(state)
            await kept.close(end)
        except InputError:
            raise  # the caller's mistake, not the run's
        except StorageError as error:  # the house's trouble: the run can go on when it is over
            if kept is not None:
                await kept.break_off()
            return self._failed(error, {})
        except BottegaError as error:
            known: Mapping[str, Any] = (await graph.aget_state(config)).values if kept else {}
            end = self._failed(error, known)
            if kept is not None:
                await kept.close(end)
        return end

    async def _invoke(
        self, graph: Any, config: RunnableConfig, kept: Kept | None, job: Job
    ) -> Mapping[str, Any]:
        before = self._thread_before()
        start: dict[str, Any] | None = {"task": job.task, "run": job.run_id}
        if job.thread or before:  # else there is nothing that would have to begin anew
            start = {**before, **self._start(), "task": job.task, "run": job.run_id}
        if job.resume:
            values = (await graph.aget_state(config)).values
            if values.get("run") == job.run_id:
                start = None
                self._take_up(values)
            elif kept is not None and await kept.superseded():
                raise InputError(
                    f"thread {job.thread!r} has gone on since run {job.run_id} was interrupted",
                    hint="start a new run on it",
                )
        from langgraph.errors import GraphRecursionError

        try:
            return await outcome(graph, start, config, "sync" if kept is not None else None)
        except GraphRecursionError:
            known: Mapping[str, Any] = (await graph.aget_state(config)).values if kept else {}
            why = Rounds.busiest(known.get("passed", {}))
            raise BudgetExceeded("rounds", RECURSION_LIMIT, RECURSION_LIMIT, why=why) from None

    def _thread_before(self) -> Mapping[str, Any]:
        """Return what a fork takes over from the thread of the run that it leaves."""
        seeds = self._run.kept.get(SEEDS)
        return seeds.begins if isinstance(seeds, Seeds) else {}

    def _start(self) -> dict[str, Any]:
        """Return what a run sets back in its thread, of which it keeps the conversations."""
        names = [node.name for node in self._team.spec.nodes]
        return {
            "spent": {RESET: 1},
            "passed": {RESET: 1},
            "stuck": "",
            "elapsed": 0.0,
            "feedback": dict.fromkeys(names, ""),
            "rounds": dict.fromkeys(names, 0),
            "status": "done",
            "reason": "",
            "verdict": "",
            "score": None,
            "answer": "",
            "author": "",
            "citations": [],
            "abstained": False,
            "partial": False,
        }

    def _waiting(self, questions: Sequence[Question]) -> RunEnded:
        end = ended("waiting", " / ".join(_said(questions)), self._run)
        return replace(end, questions={one.id: one.to_json() for one in questions})

    async def _hear(self, kept: Kept) -> None:
        """Take what a person has said meanwhile; the run goes on as in another process."""
        seeds = {name: value for name, value in self._run.kept.items() if name == SEEDS}
        meter, rulings = Meter(kept.job.limits), await kept.rulings()
        rulings.known = {**self._run.rulings.known, **rulings.known}
        self._run = replace(self._run, meter=meter, rulings=rulings, kept=seeds)

    def _take_up(self, state: Mapping[str, Any]) -> None:
        """Set the meter to what the run had used before it died."""
        self._run.meter.take_up(state.get("spent", {}), state.get("elapsed", 0.0))

    def _answered(self, state: Mapping[str, Any]) -> RunEnded:
        status, reason = state.get("status", "done"), state.get("reason", "")
        self._say_answer(state, partial=state.get("partial", False))
        return ended(status, reason, self._run)

    def _failed(self, error: BottegaError, state: Mapping[str, Any]) -> RunEnded:
        """Tell of the error; what had been answered before it is not lost."""
        message = mask(error.message)
        self._run.tell(
            Failure,
            error=type(error).__name__,
            message=message,
            hint=mask(error.hint),
            retryable=error.retryable,
            fatal=True,
        )
        if state.get("run") == self._run.run_id:
            self._say_answer(state, partial=True)
        spent = isinstance(error, BudgetExceeded)
        return ended("budget" if spent else "failed", message, self._run)

    def _say_answer(self, state: Mapping[str, Any], *, partial: bool) -> None:
        if not state.get("answer"):
            return
        self._run.tell(
            Answer,
            text=state["answer"],
            citations=tuple(Citation(**item) for item in state.get("citations", ())),
            abstained=state.get("abstained", False),
            partial=partial,
            final=True,
        )


def _said(questions: Sequence[Question]) -> Iterator[str]:
    """Yield what is asked; and by whom, where that is not plain."""
    for question in questions:
        plain = len(questions) == 1 and "/" not in question.node
        yield question.text if plain or not question.node else f"{question.node}: {question.text}"

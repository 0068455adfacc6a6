"""One run in its store: held by this process, accepted, and closed in the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bottega.budget import Budget
from bottega.engine import Job
from bottega.errors import BusyError, InputError, StorageError
from bottega.events import RunEnded
from bottega.questions import Question, Ruling, Rulings
from bottega.register import Fits, Lease, Register
from bottega.retention import Retention, retention_set
from bottega.runs import RESUMABLE, Run
from bottega.store import Store, run_name, thread_name
from bottega_agents.storage.stores import use_store
from bottega_agents.storage.thread import LeasedThreads

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

TIDY_EVERY = 3600.0
"""Seconds between two looks for runs that `BOTTEGA_KEEP` keeps no longer."""
_tidied: dict[str, float] = {}
"""When each store was last looked through by this process."""
TOLD = "the ruling is written down; that process takes it when the run comes to wait"
CLOSING = 3.0
"""Seconds in which a run that is broken off is marked so; after a kill nobody marks it either."""


@dataclass(kw_only=True, slots=True)
class Kept:
    """A run that this process carries out, in its store."""

    job: Job
    """What is to be done: a resumed run has its own task, thread and limits."""
    saver: Any
    """LangGraph's checkpointer."""
    register: Register
    lease: Lease
    thread: str
    """LangGraph's name of the thread."""

    async def wait(self, questions: Sequence[Question], heard: Rulings, end: RunEnded) -> bool:
        """Enter what the run waits for, and close it.

        False where a person has ruled on something of it meanwhile, through another process: the
        run is to go on. `heard` is what it has been told so far.
        """
        await self.register.ask(self.job.run_id, questions)
        unheard = [one.id for one in questions if one.id not in heard.known]
        return await self.register.wait(self.lease, end, unheard)

    async def rulings(self) -> Rulings:
        """Return what has been said to the run's questions by now."""
        known = await self.register.rulings(self.job.run_id)
        return Rulings(known=known, waits=True, minutes=self)

    async def asked(self, question: Question) -> None:
        """Enter a question that somebody is asked at once; see `Minutes`."""
        await self.register.ask(self.job.run_id, [question])

    async def ruled(self, question: Question, ruling: Ruling) -> Ruling:
        """Enter what was said to it, and return what holds."""
        return await self.register.settle(self.job.run_id, question.id, ruling)

    async def close(self, end: RunEnded) -> None:
        """Enter how the run ended. Raises StorageError.

        A thread grows with every run: what a finished one needs no more goes at once.
        """
        await self.register.finish(self.lease, end)
        if end.status == "done" and self.job.thread and isinstance(self.saver, LeasedThreads):
            with suppress(StorageError):
                await self.saver.forget_writes(self.thread)

    async def break_off(self) -> None:
        """Mark the run as interrupted where that can still be done."""
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self.register.finish(self.lease, None)

    async def superseded(self) -> bool:
        """Say whether the run's thread has gone on without it."""
        return await self.register.later(await self.register.get(self.job.run_id))


def thread_of(name: str, job: Job) -> str:
    """Return LangGraph's name of the thread that the job works on."""
    return f"{name}/{job.thread}" if job.thread else job.run_id


@asynccontextmanager
async def keep_run(
    job: Job, name: str, plugins: PluginManager | None = None, fits: Fits | None = None
) -> AsyncGenerator[Kept | None, None]:
    """Hold the job's run and its thread, and enter the run: from then on it is not lost.

    Yields None where nothing is kept. Raises InputError when the run is not known, for a ruling
    that does not fit; BusyError when it is over, or when somebody else carries it out: then the
    rulings are written down for them; StorageError.
    """
    if job.store is None:
        yield None
        return
    retention = retention_set()
    async with AsyncExitStack() as stack:
        saver, store = await stack.enter_async_context(use_store(job.store, plugins))
        if retention is not None:
            stack.push_async_callback(_tidy, saver, str(job.store), retention)
        if job.resume:
            job = replace(job, thread=(await store.register.get(job.run_id)).thread)
        job = await _held(job, store, stack, fits)
        thread = thread_of(name, job)
        if job.thread:
            await stack.enter_async_context(store.hold(thread_name(thread), _busy_thread(job)))
        if job.resume:
            job = await _taken_up(job, store.register, fits)
        elif await store.register.has(job.run_id):
            raise InputError(
                f"there is a run {job.run_id!r} in this store",
                hint="go on with it, or play a cassette with a store of its own",
            )
        lease = await store.register.accept(_entry(job, name))
        leases: dict[str, Lease] = getattr(saver, "leases", {})
        leases[thread] = lease
        try:
            yield Kept(job=job, saver=saver, register=store.register, lease=lease, thread=thread)
        finally:
            leases.pop(thread, None)


async def _tidy(saver: Any, store: str, retention: Retention) -> None:
    """Let go of old runs, once in a while; what goes wrong is told by `bottega runs prune`."""
    now = time.monotonic()
    if hasattr(saver, "let_go") and now - _tidied.get(store, -TIDY_EVERY) >= TIDY_EVERY:
        _tidied[store] = now
        with suppress(StorageError):
            await saver.let_go(retention)


async def _held(job: Job, store: Store, stack: AsyncExitStack, fits: Fits | None) -> Job:
    """Hold the run; where somebody else does, write down for them what a person says.

    They look when the run comes to wait. If that was just before, it is free a moment later.
    """
    name = run_name(job.run_id)
    try:
        await stack.enter_async_context(store.hold(name, _busy_run(job)))
    except BusyError:
        if not job.rulings:
            raise
    else:
        return job
    await store.register.rule(job.run_id, job.rulings, fits)
    await stack.enter_async_context(store.hold(name, _busy_run(job, told=True)))
    return replace(job, rulings={})


async def _taken_up(job: Job, register: Register, fits: Fits | None) -> Job:
    """Return the job as its run was accepted, with what was ruled on since."""
    known = await register.get(job.run_id)
    if known.status not in RESUMABLE:
        hint = "start a new one with: bottega run"
        raise BusyError(f"run {known.run_id} is over: {known.status}", hint=hint)
    await register.rule(job.run_id, job.rulings, fits)
    limits = Budget(**json.loads(known.origin.get("limits", "{}")))
    return replace(job, task=known.task, origin=known.origin, limits=limits)


def _entry(job: Job, name: str) -> Run:
    origin = {**job.origin, "limits": json.dumps(asdict(job.limits))}
    return Run(run_id=job.run_id, thread=job.thread, name=name, task=job.task, origin=origin)


def _busy_run(job: Job, *, told: bool = False) -> BusyError:
    return BusyError(
        f"run {job.run_id} is being carried out by another process",
        hint=TOLD if told else "wait for it, or stop that process first",
        told=told,
    )


def _busy_thread(job: Job) -> InputError:
    return InputError(
        f"thread {job.thread!r} is in the middle of another run",
        hint="wait for its end, or use another thread; see: bottega runs",
    )

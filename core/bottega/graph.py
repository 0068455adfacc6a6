"""A team of agents as a graph: read from a file, checked, run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import KW_ONLY, Field, dataclass, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from bottega.budget import Budget
from bottega.episodes import EpisodeReader
from bottega.errors import GraphError
from bottega.events import Event
from bottega.home import DATABASE, state_folder, store_address
from bottega.run import Ask, new_run_id
from bottega.runnable import Runnable, checked_task, checked_thread, outside_loop
from bottega.spec.model import LATER, GraphSpec, Reference

if TYPE_CHECKING:
    from bottega.assembly import Assembler
    from bottega.engine import Engine, Job, Team
    from bottega.fork import Changes
    from bottega.plugin.manager import PluginManager
    from bottega.questions import Ruling
    from bottega.result import Result
    from bottega.trace import Trace

DEFAULT_ENGINE = "langgraph"
BESIDE = "beside"
"""Key of a run's origin: the graph's file as seen from the folder of the store."""


def database(folder: Path) -> Path:
    """Return the file that holds checkpoints, journal and runs of graphs in that folder."""
    return state_folder(folder) / DATABASE


def _unmarked(value: Any) -> Any:
    """Return a part of a graph as plain values, without the places where things stand."""
    if isinstance(value, list | tuple):
        return [_unmarked(item) for item in cast("Sequence[Any]", value)]
    if not is_dataclass(value):
        return value
    counting = [field.name for field in fields(value) if _counts(field, getattr(value, field.name))]
    return {name: _unmarked(getattr(value, name)) for name in counting}


def _counts(field: Field[Any], value: Any) -> bool:
    """Say whether a field of a graph is part of what a run is resumed on."""
    if field.name in ("mark", "marks"):
        return False
    return not (field.metadata.get(LATER) and value == field.default)


def _digest(team: Team) -> str:
    """Return a graph's hash, graphs within it included."""
    spec = team.spec
    parts = (spec.model, spec.decider, spec.dialect, spec.middleware, spec.nodes, spec.edges)
    inner = [_digest(made.team) for made in team.parts.values() if made.team is not None]
    plain = json.dumps([*(_unmarked(part) for part in parts), *inner], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


@dataclass
class Graph(Runnable):
    """A checked graph, ready to run."""

    spec: GraphSpec
    _: KW_ONLY
    model: str | None = None
    """Takes the place of every model that the graph names."""
    user: str = ""
    """Whose memory nodes use that name nobody; empty for everybody's."""
    durable: bool = False
    """Keep every run on disk, so that it can be resumed; named threads always are."""
    store: str | Path | None = None
    """Where runs are kept: a file or a URL; None for `BOTTEGA_STORE`, or `database(folder)`."""
    plugins: PluginManager | None = None
    """None for those installed."""

    @classmethod
    def from_yaml(
        cls,
        path: str | Path,
        *,
        model: str | None = None,
        user: str = "",
        durable: bool = False,
        store: str | Path | None = None,
        plugins: PluginManager | None = None,
    ) -> Graph:
        """Read a graph file. Raises GraphError with every finding, each with its place."""
        from bottega.plugin.manager import default_plugins
        from bottega.spec.check import load_graph

        spec = load_graph(path, plugins or default_plugins())
        return cls(spec, model=model, user=user, durable=durable, store=store, plugins=plugins)

    @cached_property
    def team(self) -> Team:
        """The agents. Raises GraphError for what is wrong with the graph as a whole."""
        from bottega.assembly import assemble
        from bottega.spec.check import check_graph

        findings = check_graph(self.spec, self._assembler.plugins)
        if findings:
            raise GraphError(findings)
        override = Reference(name=self.model) if self.model else None
        return assemble(self.spec, self._assembler, override, self.user)

    @cached_property
    def _assembler(self) -> Assembler:
        from bottega.assembly import Assembler

        return Assembler.open(self.plugins, self.spec.folder)

    @cached_property
    def _engine(self) -> Engine:
        return self._assembler.make("engine", DEFAULT_ENGINE)  # type: ignore[no-any-return]

    def compile(self, checkpointer: Any = None) -> Any:
        """Return the LangGraph graph, compiled, with any saver of LangGraph's.

        One that knows no asynchronous calls, such as `SqliteSaver`, goes with `invoke` and `stream`
        alone.
        """
        return self._engine.compile(self.team, checkpointer)

    def digest(self) -> str:
        """Return a hash that changes with the graph: a run is resumed only on its own graph."""
        return self._own_digest

    @cached_property
    def _own_digest(self) -> str:
        return _digest(self.team)

    @cached_property
    def _file(self) -> str:
        return str(Path(self.spec.file).resolve()) if self.spec.file else ""

    @property
    def _files(self) -> dict[str, str]:
        """Return where the graph lies: as it is, and as seen from a store on disk."""
        store = self._store
        if not self._file or isinstance(store, str):
            return {"graph": self._file}
        return {"graph": self._file, BESIDE: os.path.relpath(self._file, store.resolve().parent)}

    async def astream(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
        resume: str = "",
        rulings: Mapping[str, Ruling] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run the task and yield its events.

        `resume` is the id of a run that died or waits: it goes on where it was, and the task is its
        own. `rulings` answers the questions that it waits for, by their ids.
        """
        job = replace(self._job(task, thread, limits, ask, resume), rulings=rulings or {})
        async with aclosing(self._events(job)) as events:
            async for event in events:
                yield event

    async def _events(self, job: Job) -> AsyncGenerator[Event, None]:
        plugins = self._assembler.plugins
        episode = EpisodeReader.of(parts.memory for parts in self.team.parts.values())
        async with aclosing(self._engine.stream(self.team, job)) as events:
            async for event in events:
                failure = await episode.read(event) if episode else None
                for one in (event,) if failure is None else (failure, event):
                    plugins.emit(one)
                    yield one

    def _job(
        self, task: str, thread: str | None, limits: Budget | None, ask: Ask | None, resume: str
    ) -> Job:
        from bottega.engine import Job

        if thread is not None:
            checked_thread(thread)
        kept = self.durable or thread or resume
        return Job(
            task=task if resume else checked_task(task),
            limits=limits or self.spec.limits,
            run_id=resume or new_run_id(),
            thread=thread or "",
            store=self._store if kept else None,
            resume=bool(resume),
            ask=ask,
            origin={
                **(self._files if kept else {"graph": self._file}),
                "model": self.model or "",
                "digest": self.digest(),
                **({"user": self.user} if self.user else {}),
            },
        )

    @property
    def _store(self) -> str | Path:
        return store_address(self.spec.folder, self.store)

    def trace(self, run_id: str) -> Trace:
        """Tell a run again, step by step, from what is kept of it; nothing is called.

        Raises InputError when there is no such run, StorageError.
        """
        from bottega.trace import read_trace

        return outside_loop(lambda: read_trace(self._store, run_id, self.plugins))

    async def astream_fork(
        self, run_id: str, *, at: int | str, ask: Ask | None = None, **changes: Unpack[Changes]
    ) -> AsyncGenerator[Event, None]:
        """Run anew from a moment of another run: its number in the trace, or `node:step`.

        What was before the moment is told again, not run. The task and the limits are the old ones.
        Raises InputError for a moment that there is not, or one where the change means nothing.
        """
        from bottega.fork import forked
        from bottega.trace import read_trace

        graph = replace(self, model=changes["model"]) if "model" in changes else self
        trace = await read_trace(self._store, run_id, self.plugins)
        job = graph._job(trace.run.task, None, None, ask, "")
        job = replace(job, store=self._store, origin={**job.origin, **graph._files})
        async with aclosing(graph._events(forked(job, trace, at, changes))) as events:
            async for event in events:
                yield event

    def fork(
        self, run_id: str, *, at: int | str, ask: Ask | None = None, **changes: Unpack[Changes]
    ) -> Result:
        """Fork a run and wait for the new one's end; see `astream_fork`."""
        from bottega.result import Result

        async def whole() -> Result:
            stream = self.astream_fork(run_id, at=at, ask=ask, **changes)
            try:
                async with aclosing(stream) as events:
                    return Result.from_events([event async for event in events])
            finally:
                await self.aclose()

        return outside_loop(whole)

    async def aresume(
        self, run_id: str, rulings: Mapping[str, Ruling] | None = None, *, ask: Ask | None = None
    ) -> Result:
        """Go on with a run that was killed, interrupted or waits for a person.

        Raises InputError when there is no such run, or for a ruling that does not fit.
        """
        from bottega.result import Result

        stream = self.astream("", resume=run_id, rulings=rulings, ask=ask)
        async with aclosing(stream) as events:
            return Result.from_events([event async for event in events])

    def resume(
        self, run_id: str, rulings: Mapping[str, Ruling] | None = None, *, ask: Ask | None = None
    ) -> Result:
        """Go on with a run and wait for its end; works inside a running event loop, too."""

        async def whole() -> Result:
            try:
                return await self.aresume(run_id, rulings, ask=ask)
            finally:
                await self.aclose()

        return outside_loop(whole)

    async def aclose(self) -> None:
        """Let go of the models' connections; the next run opens them again."""
        await self._assembler.aclose()

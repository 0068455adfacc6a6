"""Taking up every run that nobody carries out: after a crash, or when a worker starts.

Several processes may do it at once: each run goes to one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bottega.errors import BottegaError, BusyError, InputError
from bottega.graph import Graph
from bottega.home import store_address
from bottega.result import Result
from bottega.runs import Run
from bottega.store import Store, open_register, run_name

AT_ONCE = 8
"""Runs that are carried out at the same time."""


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What became of one run."""

    run: Run
    """As it was found."""
    result: Result | None = None
    """None when it could not be taken up."""
    problem: str = ""
    """Why not."""
    elsewhere: bool = False
    """Another process was quicker: it carries the run out, or has ended it."""

    @property
    def status(self) -> str:
        """How the run ended; `elsewhere` or `skipped` where it was not taken up."""
        if self.result:
            return self.result.status
        return "elsewhere" if self.elsewhere else "skipped"


async def recover(where: Graph | Path | str = ".", *, at_once: int = AT_ONCE) -> list[Recovered]:
    """Go on with every run that was killed or broken off, and wait for their ends.

    `where` is a folder with graph files, or a graph: then only its own runs are taken up. Runs that
    wait for a person, and those that somebody is at work on, are left alone. Raises InputError when
    no runs are kept there; StorageError.
    """
    graphs = _Graphs(where)
    try:
        async with open_register(graphs.address, graphs.plugins) as store:
            runs = [run for run in await abandoned(store) if graphs.owns(run)]
        return await take_up(runs, graphs.resume, at_once)
    finally:
        await graphs.aclose()


async def abandoned(store: Store) -> list[Run]:
    """Return the runs that should go on and that nobody carries out, the oldest first."""
    runs = await store.register.unfinished()
    held = await store.held(run_name(run.run_id) for run in runs)
    return [run for run in runs if run_name(run.run_id) not in held]


async def take_up(
    runs: Sequence[Run], resume: Callable[[Run], Awaitable[Result]], at_once: int = AT_ONCE
) -> list[Recovered]:
    """Resume the runs, so many at once; what cannot be resumed is told, and stops nothing."""
    free = asyncio.Semaphore(at_once)

    async def one(run: Run) -> Recovered:
        async with free:
            try:
                return Recovered(run=run, result=await resume(run))
            except BusyError as error:
                return Recovered(run=run, problem=error.message, elsewhere=True)
            except BottegaError as error:
                return Recovered(run=run, problem=str(error))

    return list(await asyncio.gather(*map(one, runs)))


def graph_of(run: Run, store: str | Path | None = None) -> Graph:
    """Read the graph that a run was started from. Raises InputError where it is not the same."""
    file, model = run.origin.get("graph", ""), run.origin.get("model", "")
    if not file:
        raise InputError(f"run {run.run_id} was not started from a graph file")
    graph = Graph.from_yaml(
        file, model=model or None, user=run.origin.get("user", ""), durable=True, store=store
    )
    if graph.digest() != run.origin.get("digest"):
        raise InputError(
            f"{file} was changed since run {run.run_id} began",
            hint="put the graph back as it was, or start a new run",
        )
    return graph


class _Graphs:
    """The graphs whose runs are taken up, each read once."""

    def __init__(self, where: Graph | Path | str) -> None:
        self._only = where if isinstance(where, Graph) else None
        folder = where.spec.folder if isinstance(where, Graph) else Path(where)
        self.address = store_address(folder, self._only.store if self._only else None)
        self.plugins = self._only.plugins if self._only else None
        self._read: dict[tuple[str, ...], Graph] = {}

    def owns(self, run: Run) -> bool:
        return self._only is None or run.origin.get("digest") == self._only.digest()

    async def resume(self, run: Run) -> Result:
        graph = self._only
        if graph is None:
            key = tuple(run.origin.get(name, "") for name in ("graph", "model", "digest"))
            if key not in self._read:
                self._read[key] = graph_of(run, self.address)
            graph = self._read[key]
        return await graph.aresume(run.run_id)

    async def aclose(self) -> None:
        for graph in self._read.values():
            await graph.aclose()

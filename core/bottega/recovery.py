"""Taking up every run that nobody carries out: after a crash, or when a worker starts.

Several processes may do it at once: each run goes to one of them.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bottega.errors import BottegaError, BusyError, GraphError, InputError, StorageError
from bottega.graph import BESIDE, Graph
from bottega.home import store_address
from bottega.result import Result
from bottega.runs import DAMAGED, Run
from bottega.store import Store, open_register, run_name

AT_ONCE = 8
"""Runs that are carried out at the same time."""
_LET_BE = "give the run up: bottega runs drop {}"
_READ = ("graph", BESIDE, "model", "user", "digest")
"""What in a run's origin tells its graph from others."""


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


async def recover(
    where: Graph | Path | str = ".", *, at_once: int = AT_ONCE, file: str = ""
) -> list[Recovered]:
    """Go on with every run that was killed or broken off, and wait for their ends.

    `where` is a folder with graph files, or a graph: then only its own runs are taken up, as with
    the graph `file` that a folder's runs are to go on with. Runs that wait for a person, and those
    that somebody is at work on, are left alone. Raises InputError when no runs are kept there, or
    for a file that is no graph; StorageError.
    """
    graphs = _Graphs(where, file)
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


def graph_of(
    run: Run, store: str | Path | None = None, *, folder: Path | None = None, file: str = ""
) -> Graph:
    """Return the graph that a run was started from, to go on with; see `graph_now`.

    Raises InputError where it is not the same.
    """
    graph = graph_now(run, store, folder=folder, file=file)
    if graph.digest() != run.origin.get("digest"):
        raise InputError(
            f"{graph.spec.file} was changed since run {run.run_id} began, or is another graph",
            hint=f"put the graph back as it was, or {_LET_BE.format(run.run_id)}",
        )
    return graph


def graph_now(
    run: Run, store: str | Path | None = None, *, folder: Path | None = None, file: str = ""
) -> Graph:
    """Read a run's graph as it is now: from `file`, or where `graph_file` finds it.

    Raises InputError where it is no graph; StorageError for a damaged run.
    """
    if run.status == DAMAGED:
        raise StorageError(run.reason, hint="put a copy of the store in its place")
    model, user = run.origin.get("model", ""), run.origin.get("user", "")
    found = file or graph_file(run, store, folder)
    try:
        graph = Graph.from_yaml(found, model=model or None, user=user, durable=True, store=store)
        _ = graph.team  # what is wrong with the graph as a whole is found here
    except GraphError as error:
        if file:
            raise
        raise InputError(  # what stands in a file that only the store names is not shown
            f"{found}, from which run {run.run_id} was started, is no graph that can run now",
            hint=f"see: bottega graph check {shlex.quote(found)}; or {_LET_BE.format(run.run_id)}",
        ) from error
    return graph


def graph_file(run: Run, store: str | Path | None = None, folder: Path | None = None) -> str:
    """Return the file of a run's graph: where it lay as seen from the store, then where it was.

    At last a file of its name in `folder` is taken. So a project may be moved or copied with its
    store. Raises InputError where there is none.
    """
    known, beside = run.origin.get("graph", ""), run.origin.get(BESIDE, "")
    if not known:
        raise InputError(
            f"run {run.run_id} was not started from a graph file",
            hint="give one with --graph FILE, or resume it in Python",
        )
    places = [Path(known)]
    if beside and isinstance(store, Path):
        places.insert(0, store.resolve().parent / beside)
    if folder is not None:
        places.append(folder / Path(known).name)
    for place in places:
        if place.is_file():
            return os.path.normpath(place)
    raise InputError(
        f"{known}, from which run {run.run_id} was started, is not there",
        hint=f"say where it is with --graph FILE, or {_LET_BE.format(run.run_id)}",
    )


class _Graphs:
    """The graphs whose runs are taken up, each read once."""

    def __init__(self, where: Graph | Path | str, file: str) -> None:
        self._only = where if isinstance(where, Graph) else None
        self._folder = where.spec.folder if isinstance(where, Graph) else Path(where)
        self.address = store_address(self._folder, self._only.store if self._only else None)
        self.plugins = self._only.plugins if self._only else None
        self._file = file
        self._digest = self._only.digest() if self._only else ""
        if file and not self._only:
            self._digest = Graph.from_yaml(file).digest()
        self._read: dict[tuple[str, ...], Graph] = {}

    def owns(self, run: Run) -> bool:
        return self._digest in ("", run.origin.get("digest"))

    async def resume(self, run: Run) -> Result:
        graph = self._only
        if graph is None:
            key = tuple(run.origin.get(name, "") for name in _READ)
            if key not in self._read or run.status == DAMAGED:
                self._read[key] = graph_of(run, self.address, folder=self._folder, file=self._file)
            graph = self._read[key]
        return await graph.aresume(run.run_id)

    async def aclose(self) -> None:
        for graph in self._read.values():
            await graph.aclose()

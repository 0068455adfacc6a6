"""`bottega runs`: what ran here, what can be resumed, what waits for whom.

`bottega runs drop`: never mind that one. `bottega runs prune`: away with the old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bottega.cli import options
from bottega.cli.screen import show, show_json, show_table
from bottega.errors import InputError, StorageError
from bottega.escape import mask, one_line
from bottega.runs import DAMAGED, INTERRUPTED, RESUMABLE, RUNNING, Run

if TYPE_CHECKING:
    from bottega.messages import Json
    from bottega.questions import Question
    from bottega.retention import Pruned, Pruning, Retention
    from bottega.store import Store

    _Told = tuple[Run, Sequence[Question]]

_FOLDER = click.argument("folder", default=".", type=click.Path(path_type=Path))
_LIST, _SHOW = "list", "show"


class _Listing(click.Group):
    """A group that lists, or shows one run, when no command of its own is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        helping = any(arg in ("-h", "--help") for arg in args[:1])
        if not helping and (not args or args[0] not in self.commands):
            args = [_SHOW if args and _names_a_run(args[0]) else _LIST, *args]
        return super().parse_args(ctx, args)


def _names_a_run(arg: str) -> bool:
    return not arg.startswith("-") and "/" not in arg and not Path(arg).exists()


@click.group(cls=_Listing)
def runs() -> None:
    """List the runs of the graphs in a folder, newest first; or prune them.

    `bottega runs [FOLDER]` is short for `bottega runs list [FOLDER]`, and `bottega runs RUN` for
    `bottega runs show RUN`.
    """


@runs.command(_LIST)
@_FOLDER
@click.option("--limit", default=20, show_default=True, help="Most runs to list.")
@options.as_json
def list_runs(folder: Path, limit: int, as_json: bool) -> None:
    """List the runs of the graphs in FOLDER, newest first.

    A run that says `running` is being carried out; one whose process was killed is `interrupted`.
    """
    listed = asyncio.run(_listed(folder, limit))
    if as_json:
        show_json([_document(run, asked) for run, asked in listed])
        return
    rows = [
        (run.run_id, _when(run.created), run.status, run.name, one_line(_about(run), 80))
        for run, _ in listed
    ]
    show_table(("RUN", "BEGAN", "STATUS", "GRAPH", "TASK"), rows)


@runs.command(_SHOW)
@click.argument("run_id", metavar="RUN")
@options.folder
@options.as_json
def show_run(run_id: str, folder: Path, as_json: bool) -> None:
    """Show RUN, with what it waits for and how to rule on it."""
    from bottega.cli.session import folder_option
    from bottega.cli.waiting import how_to_rule, question_lines

    run, questions = asyncio.run(_one(folder, run_id))
    if as_json:
        show_json(_document(run, questions))
        return
    show(f"{run.run_id}  {run.name}  {run.status}  {_when(run.created)}")
    show(one_line(run.task))
    if run.reason and not questions:
        show(one_line(mask(run.reason)))
    kept = _artifacts(folder, run)
    if kept:
        show(kept)
    for question in questions:
        for line in question_lines(question):
            show(line)
    for line in how_to_rule(run_id, questions, folder_option(folder)) if questions else ():
        show(line)


@runs.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@options.folder
def drop(run_ids: tuple[str, ...], folder: Path) -> None:
    """Give RUN up: it is `cancelled`, nobody can resume it, and `prune` removes it in its time."""
    asyncio.run(_dropped(folder, run_ids))


@runs.command()
@_FOLDER
@click.option("--keep", default="30d", show_default=True, help="Keep runs so long after their end.")
@click.option("--keep-last", default=0, metavar="N", help="Keep the newest N runs, however old.")
@click.option("--interrupted", is_flag=True, help="Remove those that were broken off as well.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would go.")
@options.as_json
def prune(
    folder: Path, keep: str, keep_last: int, interrupted: bool, dry_run: bool, as_json: bool
) -> None:
    """Remove ended runs of the graphs in FOLDER: checkpoints, journals and questions.

    Runs that can be resumed stay, unless --interrupted is given; those that wait for a person, and
    those that somebody carries out, stay in any case. Of a thread that still has younger runs, its
    state and its conversation stay.
    """
    from bottega.retention import Retention, seconds_in

    if keep_last < 0:
        raise InputError(f"--keep-last takes a number from 0, not {keep_last}")
    retention = Retention(
        seconds=seconds_in(keep), last=keep_last, dry=dry_run, interrupted=interrupted
    )
    pruned = asyncio.run(_pruned(folder, retention))
    if as_json:
        show_json({**asdict(pruned), "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    for run_id in pruned.runs if dry_run else ():
        show(run_id)
    more = "" if dry_run else f"; {pruned.freed / 1e6:.1f} MB freed"
    show(f"{len(pruned.runs)} runs {verb}{more}")


def _artifacts(folder: Path, run: Run) -> str:
    """Say where the run's long results are kept; nothing where there are none."""
    from bottega.artifacts import artifact_folder
    from bottega.home import store_address

    lying = artifact_folder(store_address(folder), run.origin.get("graph", "")) / run.run_id
    count = sum(1 for _ in lying.iterdir()) if lying.is_dir() else 0
    return f"{count:,} long result{'' if count == 1 else 's'} in {lying}" if count else ""


def _about(run: Run) -> str:
    return run.reason if run.status == DAMAGED else run.task


def _document(run: Run, questions: Sequence[Question]) -> dict[str, Json]:
    return {**run.to_json(), "questions": [question.to_json() for question in questions]}


async def _listed(folder: Path, limit: int) -> list[_Told]:
    from bottega.home import store_address
    from bottega.store import open_register

    async with open_register(store_address(folder)) as store:
        return await _told(store, await store.register.list(limit))


async def _one(folder: Path, run_id: str) -> _Told:
    from bottega.home import store_address
    from bottega.store import open_register

    async with open_register(store_address(folder)) as store:
        return (await _told(store, [await store.register.get(run_id)]))[0]


async def _told(store: Store, listed: Sequence[Run]) -> list[_Told]:
    """Return each run as it is now, with the questions that are open."""
    from bottega.store import run_name

    held = await store.held(run_name(run.run_id) for run in listed if run.status == RUNNING)
    told: list[_Told] = []
    for run in listed:
        left = run.status == RUNNING and run_name(run.run_id) not in held
        now = replace(run, status=INTERRUPTED) if left else run
        told.append(await _with_questions(store, now))
    return told


async def _with_questions(store: Store, run: Run) -> _Told:
    """Return the run with its open questions; one that is damaged hides no other run."""
    if run.status not in RESUMABLE:
        return run, ()
    try:
        return run, await store.register.open_questions(run.run_id)
    except StorageError as error:
        return replace(run, status=DAMAGED, reason=error.message), ()


async def _dropped(folder: Path, run_ids: Sequence[str]) -> None:
    """Give the runs up, one after the other; say it of each."""
    from bottega.errors import BusyError
    from bottega.home import store_address
    from bottega.store import open_register, run_name

    async with open_register(store_address(folder)) as store:
        for run_id in run_ids:
            busy = BusyError(f"run {run_id} is being carried out", hint="stop that process first")
            async with store.hold(run_name(run_id), busy):
                if not await store.register.drop(run_id):
                    known = await store.register.get(run_id)
                    raise InputError(f"run {run_id} is over: {known.status}")
            show(f"{run_id} is given up")


async def _pruned(folder: Path, retention: Retention) -> Pruned:
    from contextlib import AbstractAsyncContextManager

    from bottega.home import store_address
    from bottega.store import make_checkpointer, open_register

    address = store_address(folder)
    async with open_register(address):  # is anything kept there?
        made = make_checkpointer(address)
    if not hasattr(made, "let_go"):
        raise InputError("this store cannot let go of runs")
    async with cast("AbstractAsyncContextManager[Pruning]", made) as store:
        return await store.let_go(retention)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

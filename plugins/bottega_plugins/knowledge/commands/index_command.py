"""The command `bottega index DIR`: make an index of a folder, bring it up to date, keep it so."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_error, show_json
from bottega.cli.session import INTERRUPTED
from bottega.errors import BottegaError, InputError

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.index.progress import Progress, Report, UpdateReport
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

_MOST_SKIPPED_SHOWN = 20


def make_command(context: FactoryContext, embedder: str) -> click.Command:
    """Return the command; the embedder is made when it runs."""

    @click.command("index", help="Index a folder of documents, so that agents can search it.")
    @click.argument("directory", metavar="DIR")
    @click.option("--watch", is_flag=True, help="Go on and follow changes, until Ctrl-C.")
    @click.option("--verify", is_flag=True, help="Only compare every byte of the index.")
    @click.option("--embedder", default=embedder, show_default=True, metavar="NAME")
    @as_json
    @click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
    def index(
        directory: str, *, watch: bool, verify: bool, embedder: str, as_json: bool, quiet: bool
    ) -> None:
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase, require_folder

        if watch and verify:
            raise InputError("--watch and --verify exclude each other")
        folder = require_folder(
            named_folder(context.folder, directory)
        )  # before the embedder is loaded
        made = context.make("embedder", embedder)
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        output = _Output(directory=directory, knowledge=knowledge, as_json=as_json, quiet=quiet)
        if verify:
            knowledge.verify()
            output.verified()
        elif watch:
            asyncio.run(_watch(knowledge, output))
        else:
            try:
                with progress_bar(shown=output.is_text) as report:
                    done = knowledge.update(report)
            except KeyboardInterrupt:
                click.echo("interrupted; run it again to go on: nothing done is lost", err=True)
                sys.exit(INTERRUPTED)
            output.updated(done)

    return index


def named_folder(beside: Path, directory: str) -> Path:
    """Return the folder that was named. Raises InputError for an empty name, as of unset `$DIR`."""
    if not directory.strip():
        raise InputError("the folder's name is empty", hint="name a folder; . is this one")
    return beside / directory


async def _watch(knowledge: KnowledgeBase, output: _Output) -> None:
    from bottega_plugins.knowledge.watching import updates

    with ExitStack() as first:
        report = first.enter_context(progress_bar(shown=output.is_text))
        async with aclosing(updates(knowledge, report)) as done:
            made = await anext(done)
            first.close()  # the bar is for the first update, which may be long
            output.followed(made)
            async for each in done:
                if isinstance(each, BottegaError) or not each.nothing_to_do:
                    output.followed(each)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Output:
    """Tells what was done, in the way that was asked for."""

    directory: str
    knowledge: KnowledgeBase
    as_json: bool
    quiet: bool

    @property
    def is_text(self) -> bool:
        """Whether people read along."""
        return not (self.quiet or self.as_json)

    def updated(self, done: UpdateReport) -> None:
        """Tell of the one update."""
        if self.as_json:
            show_json(_as_data(self.knowledge, done))
        elif self.is_text:
            for line in _as_text(self.directory, done):
                show(line)

    def followed(self, done: UpdateReport | BottegaError) -> None:
        """Tell of one update of many, in a line."""
        if isinstance(done, BottegaError):
            show_error(done)
        elif self.as_json:
            show(json.dumps(_as_data(self.knowledge, done)))
        elif self.is_text:
            summary, *_ = _as_text(self.directory, done)
            skipped = f"; {_count(len(done.skipped), 'file')} skipped" if done.skipped else ""
            show(f"{time.strftime('%H:%M:%S')} {summary}{skipped}")

    def verified(self) -> None:
        """Tell that every byte is as it was written."""
        if self.as_json:
            place = {"docs": str(self.knowledge.docs), "index": str(self.knowledge.index)}
            show_json({**place, "whole": True})
        elif self.is_text:
            show(f"{self.directory}: the index is whole")


@contextmanager
def progress_bar(*, shown: bool) -> Generator[Report | None]:
    """Show a bar on standard error while an index is brought up to date."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bars(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        task = bars.add_task("reading files", total=None)
        names = {"read": "reading files", "embed": "embedding passages", "save": "saving"}

        def report(now: Progress) -> None:
            bars.update(task, description=names[now.stage], completed=now.done, total=now.total)

        yield report


def _as_data(knowledge: KnowledgeBase, done: UpdateReport) -> dict[str, Any]:
    return {
        "docs": str(knowledge.docs),
        "index": str(knowledge.index),
        "files": done.files,
        "added": done.added,
        "changed": done.changed,
        "deleted": done.deleted,
        "unchanged": done.unchanged,
        "skipped": [{"path": item.source, "reason": item.reason} for item in done.skipped],
        "chunks": done.chunks,
        "embedded": done.embedded,
        "seconds": round(done.seconds, 3),
        "rebuilt": done.rebuilt,
        "nothing_to_do": done.nothing_to_do,
    }


def _as_text(directory: str, done: UpdateReport) -> Iterator[str]:
    size = f"{_count(done.files, 'file')}, {_count(done.chunks, 'passage')}"
    seconds = f"{done.seconds:.1f} s"
    if done.nothing_to_do:
        yield f"{directory}: nothing to do: {size} are up to date ({seconds})"
    else:
        parts = ((done.added, "new"), (done.changed, "changed"), (done.deleted, "deleted"))
        changes = ", ".join(f"{number} {what}" for number, what in parts if number)
        yield f"{directory}: {size} indexed ({changes or 'none new'}) in {seconds}"
    if done.rebuilt:
        yield f"made anew: {done.rebuilt}"
    yield from _skipped(done)


def _skipped(done: UpdateReport) -> Iterator[str]:
    if done.skipped:
        yield f"{_count(len(done.skipped), 'file')} skipped:"
    for item in done.skipped[:_MOST_SKIPPED_SHOWN]:
        yield f"  {item.source}: {item.reason}"
    if len(done.skipped) > _MOST_SKIPPED_SHOWN:
        yield f"  and {len(done.skipped) - _MOST_SKIPPED_SHOWN} more (--json names all)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""The command `bottega index DIR`: make an index of a folder, or bring it up to date."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_json

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.index.progress import Progress, Report, UpdateReport
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

_MOST_SKIPPED_SHOWN = 20


def make_command(context: FactoryContext, embedder: str) -> click.Command:
    """Return the command; the embedder is made when it runs."""

    @click.command("index", help="Index a folder of documents, so that agents can search it.")
    @click.argument("directory", metavar="DIR")
    @as_json
    @click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
    def index(directory: str, *, as_json: bool, quiet: bool) -> None:
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase, require_folder

        folder = require_folder(context.folder / directory)  # before the embedder is loaded
        made = context.make("embedder", embedder)
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        with progress_bar(shown=not (quiet or as_json)) as report:
            done = knowledge.update(report)
        if as_json:
            show_json(_as_data(knowledge, done))
        elif not quiet:
            for line in _as_text(directory, done):
                show(line)

    return index


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

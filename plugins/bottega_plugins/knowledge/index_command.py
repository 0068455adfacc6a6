"""The command `bottega index DIR`: make an index of a folder, or bring it up to date."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
    from bottega_plugins.knowledge.update import Progress, Report, UpdateReport

_MOST_SKIPPED_SHOWN = 20


def make_command(context: FactoryContext) -> click.Command:
    """Return the command; the embedder is made when it runs."""

    @click.command("index", help="Index a folder of documents, so that agents can search it.")
    @click.argument("directory", metavar="DIR")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
    def index(directory: str, *, as_json: bool, quiet: bool) -> None:
        from bottega_plugins.knowledge import EMBEDDER
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase, require_folder

        folder = require_folder(context.folder / directory)  # before the embedder is loaded
        made = context.make("embedder", EMBEDDER)
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        with _progress_bar(shown=not (quiet or as_json)) as report:
            done = asyncio.run(knowledge.update(report))
        if as_json:
            click.echo(json.dumps(_as_data(knowledge, done)))
        elif not quiet:
            click.echo(_as_text(directory, done))

    return index


@contextmanager
def _progress_bar(*, shown: bool) -> Iterator[Report | None]:
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


def _as_text(directory: str, done: UpdateReport) -> str:
    size = f"{_count(done.files, 'file')}, {_count(done.chunks, 'passage')}"
    seconds = f"{done.seconds:.1f} s"
    lines = [f"{directory}: nothing to do: {size} are up to date ({seconds})"]
    if not done.nothing_to_do:
        parts = ((done.added, "new"), (done.changed, "changed"), (done.deleted, "deleted"))
        changes = ", ".join(f"{number} {what}" for number, what in parts if number)
        lines = [f"{directory}: {size} indexed ({changes or 'none new'}) in {seconds}"]
    if done.rebuilt:
        lines.append(f"made anew: {done.rebuilt}")
    lines.extend(_skipped(done))
    return "\n".join(lines)


def _skipped(done: UpdateReport) -> Iterator[str]:
    if done.skipped:
        yield f"{_count(len(done.skipped), 'file')} skipped:"
    for item in done.skipped[:_MOST_SKIPPED_SHOWN]:
        yield f"  {_printable(item.source)}: {item.reason}"
    if len(done.skipped) > _MOST_SKIPPED_SHOWN:
        yield f"  and {len(done.skipped) - _MOST_SKIPPED_SHOWN} more (--json names all)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)

"""The command `bottega index DIR`: make an index of a folder, bring it up to date, keep it so."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bottega.cli.options import as_json
from bottega.cli.session import INTERRUPTED
from bottega.errors import BottegaError, InputError
from bottega_plugins.knowledge.commands.progress import shown_progress
from bottega_plugins.knowledge.commands.report import IndexOutput

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.documents.skipped import Skipped
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


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
        folder = require_folder(named_folder(context.folder, directory))
        made = context.make("embedder", embedder)  # which takes long to load: the folder is there
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        output = IndexOutput(directory=directory, knowledge=knowledge, as_json=as_json, quiet=quiet)
        if verify:
            knowledge.verify()
            output.verified()
        elif watch:
            asyncio.run(_watch(knowledge, output))
        else:
            try:
                with shown_progress(shown=output.is_text) as report:
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


async def _watch(knowledge: KnowledgeBase, output: IndexOutput) -> None:
    from bottega_plugins.knowledge.watching import updates

    with ExitStack() as first:
        report = first.enter_context(shown_progress(shown=output.is_text))
        async with aclosing(updates(knowledge, report)) as done:
            told: set[Skipped] | None = None
            async for each in done:
                first.close()  # the bar is for the first update, which may be long
                if isinstance(each, BottegaError):
                    output.failed(each)
                    continue
                skipped = [item for item in each.skipped if item not in (told or ())]
                if told is None or skipped or not each.nothing_to_do:
                    output.followed(each, skipped)
                told = set(each.skipped)

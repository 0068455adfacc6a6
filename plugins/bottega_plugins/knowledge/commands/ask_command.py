"""The command `bottega ask QUESTION --docs DIR`: a researcher answers from a folder of documents.

On standard error it shows what it searches for, which passages it keeps and why; on standard output
the answer, and the spans it rests on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from bottega.cli import options
from bottega.errors import InputError, StorageError
from bottega.messages import Json

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.index.manifest import Manifest
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
    from bottega_plugins.knowledge.research.verifying import Unsupported

MOST_LOOKED_AT = 10_000
"""Documents whose fields are looked at, to find one that was meant."""


def make_command(context: FactoryContext, embedder: str) -> click.Command:
    """Return the command; everything heavy is imported when it runs."""

    @click.command("ask", help="Ask a question about a folder of documents.")
    @click.argument("question")
    @click.option("--docs", required=True, metavar="DIR", help="The folder of documents.")
    @click.option("--embedder", default=embedder, show_default=True, metavar="NAME")
    @click.option(
        "--where",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Search in documents with this metadata alone; of one field, any of the values.",
    )
    @click.option(
        "--rounds", type=click.IntRange(1, 20), default=3, help="Rounds of searching, at most."
    )
    @click.option(
        "--unsupported",
        type=click.Choice(["mark", "drop"]),
        default="mark",
        help="What becomes of sentences that no document supports.",
    )
    @options.running
    def ask(
        question: str,
        docs: str,
        embedder: str,
        where: tuple[str, ...],
        rounds: int,
        unsupported: Unsupported,
        **given: Unpack[options.Running],
    ) -> None:
        from bottega.agent import Agent
        from bottega.budget import Budget
        from bottega.cli.session import Output, ask_person, conduct
        from bottega.runnable import checked_task
        from bottega_plugins.knowledge.commands.index_command import named_folder
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase, require_folder
        from bottega_plugins.knowledge.research import Limits, research_model
        from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

        if not question.strip():
            raise InputError("the question is empty", hint="say what you want to know")
        question = checked_task(question)
        filters = _conditions(where)
        folder = require_folder(named_folder(context.folder, docs))
        output = Output(as_json=given["as_json"], stream=given["stream"], quiet=given["quiet"])
        made = context.make("embedder", embedder)
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        _refresh(knowledge, made, shown=not (output.as_json or output.quiet))
        if next(knowledge.documents(), None) is None:
            raise InputError(
                f"there are no documents in {docs}",
                hint=f"bottega index {docs} names what is skipped",
            )
        _require_fields(knowledge, filters)
        depth = Limits(rounds=rounds, unsupported=unsupported)
        agent = Agent(
            "librarian",
            model=research_model(context, given["model"] or "embedded", depth),
            tools=[SearchKnowledge(knowledge.retriever(filters or None))],
            middleware=(),
            folder=folder.parent,
            plugins=context.plugins,
        )
        limits = options.limits_from(Budget(), given)
        events = agent.astream(question, thread=given["thread"], limits=limits, ask=ask_person)
        conduct(agent, events, output)

    return ask


def _conditions(given: Iterable[str]) -> dict[str, list[Json]]:
    """Read `field=value`, each; a value that looks like a number may be one, or a text."""
    found: dict[str, list[Json]] = {}
    for text in given:
        field, equals, value = text.partition("=")
        if not (field.strip() and equals):
            raise InputError(f"--where {text!r} is no condition", hint="write it so: status=Final")
        found.setdefault(field.strip(), []).extend(_readings(value))
    return found


def _readings(value: str) -> list[Json]:
    try:
        read: Json = json.loads(value)
    except ValueError:
        return [value]
    return [value, read] if isinstance(read, int | float) else [value]


def _require_fields(knowledge: KnowledgeBase, filters: Iterable[str]) -> None:
    """Raise InputError for a field that no document and no passage has."""
    for field in filters:
        if not knowledge.search(field, 1, {field: {"exists": True}}):
            known = set[str]()
            for document in islice(knowledge.documents(), MOST_LOOKED_AT):
                known |= document.metadata.keys()
            near = get_close_matches(field, known, n=1)
            listed = f"known: {', '.join(sorted(known))}"[:500]
            hint = f"did you mean {near[0]!r}?" if near else listed
            raise InputError(f"no document has a field {field!r}", hint=hint)


def _refresh(knowledge: KnowledgeBase, embedder: Embedder, *, shown: bool) -> None:
    """Index what is new or changed in the folder before the question is put.

    An index that another process is writing, or that cannot be written, is used as it is. Raises
    InputError when it was made with another embedder.
    """
    from bottega_plugins.knowledge.commands.progress import shown_progress
    from bottega_plugins.knowledge.index.manifest import read_manifest
    from bottega_plugins.knowledge.index.store import is_made_with

    there = _readable(knowledge, read_manifest)
    if there is not None and not is_made_with(there, embedder):
        raise InputError(
            f"the index of {knowledge.docs} was made with the embedder {there.embedder!r}, "
            f"not with {embedder.name!r}",
            hint="name that one (--embedder NAME), or make the index anew: bottega index",
        )
    try:
        with shown_progress(shown=shown) as report:
            done = knowledge.update(report)
    except StorageError as error:
        if there is None:
            raise
        click.echo(f"note: the index is used as it is: {error.message}", err=True)
        return
    if done.rebuilt and shown:
        click.echo(f"note: the index was made anew: {done.rebuilt}", err=True)


def _readable(knowledge: KnowledgeBase, read: Callable[[Path], Manifest | None]) -> Manifest | None:
    """Return the manifest; None where there is none, or it is damaged and will be made anew."""
    try:
        return read(knowledge.index)
    except StorageError:
        return None

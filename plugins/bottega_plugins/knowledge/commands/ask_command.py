"""The command `bottega ask QUESTION --docs DIR`: a researcher answers from a folder of documents.

On standard error it shows what it searches for, which passages it keeps and why; on standard output
the answer, and the spans it rests on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

import click

from bottega.cli import options
from bottega.errors import InputError
from bottega.messages import Json

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
    from bottega_plugins.knowledge.research.verifying import Unsupported


def make_command(context: FactoryContext, embedder: str) -> click.Command:
    """Return the command; everything heavy is imported when it runs."""

    @click.command("ask", help="Ask a question about a folder of documents.")
    @click.argument("question")
    @click.option("--docs", required=True, metavar="DIR", help="The folder of documents.")
    @click.option(
        "--where",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Search in documents with this metadata alone; may be repeated.",
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
        where: tuple[str, ...],
        rounds: int,
        unsupported: Unsupported,
        **given: Unpack[options.Running],
    ) -> None:
        from bottega.agent import Agent
        from bottega.budget import Budget
        from bottega.cli.session import Output, ask_person, conduct
        from bottega.runnable import checked_task
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase, require_folder
        from bottega_plugins.knowledge.research import Limits, research_model
        from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

        checked_task(question)
        filters = dict(map(_condition, where))
        folder = require_folder(context.folder / docs)
        output = Output(as_json=given["as_json"], stream=given["stream"], quiet=given["quiet"])
        made = context.make("embedder", embedder)
        knowledge = KnowledgeBase.open(folder, made, home=context.home)
        _refresh(knowledge, shown=not (output.as_json or output.quiet))
        depth = Limits(rounds=rounds, unsupported=unsupported)
        agent = Agent(
            "librarian",
            model=research_model(context, given["model"] or "embedded", depth),
            tools=[SearchKnowledge(knowledge.retriever(filters or None))],
            middleware=(),
            folder=folder.parent,
            plugins=context.plugins,
        )
        limits = options.limits_from(Budget(), given["steps"], given["seconds"])
        events = agent.astream(question, thread=given["thread"], limits=limits, ask=ask_person)
        conduct(agent, events, output)

    return ask


def _condition(text: str) -> tuple[str, Json]:
    """Read `field=value`; a value that is a number, true or false in JSON is that."""
    field, equals, value = text.partition("=")
    if not (field.strip() and equals):
        raise InputError(
            f"--where {text!r} is no condition", hint="write FIELD=VALUE: status=Final"
        )
    try:
        read: Json = json.loads(value)
    except ValueError:
        read = value
    plain = isinstance(read, str | int | float | bool)
    return field.strip(), read if plain else value


def _refresh(knowledge: KnowledgeBase, *, shown: bool) -> None:
    """Index what is new or changed in the folder before the question is put."""
    from bottega_plugins.knowledge.commands.index_command import progress_bar

    with progress_bar(shown=shown) as report:
        knowledge.update(report)

"""`bottega resume RUN`: go on with a run that was interrupted or killed, or waits for a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bottega.cli import options
from bottega.errors import InputError

if TYPE_CHECKING:
    from bottega.questions import Question, Ruling
    from bottega.runs import Run


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--approve", is_flag=True, help="Approve what the run waits for.")
@click.option("--edit", metavar="JSON", help="Approve it with these arguments, or this plan.")
@click.option("--reject", metavar="REASON", help="Refuse it; the agent reads why.")
@click.option("--answer", metavar="TEXT", help="Answer the question.")
@click.option("--question", metavar="ID", help="Which question is meant, when several wait.")
@click.option(
    "--folder",
    default=".",
    type=click.Path(path_type=Path),
    help="Where the graph file lies, unless BOTTEGA_HOME is set.",
)
@options.quiet
@options.stream
@options.as_json
def resume(
    run_id: str,
    folder: Path,
    question: str | None,
    as_json: bool,
    stream: bool,
    quiet: bool,
    **said: Any,
) -> None:
    """Go on with RUN where it was: finished steps are replayed, not run again."""
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.graph import Graph, database
    from bottega.runs import RunStore

    with RunStore.open(database(folder)) as register:
        known = register.get(run_id)
        rulings = _rulings(known, register.open_questions(run_id), question, said)
    _require_resumable(known)
    team = Graph.from_yaml(known.origin["graph"], model=known.origin["model"] or None, durable=True)
    if team.digest() != known.origin["digest"]:
        raise InputError(
            f"{known.origin['graph']} was changed since run {run_id} began",
            hint="put the graph back as it was, or start a new run",
        )
    _ = team.team  # made here, where Ctrl-C ends whatever hangs
    events = team.astream(
        known.task,
        thread=known.thread or None,
        ask=ask_person,
        resume=run_id,
        rulings=rulings,
    )
    output = Output(as_json=as_json, stream=stream, quiet=quiet)
    conduct(team, events, output, kept_in=team.spec.folder)


def _require_resumable(known: Run) -> None:
    from bottega.runs import RESUMABLE

    if known.status not in RESUMABLE:
        hint = "start a new one with: bottega run"
        raise InputError(f"run {known.run_id} is over: {known.status}", hint=hint)
    if not known.origin.get("graph"):
        raise InputError(f"run {known.run_id} was not started from a graph file")


def _rulings(
    known: Run, waiting: list[Question], wanted: str | None, said: dict[str, Any]
) -> dict[str, Ruling]:
    """Return what was said on the command line to the questions that the run waits for."""
    ruling = _ruling(said)
    if ruling is None:
        return {}
    if not waiting:
        raise InputError(f"run {known.run_id} waits for nobody", hint="resume it without a ruling")
    if wanted is None and len(waiting) > 1:
        listed = "; ".join(f"{one.id}: {one.text}" for one in waiting)
        raise InputError(
            f"run {known.run_id} waits for {len(waiting)} rulings: {listed}",
            hint="say which with --question ID",
        )
    named = {one.id: one for one in waiting if wanted is None or one.id == wanted}
    if not named:
        ids = ", ".join(one.id for one in waiting)
        raise InputError(f"there is no open question {wanted!r}", hint=f"open: {ids}")
    return {name: ruling.check(one) for name, one in named.items()}


def _ruling(said: dict[str, Any]) -> Ruling | None:
    from bottega.questions import Ruling

    given = {name: value for name, value in said.items() if value}
    if len(given) > 1:
        both = " and ".join(f"--{name}" for name in given)
        raise InputError(f"{both} exclude each other", hint="give one ruling at a time")
    for name, value in given.items():
        if name == "edit":
            return Ruling(verdict="edit", value=_json(value))
        return Ruling(verdict=name, text="" if name == "approve" else value)  # type: ignore[arg-type]
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"--edit takes JSON: {error}", hint="""--edit '{"to": "ann"}'""") from None

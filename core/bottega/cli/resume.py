"""`bottega resume RUN`: go on with a run that was interrupted or killed, or waits for a person.

`bottega resume --all` goes on with every run that nobody carries out.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bottega.cli import options
from bottega.cli.screen import show_json, show_table
from bottega.errors import BusyError, InputError
from bottega.escape import one_line

if TYPE_CHECKING:
    from bottega.questions import Question, Ruling
    from bottega.recovery import Recovered
    from bottega.runs import Run

_CODES = {"failed": 1, "skipped": 2, "cancelled": 1, "budget": 3, "waiting": 3}
"""What else became of a run is well."""
_WORST = (0, 3, 2, 1)
"""A run that could not be taken up is told apart from one that failed."""


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--all", "everything", is_flag=True, help="Go on with every run that was broken off.")
@click.option("--approve", is_flag=True, help="Approve what the run waits for.")
@click.option("--edit", metavar="JSON", help="Approve it with these arguments, or this plan.")
@click.option("--reject", metavar="REASON", help="Refuse it; the agent reads why.")
@click.option("--answer", metavar="TEXT", help="Answer the question.")
@click.option(
    "--question",
    "asked",
    metavar="ID",
    multiple=True,
    help="Which question is meant, when several wait; may be given several times.",
)
@click.option("--all-questions", is_flag=True, help="Approve, or reject, all that it waits for.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where the graph file lies, unless BOTTEGA_HOME is set.",
)
@click.option("--graph", "file", default="", metavar="FILE", help="Where the graph lies now.")
@options.quiet
@options.stream
@options.as_json
def resume(
    run_id: str | None,
    folder: Path | None,
    as_json: bool,
    everything: bool,
    asked: tuple[str, ...],
    file: str,
    **given: Any,
) -> None:
    """Go on with RUN where it was: finished steps are replayed, not run again.

    `bottega resume --all [FOLDER]` takes up every run that was killed or broken off and that nobody
    carries out; runs that wait for a person wait on. Several processes may do it at once. It exits
    with 1 when a run failed, else with 2 when one could not be taken up, for example because its
    graph was changed, else with 3 when one waits or has spent its budget.

    A graph that was moved is looked for beside the store and in FOLDER; else --graph says where it
    is. With --all the runs of that graph alone are taken up. It must be the same graph.
    """
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.home import store_address
    from bottega.recovery import graph_of

    output = Output(as_json=as_json, stream=given.pop("stream"), quiet=given.pop("quiet"))
    all_questions = given.pop("all_questions")
    said: dict[str, Any] = given
    if everything:
        _refuse_rulings(said, asked, all_questions)
        where = folder or Path(run_id or ".")
        if not where.is_dir():
            hint = "--all takes no run: bottega resume --all [FOLDER]"
            raise InputError(f"{where}: there is no such folder", hint=hint)
        _resume_all(where, file, as_json=as_json)
    if run_id is None:
        raise InputError("which run?", hint="bottega resume RUN, or --all; see: bottega runs")
    address = store_address(folder or Path())
    known, waiting, ruled = asyncio.run(_known(address, run_id))
    _require_resumable(known)
    _require_open(known, waiting, ruled, said)
    if all_questions:
        asked = _all_fitting(known, waiting, asked, said)
    rulings = _rulings(known, waiting, asked, said)
    team = graph_of(known, address, folder=folder or Path(), file=file)
    _ = team.team  # made here, where Ctrl-C ends whatever hangs
    events = team.astream(
        known.task,
        thread=known.thread or None,
        ask=ask_person,
        resume=run_id,
        rulings=rulings,
    )
    try:
        conduct(team, events, output, kept_in=folder or Path())
    except BusyError as busy:
        if not busy.told:
            raise
        _say_written_down(busy, run_id, as_json=as_json)


def _say_written_down(busy: BusyError, run_id: str, *, as_json: bool) -> None:
    """Say that the ruling is kept for the process that carries the run out: all is well."""
    if as_json:
        show_json({"run_id": run_id, "status": "running", "reason": str(busy)})
    else:
        click.echo(str(busy), err=True)


async def _known(address: str | Path, run_id: str) -> tuple[Run, list[Question], dict[str, Ruling]]:
    from bottega.store import open_register

    async with open_register(address) as store:
        known = store.register
        run, waiting = await known.get(run_id), await known.open_questions(run_id)
        return run, waiting, await known.rulings(run_id)


def _refuse_rulings(said: dict[str, Any], asked: tuple[str, ...], all_questions: bool) -> None:
    if asked or all_questions or any(said.values()):
        raise InputError("a ruling is for one run", hint="bottega resume RUN --approve")


def _resume_all(folder: Path, file: str, *, as_json: bool) -> None:
    """Take up what is broken off, say what became of it, and exit as the worst of it would."""
    from bottega.cli.session import INTERRUPTED, TERMINATED

    try:
        found = asyncio.run(_recovered(folder, file))
    except (KeyboardInterrupt, asyncio.CancelledError) as stopped:
        where = "" if folder.resolve() == Path.cwd() else f" --folder {shlex.quote(str(folder))}"
        click.echo(f"interrupted; go on with: bottega resume --all{where}", err=True)
        sys.exit(INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else TERMINATED)
    if as_json:
        show_json([_document(one) for one in found])
    else:
        rows = [(one.run.run_id, one.status, one_line(_said(one), 100)) for one in found]
        show_table(("RUN", "STATUS", "ANSWER"), rows)
    sys.exit(max((_CODES.get(one.status, 0) for one in found), default=0, key=_WORST.index))


async def _recovered(folder: Path, file: str) -> list[Recovered]:
    from bottega.cli.sigterm import end_on_sigterm
    from bottega.recovery import recover

    end_on_sigterm()
    return await recover(folder, file=file)


def _said(one: Recovered) -> str:
    return (one.result.answer or one.result.reason) if one.result else one.problem


def _document(one: Recovered) -> dict[str, Any]:
    if one.result:
        return one.result.to_json()
    return {"run_id": one.run.run_id, "status": one.status, "reason": one.problem}


def _require_resumable(known: Run) -> None:
    from bottega.runs import RESUMABLE

    if known.status not in RESUMABLE:
        hint = "start a new one with: bottega run"
        raise InputError(f"run {known.run_id} is over: {known.status}", hint=hint)


def _require_open(
    known: Run, waiting: list[Question], ruled: dict[str, Ruling], said: dict[str, Any]
) -> None:
    """Raise InputError for a ruling where no question is open; say what was ruled before."""
    if waiting or ruling_said(said) is None:
        return
    before = "; ".join(f"{name}: {ruling.verdict}" for name, ruling in ruled.items())
    more = f"; ruled on already: {before}" if before else ""
    hint = f"see: bottega runs {known.run_id}"
    raise InputError(f"run {known.run_id} waits for nobody{more}", hint=hint)


def _all_fitting(
    known: Run, waiting: list[Question], asked: tuple[str, ...], said: dict[str, Any]
) -> tuple[str, ...]:
    """Return the ids of all questions that take the ruling; the others wait on."""
    from bottega.questions import FITTING

    ruling = ruling_said(said)
    if asked or ruling is None or ruling.verdict not in ("approve", "reject"):
        hint = "an edit or an answer is for the questions named with --question"
        raise InputError("--all-questions goes with --approve or --reject alone", hint=hint)
    fitting = tuple(one.id for one in waiting if ruling.verdict in FITTING[one.kind])
    if not fitting:
        hint = f"see: bottega runs {known.run_id}"
        raise InputError(f"no open question can be ruled with {ruling.verdict!r}", hint=hint)
    return fitting


def _rulings(
    known: Run, waiting: list[Question], wanted: tuple[str, ...], said: dict[str, Any]
) -> dict[str, Ruling]:
    """Return what was said on the command line to the questions that the run waits for."""
    ruling = ruling_said(said)
    if ruling is None:
        return {}
    if not wanted and len(waiting) > 1:
        listed = "; ".join(f"{one.id}: {one.text}" for one in waiting)
        raise InputError(
            f"run {known.run_id} waits for {len(waiting)} rulings: {listed}",
            hint="say which with --question ID, or approve or reject --all-questions",
        )
    named = {one.id: one for one in waiting}
    lost = [name for name in wanted if name not in named]
    if lost:
        raise InputError(f"there is no open question {lost[0]!r}", hint=f"open: {', '.join(named)}")
    return {name: ruling.check(named[name]) for name in wanted or named}


def ruling_said(said: dict[str, Any]) -> Ruling | None:
    """Return what the options of a command say for a person; None where they say nothing."""
    from bottega.questions import Ruling

    given = {name: value for name, value in said.items() if value not in (None, False)}
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

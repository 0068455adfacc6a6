"""`bottega replay RUN`: a run, step by step, from what is kept of it; or forked from a step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bottega.cli import options
from bottega.cli.resume import ruling_said
from bottega.cli.screen import show_json
from bottega.errors import InputError
from bottega.escape import one_line, plain

if TYPE_CHECKING:
    from bottega.fork import Changes
    from bottega.trace import Moment, Trace

_RULINGS = ("approve", "edit", "reject", "answer")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which moments to show."""

    step: str | None
    node: str | None

    def of(self, trace: Trace) -> Sequence[Moment]:
        """Return them. Raises InputError for a moment or a node that the run does not have."""
        from bottega.fork import moment_at

        moments = trace.moments if self.step is None else (moment_at(trace, self.step),)
        nodes = {moment.node for moment in trace.moments}
        if self.node is not None and self.node not in nodes:
            known = ", ".join(sorted(nodes)) or "none"
            raise InputError(f"the run never came to node {self.node!r}", hint=f"known: {known}")
        return [moment for moment in moments if self.node in (None, moment.node)]


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--step", metavar="STEP", help="Show this one in full: its number, or NODE:STEP.")
@click.option("--node", help="Show what this node did.")
@click.option("--from", "at", metavar="STEP", help="Fork the run before this step.")
@options.model
@click.option("--prompt", metavar="FILE|TEXT", help="Fork: other instructions of the step's node.")
@click.option("--reply", metavar="TEXT", help="Fork: what the model says at this step instead.")
@click.option("--answer", metavar="TEXT", help="Fork: what the person answers instead.")
@click.option("--approve", is_flag=True, help="Fork: the person approves.")
@click.option("--edit", metavar="JSON", help="Fork: the person approves with these arguments.")
@click.option("--reject", metavar="REASON", help="Fork: the person refuses.")
@click.option("--graph", "file", metavar="FILE", help="Fork: go on with this graph.")
@options.folder
@options.quiet
@options.stream
@options.as_json
def replay(
    run_id: str,
    step: str | None,
    node: str | None,
    at: str | None,
    folder: Path,
    **given: Any,
) -> None:
    """Show RUN step by step, over all its nodes: nothing is called.

    With --from a new run begins as this one did, up to there: no model is asked and no tool called
    for what was before. From there it goes on by itself, with another model, prompt, reply, ruling
    or graph, or just once more.
    """
    from bottega.home import store_address
    from bottega.trace import read_trace

    trace = asyncio.run(read_trace(store_address(folder), run_id))
    if at is not None:
        if step is not None or node is not None:
            raise click.UsageError("--step and --node show a run, --from forks it")
        _fork(trace, at, folder, given)
        return
    changed = [f"--{name}" for name in (*_FORKING, *_RULINGS) if given[name]]
    if changed:
        raise click.UsageError(f"{changed[0]} needs --from STEP")
    _show(trace, Wanted(step=step, node=node), as_json=given["as_json"])


_FORKING = ("model", "prompt", "reply", "file")


def _show(trace: Trace, wanted: Wanted, *, as_json: bool) -> None:
    from bottega.cli.moments import moment_lines, open_lines, plan_lines, total_line

    moments = wanted.of(trace)
    if as_json:
        document = {**trace.to_json(), "moments": [moment.to_json() for moment in moments]}
        show_json(document)
        return
    fork = trace.forked_from
    lines = [f"{trace.run.run_id}  {trace.run.name}  {one_line(trace.run.task)}"]
    lines += [f"forked from {fork}"] if fork else []
    for moment in moments:
        lines += moment_lines(moment, whole=wanted.step is not None)
    if wanted.step is None and wanted.node is None:
        lines += [*plan_lines(trace), *open_lines(trace), total_line(trace)]
    click.echo_via_pager("\n".join(plain(line) for line in lines) + "\n")


def _fork(trace: Trace, at: str, folder: Path, given: dict[str, Any]) -> None:
    """Carry out the fork as `bottega run` carries out a run."""
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.fork import fork_of
    from bottega.home import store_address
    from bottega.recovery import graph_now

    changes = _changes(given)
    _ = fork_of(trace, at, changes)  # says what is wrong with it before anything is made
    team = graph_now(trace.run, store_address(folder), folder=folder, file=given["file"] or "")
    events = team.astream_fork(trace.run.run_id, at=at, ask=ask_person, **changes)
    output = Output(as_json=given["as_json"], stream=given["stream"], quiet=given["quiet"])
    conduct(team, events, output, kept_in=folder)


def _changes(given: dict[str, Any]) -> Changes:
    changes: Changes = {}
    ruling = ruling_said({name: given[name] for name in _RULINGS})
    if ruling is not None:
        changes["ruling"] = ruling
    if given["model"]:
        changes["model"] = given["model"]
    if given["prompt"] is not None:
        changes["prompt"] = _text(given["prompt"])
    if given["reply"] is not None:
        changes["reply"] = given["reply"]
    return changes


def _text(given: str) -> str:
    """Return the text of a file of that name, or else what was given."""
    try:
        if Path(given).is_file():
            return Path(given).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{given}: cannot be read as a prompt: {error}") from error
    if len(given.split()) == 1 and ("/" in given or Path(given).suffix):
        raise InputError(f"{given}: there is no such file", hint="a prompt has several words")
    return given

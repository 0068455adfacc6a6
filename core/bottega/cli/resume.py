"""`bottega resume RUN`: go on with a run whose process was interrupted or killed."""

from __future__ import annotations

from pathlib import Path

import click

from bottega.cli import options
from bottega.errors import InputError


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--folder",
    default=".",
    type=click.Path(path_type=Path),
    help="Where the graph file lies, unless BOTTEGA_HOME is set.",
)
@options.quiet
@options.stream
@options.as_json
def resume(run_id: str, folder: Path, as_json: bool, stream: bool, quiet: bool) -> None:
    """Go on with RUN where it was: finished steps are replayed, not run again."""
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.graph import Graph, database
    from bottega.runs import INTERRUPTED, RUNNING, RunStore

    with RunStore.open(database(folder)) as register:
        known = register.get(run_id)
    if known.status not in (RUNNING, INTERRUPTED):
        hint = "start a new one with: bottega run"
        raise InputError(f"run {run_id} is over: {known.status}", hint=hint)
    if not known.origin.get("graph"):
        raise InputError(f"run {run_id} was not started from a graph file")
    team = Graph.from_yaml(known.origin["graph"], model=known.origin["model"] or None, durable=True)
    if team.digest() != known.origin["digest"]:
        raise InputError(
            f"{known.origin['graph']} was changed since run {run_id} began",
            hint="put the graph back as it was, or start a new run",
        )
    _ = team.team  # made here, where Ctrl-C ends whatever hangs
    events = team.astream(known.task, thread=known.thread or None, ask=ask_person, resume=run_id)
    output = Output(as_json=as_json, stream=stream, quiet=quiet)
    conduct(team, events, output, kept_in=team.spec.folder)

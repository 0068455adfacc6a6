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
    from bottega.runs import RunStore

    known = RunStore.open(database(folder)).get(run_id)
    if known.status == "done":
        raise InputError(f"run {run_id} is done", hint="start a new one with: bottega run")
    team = Graph.from_yaml(known.origin["graph"], model=known.origin["model"] or None, durable=True)
    if team.digest() != known.origin["digest"]:
        raise InputError(
            f"{known.origin['graph']} was changed since run {run_id} began",
            hint="put the graph back as it was, or start a new run",
        )
    events = team.astream(known.task, thread=known.thread or None, ask=ask_person, resume=run_id)
    output = Output(as_json=as_json, stream=stream, quiet=quiet)
    conduct(team, events, output, kept_in=team.spec.folder)

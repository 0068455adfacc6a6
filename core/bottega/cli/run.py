"""`bottega run GRAPH TASK`: a team of agents does a task."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Unpack

import click

from bottega.cli import options

_FILE = click.Path(path_type=Path, dir_okay=False)
_KNOWN = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.argument("graph")
@click.argument("task")
@click.option("--record", metavar="FILE", type=_FILE, help="Record the run on this cassette.")
@click.option(
    "--replay",
    metavar="FILE",
    type=_KNOWN,
    help="Play the run of this cassette: nothing is called.",
)
@click.option("--user", default="", help="Whose memory agents use, where they have one.")
@options.running
def run(
    graph: str,
    task: str,
    record: Path | None,
    replay: Path | None,
    **given: Unpack[options.Running],
) -> None:
    """Run the agents of GRAPH, a YAML file, on TASK.

    Steps are shown on standard error as they happen, the answer on standard output. Every run is
    kept on disk: one that was interrupted or killed goes on with `bottega resume`. A run that is
    played from a cassette is not kept.
    """
    if record is None and replay is None:
        _run(graph, task, given)
    elif record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude each other")
    elif replay is not None:
        with TemporaryDirectory(prefix="bottega-") as folder:
            _on_cassette(graph, task, given, replay, store=Path(folder) / "bottega.db")
    elif record is not None:
        _on_cassette(graph, task, given, record)


def _run(graph: str, task: str, given: options.Running, store: Path | None = None) -> None:
    from bottega.cli.consent import with_consent
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.graph import Graph
    from bottega.runnable import checked_task

    team = Graph.from_yaml(
        graph, model=given["model"], user=given.get("user", ""), durable=True, store=store
    )
    with_consent(lambda: team.team)  # made here, where Ctrl-C ends whatever hangs
    events = team.astream(
        checked_task(task),
        thread=given["thread"],
        limits=options.limits_from(team.spec.limits, given),
        ask=ask_person,
    )
    output = Output(as_json=given["as_json"], stream=given["stream"], quiet=given["quiet"])
    conduct(team, events, output, kept_in=team.spec.folder if store is None else None)


def _on_cassette(
    graph: str, task: str, given: options.Running, file: Path, store: Path | None = None
) -> None:
    """Run while a cassette listens; a run that was broken off leaves no recording."""
    from bottega.cassette import Cassette
    from bottega.cli.session import INTERRUPTED

    code: str | int | None = None
    with Cassette(file, "record" if store is None else "replay"):
        try:
            _run(graph, task, given, store)
        except SystemExit as ended:
            code = ended.code
            if isinstance(code, int) and code >= INTERRUPTED:
                raise
    sys.exit(code)

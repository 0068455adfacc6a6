"""`bottega run GRAPH TASK`: a team of agents does a task."""

from __future__ import annotations

from typing import Unpack

import click

from bottega.cli import options


@click.command()
@click.argument("graph")
@click.argument("task")
@options.running
def run(graph: str, task: str, **given: Unpack[options.Running]) -> None:
    """Run the agents of GRAPH, a YAML file, on TASK.

    Steps are shown on standard error as they happen, the answer on standard output. Every run is
    kept on disk: one that was interrupted or killed goes on with `bottega resume`.
    """
    from bottega.cli.session import Output, ask_person, conduct
    from bottega.graph import Graph
    from bottega.runnable import checked_task

    team = Graph.from_yaml(graph, model=given["model"], durable=True)
    _ = team.team  # made here, where Ctrl-C ends whatever hangs
    events = team.astream(
        checked_task(task),
        thread=given["thread"],
        limits=options.limits_from(team.spec.limits, given["steps"], given["seconds"]),
        ask=ask_person,
    )
    output = Output(as_json=given["as_json"], stream=given["stream"], quiet=given["quiet"])
    conduct(team, events, output, kept_in=team.spec.folder)

"""`bottega runs`: what ran here, and what can be resumed."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from bottega.cli import options
from bottega.cli.screen import show_json, show_table
from bottega.escape import one_line


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--limit", default=20, show_default=True, help="Most runs to list.")
@options.as_json
def runs(folder: Path, limit: int, as_json: bool) -> None:
    """List the runs of the graphs in FOLDER, newest first."""
    from bottega.graph import database
    from bottega.runs import RunStore

    with RunStore.open(database(folder)) as register:
        listed = register.list(limit)
    if as_json:
        show_json([asdict(run) for run in listed])
        return
    rows = [
        (run.run_id, _when(run.created), run.status, run.name, one_line(run.task, 80))
        for run in listed
    ]
    show_table(("RUN", "BEGAN", "STATUS", "GRAPH", "TASK"), rows)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

"""`bottega runs`: what ran here, and what can be resumed."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from bottega.cli import options
from bottega.escape import one_line


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--limit", default=20, show_default=True, help="Most runs to list.")
@options.as_json
def runs(folder: Path, limit: int, as_json: bool) -> None:
    """List the runs of the graphs in FOLDER, newest first."""
    from bottega.graph import database
    from bottega.runs import RunStore

    listed = RunStore.open(database(folder)).list(limit)
    if as_json:
        click.echo(json.dumps([asdict(run) for run in listed], indent=2))
        return
    for run in listed:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.created))
        click.echo(f"{run.run_id}  {when}  {run.status:<11}  {run.name}  {one_line(run.task, 80)}")

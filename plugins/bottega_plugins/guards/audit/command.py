"""The command `bottega audit`: show the log of side effects, and check that nobody changed it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bottega.cli import options
from bottega.cli.screen import show, show_json, show_table
from bottega.home import state_folder

FILE = "audit.jsonl"
_file = click.option(
    "--file",
    type=click.Path(path_type=Path),
    help=f"The log, if not {FILE} in the state folder.",
)


def make_command() -> click.Command:
    """Return the command."""
    group = click.Group("audit", help="Show and check the log of side effects.")
    group.add_command(_show)
    group.add_command(_verify)
    return group


@click.command("show", help="List what was done: the newest last.")
@click.option("--run", help="Only of this run.")
@click.option("--limit", default=50, show_default=True, help="The newest so many records.")
@_file
@options.folder
@options.as_json
def _show(run: str | None, limit: int, file: Path | None, folder: Path, as_json: bool) -> None:
    from bottega_plugins.guards.audit.middleware import read_records

    records = read_records(_place(file, folder))
    wanted = [each for each in records if run in (None, each.get("run"))][-max(0, limit) :]
    if as_json:
        show_json({"records": wanted})
        return
    head = ("NO", "TIME", "RUN", "NODE", "TOOL", "EVENT", "WHAT")
    show_table(head, [_row(each) for each in wanted])


@click.command("verify", help="Check every line; exit with 1 when something was changed.")
@_file
@options.folder
@options.as_json
def _verify(file: Path | None, folder: Path, as_json: bool) -> None:
    from bottega_plugins.guards.audit.verify import verify

    place = _place(file, folder)
    report = verify(place)
    if as_json:
        document = {
            "file": str(place),
            "records": report.lines,
            "whole": report.whole,
            "head": report.head,
            "problems": report.problems,
            "notes": report.notes,
        }
        show_json(document)
    else:
        for text in report.problems:
            show(f"problem: {text}")
        for text in report.notes:
            show(f"note: {text}")
        state = "nothing was changed" if report.whole else "it was changed"
        show(f"{place}: {report.lines} records, {state}; head {report.head}")
    sys.exit(0 if report.whole else 1)


def _place(file: Path | None, folder: Path) -> Path:
    return file or state_folder(folder) / FILE


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    what = record.get("arguments") or record.get("outcome") or ""
    error = record.get("error")
    approved = ", ".join(
        f"{each['verdict']} by {each['by']}" for each in record.get("approved_by", ())
    )
    parts = [str(what), str(error or ""), approved]
    names = ("seq", "time", "run", "node", "tool", "event")
    return (*(str(record.get(name, "")) for name in names), "; ".join(filter(None, parts)))

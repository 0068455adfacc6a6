"""How far an update of an index is, on standard error: a bar for people, lines for logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.progress import Progress, Report

_EVERY = 10.0
"""Seconds between two lines, and before the first: short work has none."""
_STAGES = {"read": "reading files", "embed": "embedding passages", "save": "saving"}


@contextmanager
def shown_progress(*, shown: bool) -> Generator[Report | None]:
    """Show how far an update is, for as long as it takes."""
    if not shown:
        yield None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield progress_lines(lambda line: click.echo(line, err=True))


@contextmanager
def _bar() -> Generator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bars(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        task = bars.add_task(_STAGES["read"], total=None)

        def report(now: Progress) -> None:
            bars.update(task, description=_STAGES[now.stage], completed=now.done, total=now.total)

        yield report


def progress_lines(
    write: Callable[[str], object], clock: Callable[[], float] = time.monotonic
) -> Report:
    """Return what writes a line when ten seconds have passed since the last one, or the start."""
    due = clock() + _EVERY

    def report(now: Progress) -> None:
        nonlocal due
        if (time_now := clock()) >= due:
            due = time_now + _EVERY
            write(_line(now))

    return report


def _line(now: Progress) -> str:
    files = f"{now.done:,} of {now.total:,} files" if now.total else f"{now.done:,} files"
    if now.stage == "read":
        return f"comparing: {files}"
    return f"embedding: {now.passages:,} passages, {files}" if now.stage == "embed" else "saving"

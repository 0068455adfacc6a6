"""Where the command line writes: tables, JSON documents and errors, safe whatever they quote.

Standard output is for what was asked, standard error for everything else. Live runs are shown by
the commands that run them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from bottega.errors import BottegaError
from bottega.escape import mask, plain

if TYPE_CHECKING:
    from bottega.messages import Json

_GAP = 2


def show(text: str = "") -> None:
    """Write a line to standard output, with everything that could steer a terminal escaped."""
    click.echo(plain(text))


def show_json(document: Json) -> None:
    """Write one JSON document to standard output; escapes are ASCII."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows in columns as wide as they need to be; the last column is never cut."""
    table = [tuple(head), *(tuple(_cell(cell) for cell in row) for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head) - 1)]
    for number, row in enumerate(table):
        line = "".join(c.ljust(w + _GAP) for c, w in zip(row, widths, strict=False)) + row[-1]
        click.echo(click.style(line.rstrip(), bold=True) if number == 0 else line.rstrip())


def warn(text: str) -> None:
    """Write a line that begins with `warning:` to standard error."""
    click.echo(f"warning: {plain(mask(text))}", err=True)


def show_error(error: BottegaError, *, as_json: bool = False) -> None:
    """Write an error to standard error, or as a JSON document to standard output."""
    message, hint = mask(error.message), mask(error.hint)
    if as_json:
        kind = type(error).__name__
        show_json({"error": {"type": kind, "message": message, "hint": hint}})
        return
    click.echo(f"error: {plain(message)}", err=True)
    if hint:
        click.echo(f"hint: {plain(hint)}", err=True)


def _cell(text: str) -> str:
    return " ".join(plain(text).split())

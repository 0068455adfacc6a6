"""`bottega graph`: check a graph file, show it as a picture, print the schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bottega.cli import options
from bottega.cli.screen import show, show_json
from bottega.escape import mask, plain

if TYPE_CHECKING:
    from bottega.spec.reader import Draft

_FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def graph() -> None:
    """Check a graph file, or show it as a picture."""


@graph.command()
@_FILE
@options.as_json
@click.pass_context
def check(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Say everything that is wrong with FILE, each finding with its line and column.

    Nothing is run. Exits with 2 when there is a finding.
    """
    from bottega.plugin.manager import default_plugins
    from bottega.spec.check import check_file

    draft = check_file(file, default_plugins())
    if as_json:
        show_json(_report(draft))
    elif draft.findings:
        for finding in draft.findings:
            click.echo(" ".join(plain(mask(str(finding))).splitlines()), err=True)
    elif draft.spec is not None:
        nodes, edges = len(draft.spec.nodes), len(draft.spec.edges)
        show(f"{file}: ok: {_count(nodes, 'node')}, {_count(edges, 'edge')}")
    ctx.exit(2 if draft.findings else 0)


@graph.command("show")
@_FILE
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a picture: a file that ends in .svg, .png or .mmd.",
)
def show_graph(file: Path, output: Path | None) -> None:
    """Print FILE as a Mermaid flowchart, or write it as a picture."""
    from bottega.spec.mermaid import mermaid
    from bottega.spec.picture import write_picture
    from bottega.spec.reader import read_graph

    spec = read_graph(file)
    if output is None:
        click.echo(mermaid(spec), nl=False)
        return
    write_picture(spec, output)
    show(f"{output}: {_count(len(spec.nodes), 'node')}, {_count(len(spec.edges), 'edge')}")


@graph.command()
def schema() -> None:
    """Print the JSON Schema of graph files, for editors."""
    from bottega.spec.schema import graph_schema

    show_json(graph_schema())


def _report(draft: Draft) -> dict[str, object]:
    findings = [
        {
            "message": finding.message,
            "hint": finding.hint,
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
        }
        for finding in draft.findings
    ]
    counts = {"nodes": 0, "edges": 0}
    if draft.spec is not None:
        counts = {"nodes": len(draft.spec.nodes), "edges": len(draft.spec.edges)}
    return {"ok": not findings, **counts, "findings": findings}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

"""The command `bottega atelier`."""

from __future__ import annotations

import click


@click.command()
@click.option("--to", default="everybody", help="Whom to tell.")
def atelier(to: str) -> None:
    """Say that the atelier is open."""
    click.echo(f"the atelier is open to {to}")

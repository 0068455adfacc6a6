"""`bottega tools`: what agents can be given to act with."""

from __future__ import annotations

import click

from bottega.cli.listing import list_offers
from bottega.cli.options import as_json


@click.command()
@as_json
def tools(as_json: bool) -> None:
    """List the tools that a graph can name."""
    list_offers("tool", as_json=as_json)

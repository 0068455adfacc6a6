"""`bottega agents`: what `kind:` of a node can name."""

from __future__ import annotations

import click

from bottega.cli.listing import list_offers
from bottega.cli.options import as_json


@click.command()
@as_json
def agents(as_json: bool) -> None:
    """List the kinds of agents that a graph can name."""
    list_offers("agent", as_json=as_json)

"""`bottega models`: what agents can think with, and what each honestly can and cannot do."""

from __future__ import annotations

import click

from bottega.cli.listing import list_offers
from bottega.cli.options import as_json


@click.command()
@as_json
def models(as_json: bool) -> None:
    """List the model backends, what each can and cannot do."""
    list_offers("model", as_json=as_json)

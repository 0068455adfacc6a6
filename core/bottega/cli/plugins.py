"""`bottega plugins`: what is installed, what it offers, and what failed and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_json, show_table, warn
from bottega.offer import OfferKind

if TYPE_CHECKING:
    from bottega.plugin.record import PluginRecord


@click.command()
@as_json
def plugins(as_json: bool) -> None:
    """List the plugins, what they offer, and what failed.

    A plugin is switched off by BOTTEGA_DISABLE=name,name or by `disable = ["name"]` under
    [tool.bottega] in pyproject.toml, or in bottega.toml.
    """
    from bottega.plugin.manager import default_plugins

    manager = default_plugins()
    records = manager.plugins
    if as_json:
        documents = [_document(record) for record in records]
        show_json({"plugins": documents, "warnings": list(manager.warnings)})
        return
    show_table(
        ("PLUGIN", "DISTRIBUTION", "VERSION", "STATE", "OFFERS"),
        [
            (each.name, each.distribution, each.version, each.state, _offers(each.offers))
            for each in records
        ],
    )
    for record in records:
        for failure in record.failures:
            show(f"\n{record.name} ({record.distribution} {record.version}): {failure.error}")
            if failure.hint:
                show(f"  {failure.hint}")
        for note in record.notes:
            show(f"\n{record.name}: note: {note}")
    for text in manager.warnings:
        warn(text)


def _offers(offers: Mapping[OfferKind, tuple[str, ...]]) -> str:
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in offers.items()) or "-"


def _document(record: PluginRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "distribution": record.distribution,
        "version": record.version,
        "state": record.state,
        "offers": {kind: list(names) for kind, names in record.offers.items()},
        "failures": [{"error": each.error, "hint": each.hint} for each in record.failures],
        "notes": list(record.notes),
    }

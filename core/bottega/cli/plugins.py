"""`bottega plugins`: what is installed, what it offers, what failed, and what a person approved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bottega.cli.options import as_json, folder
from bottega.cli.screen import show, show_json, show_table, warn
from bottega.errors import InputError, suggest
from bottega.offer import OfferKind

if TYPE_CHECKING:
    from bottega.consent import Standing
    from bottega.plugin.record import PluginRecord


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List the plugins, what they offer, and what failed.

    A plugin is switched off by BOTTEGA_DISABLE=name,name or by `disable = ["name"]` under
    [tool.bottega] in pyproject.toml, or in bottega.toml.
    """
    if ctx.invoked_subcommand is not None:
        return
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
        if said := _CONSENT[_consent(record)]:
            show(f"\n{record.name}: {said}")
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
        "consent": _consent(record),
    }


_CONSENT = {
    "none": "",
    "approved": "approved in bottega.lock",
    "not yours": "approved in bottega.lock by somebody else, or elsewhere: that does not count",
    "changed": "changed since it was approved in bottega.lock: its tools are asked about again",
}


def _consent(record: PluginRecord) -> Standing:
    from bottega.consent import standing
    from bottega.lockfile import Lock

    return standing(record.name, record.distribution, record.version, Lock.open(Path.cwd()))


@plugins.command()
@click.argument("name")
@click.option(
    "--graph",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A graph that uses tools of the plugin which are made with options.",
)
@folder
def approve(name: str, graph: Path | None, folder: Path) -> None:
    """Let the tools of plugin NAME have the permissions that they want.

    They are listed, and written down in bottega.lock. What a tool wants that is made with options
    is known where it is used: `--graph` names the place.
    """
    from bottega.cli.consent import wishes_of
    from bottega.consent import approve
    from bottega.lockfile import Lock

    lock = Lock.open(folder if graph is None else graph.parent)
    wishes = wishes_of(name, folder, graph)
    for wish in wishes:
        show(f"approved: {wish}")
    approve(wishes, lock)
    show(f"written to {lock.file}" if wishes else f"no tool of {name!r} wants a permission")


@plugins.command()
@click.argument("name")
@folder
def revoke(name: str, folder: Path) -> None:
    """Forget what was approved of plugin NAME."""
    from bottega.consent import SECTION
    from bottega.lockfile import Lock

    lock = Lock.open(folder)
    if not lock.remove(SECTION, name):
        known = suggest(name, lock.section(SECTION))
        raise InputError(f"nothing of plugin {name!r} is approved in {lock.file}", hint=known)
    show(f"revoked: plugin {name!r} in {lock.file}")

"""A list of what plugins offer of one kind: the body of `bottega tools`, `models` and `agents`."""

from __future__ import annotations

from collections.abc import Mapping

from bottega.cli.screen import show, show_json, show_table, warn
from bottega.offer import OfferKind
from bottega.plugin.manager import PluginManager, default_plugins
from bottega.plugin.record import Registered


def list_offers(kind: OfferKind, *, as_json: bool) -> None:
    """Print name, summary and origin of each offer, with what it says it can and cannot do."""
    plugins = default_plugins()
    offers = plugins.offers(kind)
    if as_json:
        show_json({f"{kind}s": [_document(name, each) for name, each in offers.items()]})
    else:
        _show(kind, offers)
    warn_of_failures(plugins)


def warn_of_failures(plugins: PluginManager) -> None:
    """Write a line to standard error for each thing that is wrong with a plugin or its settings."""
    for text in [*plugins.warnings, *map(str, plugins.failures)]:
        warn(text)


def _show(kind: OfferKind, offers: Mapping[str, Registered]) -> None:
    if not offers:
        show(f"no {kind} is registered")
        return
    show_table(
        ("NAME", "PLUGIN", "DISTRIBUTION", "SUMMARY"),
        [
            (name, each.plugin, f"{each.distribution} {each.version}".strip(), each.offer.summary)
            for name, each in offers.items()
        ],
    )
    for name, each in offers.items():
        lines = [*each.offer.details, *_settings(each.offer.settings)]
        if lines:
            show()
            show(f"{name}:")
        for line in lines:
            show(f"  - {line}")


def _settings(settings: Mapping[str, str]) -> list[str]:
    return [f"{variable}: {purpose}" for variable, purpose in settings.items()]


def _document(name: str, each: Registered) -> dict[str, object]:
    offer = each.offer
    return {
        "name": name,
        "summary": offer.summary,
        "plugin": each.plugin,
        "distribution": each.distribution,
        "version": each.version,
        "extra": offer.extra,
        "details": list(offer.details),
        "settings": dict(offer.settings),
    }

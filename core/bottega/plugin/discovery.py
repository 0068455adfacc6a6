"""Installed plugins found, imported and put in order: what comes before any of them is registered.

One that cannot be loaded is a failure in the result; it stops none of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bottega.plugin.entry import Entry
from bottega.plugin.failure import PluginFailure, Source
from bottega.plugin.loader import load
from bottega.plugin.order import arrange
from bottega.plugin.record import Loaded


@dataclass(kw_only=True)
class Discovery:
    """What came of loading the installed plugins."""

    ready: list[Loaded] = field(default_factory=list)
    """In the order in which they are to be registered."""
    absent: list[Source] = field(default_factory=list)
    """Switched off, or failed."""
    failures: list[PluginFailure] = field(default_factory=list)


def load_all(entries: Sequence[Entry], off: Mapping[str, str], *, seconds: float) -> Discovery:
    """Load every entry that is not switched off, each within the time."""
    found = Discovery()
    wanted: dict[str, Entry] = {}
    reasons: dict[str, str] = {}
    for entry in entries:
        if entry.name in off:
            reasons[entry.name] = "is switched off"
            found.absent.append(entry.source)
        elif entry.name in wanted:
            found.failures.append(_name_taken(entry.source, wanted[entry.name].source))
        else:
            wanted[entry.name] = entry
    imported: dict[str, Loaded] = {}
    for loaded in load(list(wanted.values()), seconds=seconds):
        if isinstance(loaded, Loaded):
            imported[loaded.source.plugin] = loaded
        else:
            reasons[loaded.plugin] = "could not be loaded"
            found.absent.append(loaded.source)
            found.failures.append(loaded)
    _order(found, imported, reasons)
    return found


def _order(found: Discovery, imported: Mapping[str, Loaded], reasons: Mapping[str, str]) -> None:
    order, misplaced = arrange({name: each.requires for name, each in imported.items()}, reasons)
    found.ready = [imported[name] for name in order]
    for name, reason in misplaced.items():
        source = imported[name].source
        found.absent.append(source)
        found.failures.append(source.failure(reason))


def _name_taken(second: Source, first: Source) -> PluginFailure:
    return second.failure(
        f"its name is taken by {first}",
        "uninstall one of them: pip uninstall " + second.distribution,
    )

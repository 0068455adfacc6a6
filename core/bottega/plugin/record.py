"""A plugin as the manager keeps it, and as listings show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bottega.offer import Offer, OfferKind
from bottega.plugin.failure import PluginFailure, Source

State = Literal["ok", "disabled", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A plugin whose module is imported."""

    source: Source
    module: Any
    """The module or object that carries the hooks."""
    requires: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What it did while it was imported that a reader should know; nothing that stops it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """An offer, and who made it."""

    offer: Offer
    plugin: str
    distribution: str = ""
    version: str = ""

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return Source(plugin=self.plugin, distribution=self.distribution, version=self.version)


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginRecord:
    """One line of `bottega plugins`."""

    name: str
    distribution: str
    version: str
    state: State
    """`failed` when anything of it failed; what `offers` names works all the same."""
    offers: Mapping[OfferKind, tuple[str, ...]] = field(
        default_factory=dict[OfferKind, tuple[str, ...]]
    )
    failures: tuple[PluginFailure, ...] = ()
    notes: tuple[str, ...] = ()

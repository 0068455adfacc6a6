"""Sandboxes: where code runs that a model wrote. `bottega.sandbox` is their contract."""

from __future__ import annotations

from collections.abc import Sequence

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl


@hookimpl
def bottega_sandboxes() -> Sequence[Offer]:
    """Offer sandboxes."""
    return []

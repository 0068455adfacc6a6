"""What stands between a wish of a model and its effect: policies, redaction, the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl


@hookimpl
def bottega_middleware() -> Sequence[Offer]:
    """Offer guards."""
    return []

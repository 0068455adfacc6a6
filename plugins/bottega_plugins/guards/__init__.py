"""What stands between a wish of a model and its effect: policies, redaction, the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.spec import hookimpl


@hookimpl
def bottega_middleware() -> Sequence[Offer]:
    """Offer guards."""
    return [
        Offer(
            name="flow",
            summary="Refuses effects that what was read asks for, and secrets on their way out.",
            factory=_flow,
        ),
    ]


def _flow(
    context: FactoryContext,
    *,
    on_violation: str = "refuse",
    planned_only: bool = False,
    exempt: Sequence[str] = (),
    links: str = "neutralise",
) -> Any:
    from bottega_plugins.guards.flow.middleware import Flow
    from bottega_plugins.guards.flow.policy import read_policy

    return Flow(read_policy(on_violation, planned_only, exempt, links))

"""What this room offers: the stores."""

from __future__ import annotations

from typing import Any

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext


def offers() -> list[Offer]:
    """Return the checkpointers; each is named as the scheme of its addresses."""
    return [
        Offer(
            name="sqlite",
            summary="Checkpoints, journal and runs in one SQLite file.",
            factory=_sqlite,
        ),
        Offer(
            name="postgresql",
            summary="The same in a PostgreSQL database, for workers on several machines.",
            factory=_postgresql,
            extra="postgres",
        ),
    ]


def _sqlite(context: FactoryContext, *, address: str = "") -> Any:
    from pathlib import Path

    from bottega.home import DATABASE
    from bottega_agents.storage.sqlite import InlineSqliteSaver

    return InlineSqliteSaver(Path(address) if address else context.state_folder / DATABASE)


def _postgresql(context: FactoryContext, *, address: str) -> Any:
    from bottega_agents.storage.postgres import PostgresSaver

    return PostgresSaver(address)

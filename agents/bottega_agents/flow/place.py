"""The name of a node's visit, unique in its run also within graphs that are used several times."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bottega_agents.storage.visit import visit_name

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


def place_of(config: RunnableConfig) -> str:
    """Return the name, the same after a restart: `3:ask`, `1:team/ask@5f2c90aa`.

    Super-steps of an inner graph are counted from its own beginning; the letters behind stand for
    the visit of the node around it.
    """
    name = visit_name(config)
    around = str(config.get("configurable", {}).get("checkpoint_ns", "")).rpartition("|")[0]
    if not around:
        return name
    return f"{name}@{hashlib.sha256(around.encode()).hexdigest()[:8]}"

"""The kind of agent `herald`: no model, a plain function as a LangGraph node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.node import AgentParts


@dataclass(frozen=True, kw_only=True)
class Herald:
    """Proclaim the answer found so far, or the task where there is none."""

    greeting: str
    delegates: Sequence[str] = ()
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the node."""

        async def proclaim(state: dict[str, Any], config: Any) -> dict[str, Any]:
            found = state.get("answer") or state.get("task", "")
            return {"answer": f"{self.greeting}: {found.upper()}", "status": "done"}

        return proclaim

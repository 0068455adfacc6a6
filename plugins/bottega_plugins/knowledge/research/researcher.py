"""The agent kind `researcher`: a specialist whose model does research.

It takes whatever model the graph gives it, so `--model` works as for any other node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bottega.node import AgentParts, NodeKind
from bottega_plugins.knowledge.research.model import Limits, ResearchModel


@dataclass(frozen=True, kw_only=True)
class Researcher:
    """A kind of node, wired like the kind that it is built on."""

    specialist: NodeKind
    limits: Limits = Limits()

    @property
    def delegates(self) -> Sequence[str]:
        """Nobody: it searches itself."""
        return self.specialist.delegates

    @property
    def refers(self) -> Sequence[str]:
        """No other node."""
        return self.specialist.refers

    @property
    def outcomes(self) -> Sequence[str]:
        """Its edges carry no words."""
        return self.specialist.outcomes

    @property
    def bound(self) -> int | None:
        """It sends nothing back."""
        return self.specialist.bound

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the specialist's node, over a model that does research."""
        model = ResearchModel(parts.model, parts.decider, self.limits, parts.middleware)
        return self.specialist.build(replace(parts, model=model, middleware=()))

"""What a kind of agent is, seen from a graph; what an agent is made of.

A kind says how it is wired (whom it delegates to, which words its edges carry, whether it bounds a
cycle) before anything heavy is loaded, and builds the LangGraph node when the graph is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bottega.model import Sampling

if TYPE_CHECKING:
    from bottega.budget import Budget
    from bottega.compaction import ContextPolicy
    from bottega.decider import Decider
    from bottega.dialect import Dialect
    from bottega.engine import Team
    from bottega.middleware import Middleware
    from bottega.model import Model
    from bottega.offering import Offering
    from bottega.reminding import Remembering
    from bottega.spec.model import GraphSpec
    from bottega.tools import Tool


@dataclass(frozen=True, kw_only=True)
class AgentParts:
    """Everything that an agent is made of."""

    name: str
    model: Model
    decider: Decider
    dialect: Dialect
    tools: tuple[Tool, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    description: str = ""
    """What others read to decide whether to give it a task."""
    instructions: str = ""
    """What is said to the model beyond what its kind says."""
    sampling: Sampling = Sampling()
    allow: frozenset[str] | None = None
    """Permissions that its tools may use; None for all that they declare."""
    peers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The other nodes of the graph and their descriptions."""
    context: ContextPolicy | None = None
    """How much of its conversation its model is shown; None for what the model reads."""
    offer: Offering | None = None
    """Which of its tools its model is told of; None for all."""
    memory: Remembering | None = None
    """What it keeps between runs; None for nothing."""
    limits: Budget | None = None
    """What it may spend on one task, with everything that it hands on; None to share the run's."""
    team: Team | None = None
    """The agents of the graph that the node stands for, if it stands for one."""


@runtime_checkable
class GraphKind(Protocol):
    """A kind of node that stands for a whole graph: its parts come with that graph's team."""

    @property
    def graph(self) -> GraphSpec:
        """The inner graph, checked."""
        ...


@runtime_checkable
class NodeKind(Protocol):
    """A kind of agent, with the options of one node."""

    @property
    def delegates(self) -> Sequence[str]:
        """Nodes that it hands work to; each reports back to it."""
        ...

    @property
    def refers(self) -> Sequence[str]:
        """Other nodes that its options name, such as the one that a critic reviews."""
        ...

    @property
    def outcomes(self) -> Sequence[str]:
        """Words that its outgoing edges may carry, each leading elsewhere; empty for none."""
        ...

    @property
    def bound(self) -> int | None:
        """How often it sends work back at most, which bounds a cycle through it; None: no bound."""
        ...

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return a LangGraph node over `bottega_agents.graph.state.State`."""
        ...

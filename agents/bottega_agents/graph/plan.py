"""What a graph's edges come to, worked out once: its ways, its joins, who can still reach whom.

A branch of the work is a token that stands on a node. A node that several branches lead to waits
while a token stands where it can still be reached from. Edges that lead back in a cycle do not
count for that: without them the graph has no cycle, so no two nodes wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bottega.spec.condition import heeds_failure
from bottega.spec.model import END, START, GraphSpec
from bottega.spec.walk import backward, reached
from bottega.spec.ways import Way, ways_of

BEGIN = "begin-run"
"""Stands before the first nodes of a graph that counts; no node of a file can have this name."""
GATHER = "gather-answers"
"""Stands before the end where several branches lead to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The edges of one graph."""

    names: Sequence[str]
    """Its nodes, in the order of the file."""
    ways: Mapping[str, Sequence[Way]]
    """By the node that they leave, start among them."""
    parallel: bool
    """Whether several nodes can be at work beside each other."""
    counts: bool
    """Whether the state keeps count of tokens, of bounded edges, of what lies before a node."""
    joins: frozenset[str]
    """Nodes that wait for other branches."""
    after: Mapping[str, frozenset[str]]
    """The nodes that can be reached from each, without leading back."""

    @staticmethod
    def of(spec: GraphSpec, handovers: Mapping[str, Sequence[str]] | None = None) -> Plan:
        """Work it out; `handovers` are nodes that a node may leave its task to.

        Raises ExpressionError for a condition that cannot be read.
        """
        names = [node.name for node in spec.nodes]
        ways = {
            name: ways_of(edge for edge in spec.edges if edge.source == name)
            for name in (START, *names)
        }
        parallel = any(len(way.targets) > 1 for some in ways.values() for way in some)
        pairs = list(dict.fromkeys((edge.source, edge.target) for edge in spec.edges))
        left_to = [(name, other) for name, others in (handovers or {}).items() for other in others]
        every = list(dict.fromkeys([*pairs, *left_to]))
        back = backward(every, START, names)
        forward = [pair for pair in every if pair not in back]
        return Plan(
            names=names,
            ways=ways,
            parallel=parallel,
            counts=parallel or _counts(ways),
            joins=_joins([pair for pair in pairs if pair not in back]) if parallel else frozenset(),
            after=_after(forward, names) if parallel else {},
        )

    @property
    def gathers(self) -> bool:
        """Whether several branches may come to the end by themselves."""
        return END in self.joins

    def node_of(self, target: str) -> str:
        """Return the node that stands for an edge's target."""
        return GATHER if target == END and self.gathers else target

    def waits(self, name: str, tokens: Mapping[str, float]) -> bool:
        """Say whether another branch may still come to the node."""
        return any(
            count > 0 and other != name and name in self.after.get(other, ())
            for other, count in tokens.items()
        )


def _counts(ways: Mapping[str, Sequence[Way]]) -> bool:
    if any(way.edge.label for way in ways[START]):
        return True
    every = [way for some in ways.values() for way in some]
    heeding = any(way.condition and heeds_failure(way.condition) for way in every)
    return heeding or any(way.edge.most is not None for way in every)


def _joins(forward: Sequence[tuple[str, str]]) -> frozenset[str]:
    sources: dict[str, set[str]] = {}
    for source, target in forward:
        sources.setdefault(target, set()).add(source)
    return frozenset(target for target, some in sources.items() if len(some) > 1)


def _after(forward: Sequence[tuple[str, str]], names: Sequence[str]) -> dict[str, frozenset[str]]:
    onward: dict[str, list[str]] = {}
    for source, target in forward:
        onward.setdefault(source, []).append(target)
    return {name: frozenset(reached(onward.get(name, ()), onward)) for name in names}


def graph_end(name: str) -> str:
    """Return what LangGraph calls a node: its end has a name of its own."""
    from langgraph.graph import END as LG_END

    return LG_END if name == END else name

"""What a picture shows of a graph: delegation, edges that lead back, how far on each node is.

Read from the file alone, so that a graph whose plugins are missing can still be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bottega.messages import Json
from bottega.spec.drawing import cut
from bottega.spec.model import END, START, GraphSpec, NodeSpec
from bottega.spec.walk import backward

Pair = tuple[str, str]
LONGEST_LABEL = 48
"""Characters of what stands on an edge."""
TALK = "talks_to"
"""The option that lists nodes which get messages, not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """The lines of a picture, and the order that they give to its nodes."""

    delegations: tuple[Pair, ...]
    forward: Mapping[Pair, str]
    """Edges with what takes them; those between the same two nodes are one line."""
    backward: Mapping[Pair, str]
    """Edges that close a cycle."""
    ranks: Mapping[str, int]
    """Steps from start, along the longest way; nodes that only take delegated work have none."""
    under: Mapping[str, tuple[str, ...]]
    """Nodes that only take delegated work, below the first that delegates to them."""


def links_of(spec: GraphSpec) -> Links:
    """Return what a picture of the graph shows."""
    names = {node.name for node in spec.nodes}
    edges = _edges(spec, names)
    back = backward(edges, START, [node.name for node in spec.nodes])
    forward = {pair: text for pair, text in edges.items() if pair not in back}
    on_edges = {name for pair in edges for name in pair}
    asked = {node.name: delegates_of(node, names, on_edges) for node in spec.nodes}
    delegations = tuple((name, to) for name, others in asked.items() for to in others)
    under = _under(spec, delegations, on_edges)
    placed = {name for below in under.values() for name in below}
    return Links(
        delegations=delegations,
        forward=forward,
        backward={pair: text for pair, text in edges.items() if pair in back},
        ranks=_ranks([node.name for node in spec.nodes if node.name not in placed], forward),
        under=under,
    )


def delegates_of(node: NodeSpec, names: set[str], on_edges: set[str]) -> tuple[str, ...]:
    """Return the nodes that it delegates to: an option lists them, or names one without edges."""
    found: dict[str, None] = {}
    for key, value in node.options.items():
        listed = _texts(value) if isinstance(value, list) and key != TALK else []
        alone = [value] if isinstance(value, str) and value not in on_edges else []
        for name in (*listed, *alone):
            if name in names and name != node.name:
                found[name] = None
    return tuple(found)


def _texts(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)]


def _edges(spec: GraphSpec, names: set[str]) -> dict[Pair, str]:
    known = {*names, START, END}
    edges: dict[Pair, str] = {}
    for edge in spec.edges:
        pair = (edge.source, edge.target)
        if edge.source in known and edge.target in known and edge.source != edge.target:
            words = [word for word in (edges.get(pair, ""), cut(edge.label, LONGEST_LABEL)) if word]
            edges[pair] = " / ".join(dict.fromkeys(words))
    return edges


def _under(
    spec: GraphSpec, delegations: tuple[Pair, ...], on_edges: set[str]
) -> dict[str, tuple[str, ...]]:
    """Hang each node that is on no edge below one that delegates to it, top down."""
    below: dict[str, list[str]] = {}
    for source, target in delegations:
        if target not in on_edges:
            below.setdefault(source, []).append(target)
    asked = {target for targets in below.values() for target in targets}
    todo = [node.name for node in spec.nodes if node.name not in asked]
    seen = set(todo)
    under: dict[str, tuple[str, ...]] = {}
    for name in todo:  # grows while it is read: breadth first
        mine = [target for target in below.get(name, ()) if target not in seen]
        under[name] = tuple(mine)
        seen.update(mine)
        todo.extend(mine)
    return {name: mine for name, mine in under.items() if mine}


def _ranks(names: list[str], forward: Mapping[Pair, str]) -> dict[str, int]:
    ranks = dict.fromkeys([START, *names, END], 1) | {START: 0}
    waiting = {name: sum(target == name for _, target in forward) for name in ranks}
    onward: dict[str, list[str]] = {}
    for source, target in forward:
        onward.setdefault(source, []).append(target)
    todo = [name for name, count in waiting.items() if not count]
    for name in todo:  # grows while it is read: a node follows when all before it are placed
        for target in onward.get(name, ()):
            ranks[target] = max(ranks[target], ranks[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                todo.append(target)
    ranks[END] = max(rank for name, rank in ranks.items() if name != END) + 1
    return ranks

"""The ways that lead on from a node: its edges, those that are taken together counted as one.

Exactly one way is taken. The compiler asks `chosen` when a node has ended; the check of a graph
asks `fitting` for everything that can be the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bottega.spec.condition import Condition, Value, heeds_failure
from bottega.spec.expression import parse_condition
from bottega.spec.model import EdgeSpec

SAID = "said"
"""Among the facts: the word that the node itself has said, for edges that carry words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Edges from one node that are taken together, in parallel."""

    edges: tuple[EdgeSpec, ...]
    condition: Condition | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The nodes that it leads to."""
        return tuple(edge.target for edge in self.edges)

    @property
    def edge(self) -> EdgeSpec:
        """The first of its edges; in what takes them they are all alike."""
        return self.edges[0]

    @property
    def key(self) -> str:
        """Names the way within its graph: what its uses are counted under."""
        return f"{self.edge.source} -> {', '.join(self.targets)}: {self.edge.label}"

    def fits(self, facts: Mapping[str, Value]) -> bool:
        """Say whether it may be taken; a failure only fits a condition that speaks of it.

        Never for `else`, which is taken when nothing fits.
        """
        edge = self.edge
        if facts.get("failed"):
            heeded = self.condition is not None and heeds_failure(self.condition)
            return self.condition is not None and heeded and self.condition.holds(facts)
        if edge.outcome:
            return facts.get(SAID) == edge.outcome
        if self.condition is not None:
            return self.condition.holds(facts)
        return not edge.otherwise


def ways_of(edges: Iterable[EdgeSpec]) -> tuple[Way, ...]:
    """Return the ways that the edges of one node make. Raises ExpressionError."""
    groups: dict[str, list[EdgeSpec]] = {}
    for edge in edges:
        groups.setdefault(edge.label, []).append(edge)
    return tuple(
        Way(
            edges=tuple(group),
            condition=parse_condition(group[0].condition) if group[0].condition else None,
        )
        for group in groups.values()
    )


def fitting(ways: Sequence[Way], facts: Mapping[str, Value]) -> list[Way]:
    """Return the ways that fit; where none does and the node has not failed, `else`."""
    fits = [way for way in ways if way.fits(facts)]
    if fits or facts.get("failed"):
        return fits
    return [way for way in ways if way.edge.otherwise]


def chosen(
    ways: Sequence[Way], facts: Mapping[str, Value], used: Mapping[str, float]
) -> tuple[Way | None, Way | None]:
    """Return the way to take, and the one that would have been but for its bound.

    `used` says how often each bounded way was taken, by its key.
    """
    free = [way for way in ways if way.edge.most is None or used.get(way.key, 0) < way.edge.most]
    wanted, found = fitting(ways, facts)[:1], fitting(free, facts)[:1]
    taken = found[0] if found else None
    barred = wanted[0] if wanted and wanted[0] is not taken else None
    return taken, barred

"""The edges of a graph: whether it can begin, whether it can end, and what bounds its cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bottega.errors import suggest
from bottega.spec.findings import Findings, clip
from bottega.spec.leaving import Leaving
from bottega.spec.model import END, START, EdgeSpec, GraphSpec, Mark
from bottega.spec.team import Wiring, nearest
from bottega.spec.walk import cycles, reached

_OneWay = Mapping[str, list[EdgeSpec]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Check the edges of one graph."""

    spec: GraphSpec
    wirings: Mapping[str, Wiring]
    findings: Findings

    def check(self) -> None:
        """Add every finding about edges."""
        edges = self._distinct([self._known(edge) for edge in self.spec.edges])
        leaving: dict[str, list[EdgeSpec]] = {}
        for edge in edges:
            leaving.setdefault(edge.source, []).append(edge)
        check = Leaving(wirings=self.wirings, findings=self.findings)
        check.check_start(leaving.get(START, []))
        stuck = {name for name in self.wirings if not check.check_node(name, leaving.get(name, []))}
        if leaving.get(START):
            self._check_ways(leaving, stuck)
        self._check_cycles(leaving)

    def _known(self, edge: EdgeSpec) -> EdgeSpec | None:
        """Return the edge between nodes that exist: those that were probably meant."""
        names = list(self.wirings)
        source = self._node(edge.source, [*names, START], edge)
        target = self._node(edge.target, [*names, END], edge)
        if not source or not target:
            return None
        if source == target:
            message = f"an edge from {source!r} to itself"
            self.findings.add(edge.mark, message, "a node repeats its steps within its own loop")
            return None
        if source == START and target == END:
            self.findings.add(edge.mark, "the graph does nothing", "lead `start` to a node")
        return replace(edge, source=source, target=target)

    def _node(self, name: str, names: list[str], edge: EdgeSpec) -> str:
        if name in names:
            return name
        if name == START:
            self.findings.add(edge.mark, "an edge back to start", "name the node that begins")
            return ""
        if name == END:
            self.findings.add(edge.mark, "an edge from end", "name the node that runs before it")
            return ""
        if self.findings.full:
            return ""
        self.findings.add(edge.mark, f"unknown node {clip(name)}", suggest(name.lower(), names))
        return nearest(name, names)

    def _distinct(self, edges: Iterable[EdgeSpec | None]) -> list[EdgeSpec]:
        seen: dict[tuple[str, str, str], EdgeSpec] = {}
        for edge in edges:
            if edge is None:
                continue
            key = (edge.source, edge.target, f"{edge.mark}" if edge.broken else edge.label)
            if key in seen:
                message = f"the edge `{edge}` stands here a second time"
                self.findings.add(edge.mark, message, _first(seen[key].mark))
            seen.setdefault(key, edge)
        return list(seen.values())

    def _check_ways(self, leaving: _OneWay, stuck: set[str]) -> None:
        onward = {name: [edge.target for edge in edges] for name, edges in leaving.items()}
        for name, wiring in self.wirings.items():
            if wiring.heirs:
                onward[name] = [*onward.get(name, ()), *wiring.heirs]
        flowing = reached([START], onward) - {START, END}
        team = {name: list(wiring.delegates) for name, wiring in self.wirings.items()}
        both = {name: [*onward.get(name, ()), *team.get(name, ())] for name in {*onward, *team}}
        running = reached([START], both)
        backward: dict[str, list[str]] = {}
        for edge in (edge for edges in leaving.values() for edge in edges):
            backward.setdefault(edge.target, []).append(edge.source)
        ending = reached([END, *stuck], backward)
        for name, wiring in self.wirings.items():
            mark = wiring.node.marks.get("", Mark())
            if name not in running:
                hint = "an edge must lead to it, or a node delegate to it"
                self.findings.add(mark, f"node {name!r} is never reached", hint)
            elif name in flowing and name in stuck and not leaving.get(name):
                hint = f"add `{name} -> end`, or an edge to the next node"
                self.findings.add(mark, f"nothing leads on from node {name!r}", hint)
            elif name in flowing and name not in ending:
                hint = "an edge to `end` must leave one of the nodes after it"
                self.findings.add(mark, f"there is no way from {name!r} to end", hint)
            elif name not in flowing and leaving.get(name):
                edge = leaving[name][0]
                message = f"the edge `{edge}` is never taken"
                hint = f"{name!r} reports back to whoever delegates to it"
                self.findings.add(edge.mark, message, hint)

    def _check_cycles(self, leaving: _OneWay) -> None:
        free = {
            name: [edge for edge in leaving.get(name, ()) if not self._is_bounded(edge)]
            for name in self.wirings
        }
        onward = {
            name: [edge.target for edge in edges if edge.target in self.wirings]
            for name, edges in free.items()
        }
        for cycle in cycles(onward):
            closing = next(edge for edge in free[cycle[-2]] if edge.target == cycle[-1])
            message = f"a cycle without a bound: {' -> '.join(cycle)}"
            hint = f"bound one of its edges: `{closing} (at most 3)`"
            if not closing.label:
                hint = f"bound one of its edges: `{closing}: at most 3`"
            self.findings.add(closing.mark, message, hint)

    def _is_bounded(self, edge: EdgeSpec) -> bool:
        wiring = self.wirings[edge.source]
        by_word = wiring.bound is not None and bool(edge.outcome)
        return not wiring.known or edge.broken or edge.most is not None or by_word


def _first(mark: Mark) -> str:
    return f"the first is on line {mark.line}" if mark.line else "it is there already"

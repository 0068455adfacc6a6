"""The edges of a graph: whether it can begin, whether it can end, and what bounds its cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bottega.errors import suggest
from bottega.spec.findings import Findings, clip
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
        self._check_entry(leaving.get(START, []))
        stuck = {
            name for name in self.wirings if not self._check_leaving(name, leaving.get(name, []))
        }
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
            key = (edge.source, edge.target, edge.outcome)
            if key in seen:
                message = f"the edge `{_written(edge)}` stands here a second time"
                self.findings.add(edge.mark, message, _first(seen[key].mark))
            seen.setdefault(key, edge)
        return list(seen.values())

    def _check_entry(self, entries: list[EdgeSpec]) -> None:
        if not entries:
            first = next(iter(self.wirings), "a node")
            self.findings.add(Mark(), "no edge leaves start", f"add `start -> {first}`")
        for edge in entries[1:]:
            hint = f"{_first(entries[0].mark)}; one node begins, and may delegate"
            self.findings.add(edge.mark, "a second edge leaves start", hint)
        for edge in entries:
            if edge.outcome:
                hint = f"write `start -> {edge.target}`"
                self.findings.add(edge.mark, "start has no outcome", hint)

    def _check_leaving(self, name: str, edges: list[EdgeSpec]) -> bool:
        """Say whether what leaves a node leads on from it in every case."""
        wiring = self.wirings[name]
        if not wiring.known:
            return True
        if not edges:
            return False
        if wiring.outcomes:
            return self._check_outcomes(wiring, edges)
        for edge in edges:
            if edge.outcome:
                message = f"{name!r} has no outcomes, so its edge carries none"
                self.findings.add(edge.mark, message, f"write `{name} -> {edge.target}`")
        for edge in edges[1:]:
            hint = f"{_first(edges[0].mark)}; one edge without outcome leaves a node"
            self.findings.add(edge.mark, f"a second edge leaves {name!r}", hint)
        return True

    def _check_outcomes(self, wiring: Wiring, edges: list[EdgeSpec]) -> bool:
        seen: dict[str, EdgeSpec] = {}
        for edge in edges:
            if edge.outcome and edge.outcome not in wiring.outcomes:
                message = f"{edge.source!r} has no outcome {clip(edge.outcome)}"
                hint = suggest(edge.outcome, wiring.outcomes)
                self.findings.add(edge.mark, message, hint)
            elif not edge.outcome:
                words = " or ".join(repr(word) for word in wiring.outcomes)
                message = f"an edge from {edge.source!r} needs an outcome: {words}"
                example = f"write `{edge.source} -> {edge.target}: {wiring.outcomes[0]}`"
                self.findings.add(edge.mark, message, example)
            meant = edge.outcome if edge.outcome in wiring.outcomes else ""
            meant = meant or nearest(edge.outcome, wiring.outcomes)
            if meant in seen:
                message = f"a second edge from {edge.source!r} carries {meant!r}"
                self.findings.add(edge.mark, message, _first(seen[meant].mark))
            seen.setdefault(meant, edge)
        missing = [word for word in wiring.outcomes if word not in seen]
        for word in missing:
            name = wiring.node.name
            message = f"nothing leads on when {name!r} says {word!r}"
            hint = f"add an edge such as `{name} -> end: {word}`"
            self.findings.add(edges[0].mark, message, hint)
        return not missing

    def _check_ways(self, leaving: _OneWay, stuck: set[str]) -> None:
        onward = {name: [edge.target for edge in edges] for name, edges in leaving.items()}
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
                message = f"the edge `{_written(edge)}` is never taken"
                hint = f"{name!r} reports back to whoever delegates to it"
                self.findings.add(edge.mark, message, hint)

    def _check_cycles(self, leaving: _OneWay) -> None:
        free = [name for name in self.wirings if not self._is_bounded(name, leaving)]
        onward = {
            name: [edge.target for edge in leaving.get(name, ()) if edge.target in free]
            for name in free
        }
        for cycle in cycles(onward):
            closing = next(edge for edge in leaving[cycle[-2]] if edge.target == cycle[-1])
            message = f"a cycle without a bound: {' -> '.join(cycle)}"
            hint = "lead it through a node that sends back a bounded number of times"
            self.findings.add(closing.mark, message, hint)

    def _is_bounded(self, name: str, leaving: _OneWay) -> bool:
        wiring = self.wirings[name]
        if not wiring.known:
            return True
        return wiring.bound is not None and all(edge.outcome for edge in leaving.get(name, ()))


def _written(edge: EdgeSpec) -> str:
    return f"{edge.source} -> {edge.target}" + (f": {edge.outcome}" if edge.outcome else "")


def _first(mark: Mark) -> str:
    return f"the first is on line {mark.line}" if mark.line else "it is there already"

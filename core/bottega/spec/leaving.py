"""What leaves a node: in every case exactly one way must lead on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from bottega.errors import suggest
from bottega.spec.cases import cases, told
from bottega.spec.condition import FACTS, FACTS_AT_START, Value, comparisons
from bottega.spec.expression import ExpressionError, parse_condition
from bottega.spec.findings import Findings, clip
from bottega.spec.model import END, START, EdgeSpec, Mark
from bottega.spec.team import Wiring
from bottega.spec.ways import Way, fitting, ways_of

MOST_CASES = 4_000
"""Cases that are looked at for one node; what is found in them holds, whatever the others are."""
MOST_OF_ALL = 40_000
"""Likewise for a whole graph: a second or two."""


@dataclass(kw_only=True, slots=True)
class Leaving:
    """Check the edges that leave each node."""

    wirings: Mapping[str, Wiring]
    findings: Findings
    _left: int = MOST_OF_ALL

    def check_start(self, edges: Sequence[EdgeSpec]) -> None:
        """Add what is wrong with the edges from start."""
        if not edges:
            first = next(iter(self.wirings), "a node")
            self.findings.add(Mark(), "no edge leaves start", f"add `start -> {first}`")
        for edge in edges:
            if edge.outcome or edge.most is not None:
                what = "outcome" if edge.outcome else "bound"
                hint = f"write `start -> {edge.target}`"
                self.findings.add(edge.mark, f"start has no {what}", hint)
                return
        readable = [self._is_readable(edge, FACTS_AT_START) for edge in edges]
        if edges and all(readable) and not any(edge.broken for edge in edges):
            self._check_ways(START, ways_of(edges), ())

    def check_node(self, name: str, edges: Sequence[EdgeSpec]) -> bool:
        """Say whether what leaves a node leads on from it in every case."""
        wiring = self.wirings[name]
        readable = [self._is_readable(edge, tuple(FACTS)) for edge in edges]
        if not wiring.known or not all(readable) or any(edge.broken for edge in edges):
            return True
        if not edges:
            return False
        known = [self._knows(wiring, edge) for edge in edges]
        if not all(known):
            return True
        return self._check_ways(name, ways_of(edges), wiring.outcomes)

    def _is_readable(self, edge: EdgeSpec, known: tuple[str, ...]) -> bool:
        """Check a condition's names, and the names of nodes and words in it."""
        if not edge.condition:
            return True
        try:
            condition = parse_condition(edge.condition, known)
        except ExpressionError as error:
            self.findings.add(_place(edge, error.offset), error.message, error.hint)
            return False
        said = {word for one in self.wirings.values() for word in one.outcomes}
        unsure = any(not one.known for one in self.wirings.values())
        for one in comparisons(condition):
            names = list(self.wirings) if one.name == "author" else sorted(said)
            if one.name not in ("author", "verdict") or one.operator == "contains":
                continue
            if one.literal not in names and not (unsure and one.name == "verdict"):
                what = "node" if one.name == "author" else "outcome"
                message = f"no {what} is called {clip(str(one.literal))}"
                hint = suggest(str(one.literal), names) if names else "no edge carries a word"
                self.findings.add(_place(edge, one.offset), message, hint)
        return True

    def _knows(self, wiring: Wiring, edge: EdgeSpec) -> bool:
        """Say whether the edge carries a word where its source says words, and one of them."""
        if edge.outcome in wiring.outcomes or (not edge.outcome and not wiring.outcomes):
            return True
        if not edge.outcome and edge.label and edge.label != f"at most {edge.most}":
            return True
        words = " or ".join(repr(word) for word in wiring.outcomes)
        if not edge.outcome:
            message = f"an edge from {edge.source!r} needs an outcome: {words}"
            hint = f"write `{edge.source} -> {edge.target}: {wiring.outcomes[0]}`"
        elif wiring.outcomes:
            message = f"{edge.source!r} has no outcome {clip(edge.outcome)}"
            hint = suggest(edge.outcome, wiring.outcomes)
        else:
            message = f"{edge.source!r} has no outcomes, so its edge carries none"
            hint = f"write `{edge.source} -> {edge.target}`, or `if` and a condition"
        self.findings.add(edge.mark, message, hint)
        return False

    def _check_ways(self, name: str, ways: Sequence[Way], outcomes: Sequence[str]) -> bool:
        """Look for cases in which two ways are open, or none."""
        overlaps: dict[tuple[str, str], tuple[Way, Way, Mapping[str, Value]]] = {}
        missing: dict[str, Mapping[str, Value]] = {}
        open_ways: set[str] = set()
        most, seen = min(MOST_CASES, self._left), 0
        for case in islice(cases(ways, outcomes), most):
            seen += 1
            found = fitting(ways, case)
            open_ways.update(way.key for way in found)
            for one, other in combinations(found, 2):
                overlaps.setdefault((one.key, other.key), (one, other, case))
            if not found and not case["failed"]:
                missing.setdefault(str(case.get("said", "")), case)
        for one, other, case in overlaps.values():
            self._add_overlap(one, other, case)
        for word, case in missing.items():
            self._add_missing(name, ways, word, case)
        self._left -= seen
        if not overlaps and not missing and seen < most:
            self._add_never(ways, open_ways)
        self._check_ends(ways)
        return not missing

    def _add_overlap(self, one: Way, other: Way, case: Mapping[str, Value]) -> None:
        late = other.edge if other.edge.label else one.edge
        early = one.edge if late is other.edge else other.edge
        when = told(case, (one, other))
        message = f"`{late}` and `{early}` are both taken" + (f" when {when}" if when else "")
        hint = "make the conditions exclude each other"
        if not early.label and not early.condition:
            hint = f"write `{early}: else`, or give it a condition"
        self.findings.add(late.mark, message, hint)

    def _add_missing(
        self, name: str, ways: Sequence[Way], word: str, case: Mapping[str, Value]
    ) -> None:
        edge = ways[0].edge
        if word and not any(way.condition for way in ways):
            message = f"nothing leads on when {name!r} says {word!r}"
            hint = f"add an edge such as `{name} -> end: {word}`"
        else:
            message = f"nothing leads on from {name!r} when {told(case, ways)}"
            hint = f"add `{name} -> end: else`"
        self.findings.add(edge.mark, message, hint)

    def _add_never(self, ways: Sequence[Way], open_ways: set[str]) -> None:
        bounded = any(way.edge.most is not None for way in ways)
        for way in ways:
            if way.key in open_ways or (way.edge.otherwise and bounded):
                continue
            asked = [FACTS[one.name] for one in comparisons(way.condition)] if way.condition else []
            if any(fact.type == "text" and not fact.choices for fact in asked):
                continue  # a text may be what no case here is
            self.findings.add(way.edge.mark, f"`{way.edge}` is never taken", "leave it out")

    def _check_ends(self, ways: Sequence[Way]) -> None:
        for way in ways:
            if END in way.targets and len(way.edges) > 1:
                edge = next(edge for edge in way.edges if edge.target == END)
                others = [target for target in way.targets if target != END]
                message = f"`{edge}` stands beside `{edge.source} -> {others[0]}`"
                self.findings.add(edge.mark, message, "end where the branches have come together")


def _place(edge: EdgeSpec, offset: int) -> Mark:
    place = edge.marks.get("condition")
    return Mark(line=place.line, column=place.column + offset) if place else edge.mark

"""Edges: `source -> target`, with what takes them after a colon.

a -> b                              always
a -> [b, c]                         both, in parallel; `"[b, c] -> d"` for several sources
a -> b: word                        when a says the word
a -> b: if score < 0.5              when the condition holds
a -> b: else                        when no other edge of a is taken
a -> b: if score < 0.5 (at most 3)  so often in one run; also behind a word, or alone
"""

from __future__ import annotations

import re
from dataclasses import replace

from bottega.spec.document import Node, Refused, Scalar, Table
from bottega.spec.expression import ExpressionError, parse_condition
from bottega.spec.fields import Reader
from bottega.spec.findings import clip
from bottega.spec.model import EdgeSpec, Mark

MOST_TIMES = 1_000
"""The largest bound of an edge."""
MOST_NAMES = 50
"""On one side of an arrow."""

_WORD = r"[A-Za-z_][A-Za-z0-9_-]*"
_SIDE = rf"(?:{_WORD}|\[\s*{_WORD}(?:\s*,\s*{_WORD}){{0,{MOST_NAMES - 1}}}\s*\])"
_EDGE = re.compile(rf"\s*({_SIDE})\s*->\s*({_SIDE})\s*")
_MEANT = re.compile(rf"\s*({_SIDE})\s*[-=<>→]+\s*({_SIDE})\s*")
_BOUND = re.compile(r"(?:(?<=\s)|^)(\()?\s*at most\s+([0-9]{1,99})(?:\s+times)?\s*(?(1)\))\s*$")
_FORM = "write `a -> b`, or `a -> b: outcome`"
_LABEL_FORM = "a word, `if` and a condition, `else`, or `at most 3`"
_ARROWS = re.compile(r"-->|=>|→|--|<-|>")


def read_edges(node: Node, reader: Reader) -> tuple[EdgeSpec, ...]:
    """Return the edges that stand there; none when a finding says why they cannot be read."""
    if isinstance(node, Table):
        return _read_table(node, reader)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        ends, colon, label = node.value.partition(":")
        begin = node.mark.column + len(ends) + len(colon) + int(node.quoted)
        begin += len(label) - len(label.lstrip())
        mark = Mark(line=node.mark.line, column=begin)
        return _Written(reader, node.value, node.mark).edges(ends, label, mark)
    reader.wrong(node, "edges", "an edge", _FORM)
    return ()


def _read_table(node: Table, reader: Reader) -> tuple[EdgeSpec, ...]:
    if len(node.entries) != 1:
        message = f"edges: expected one edge, got a mapping of {len(node.entries)} keys"
        reader.findings.add(node.mark, message, "give each edge its own item of the list")
        return ()
    entry = node.entries[0]
    label = _label(entry.value, entry.key, reader)
    if label is None or not isinstance(entry.value, Scalar):
        return ()
    column = entry.value.mark.column + int(entry.value.quoted)
    mark = Mark(line=entry.value.mark.line, column=column)
    written = _Written(reader, f"{entry.key}: {label}", entry.mark)
    return written.edges(entry.key, label, mark)


def _label(node: Node, edge: str, reader: Reader) -> str | None:
    what = f"outcome of {clip(edge)}"
    if isinstance(node, Refused):
        return None
    if isinstance(node, Scalar) and node.value is None:
        reader.wrong(node, what, "a word", "leave the colon out for an edge that is always taken")
        return None
    return reader.text(node, what, "a word")


class _Written:
    """One item of the list of edges."""

    def __init__(self, reader: Reader, text: str, mark: Mark) -> None:
        self._findings = reader.findings
        self._text = text
        self._mark = mark

    def edges(self, ends: str, label: str, mark: Mark) -> tuple[EdgeSpec, ...]:
        """Return an edge for each pair of a source and a target; `mark` is the label's.

        With another arrow it is a finding and the edge that was meant, so that checks can go on.
        """
        found = _EDGE.fullmatch(ends)
        if not found:
            self._findings.add(self._mark, f"{clip(self._text)} is not an edge", _hint(ends))
            found = _MEANT.fullmatch(ends)
        said = self._said(label.strip(), mark)
        if not found:
            return ()
        return tuple(
            replace(said, source=source, target=target)
            for source in re.findall(_WORD, found[1])
            for target in re.findall(_WORD, found[2])
        )

    def _said(self, label: str, mark: Mark) -> EdgeSpec:
        """Return an edge between no nodes that says what the label says."""
        bound = _BOUND.search(label)
        most = None
        if bound:
            label, most = label[: bound.start()].rstrip(), int(bound[2])
            if not 1 <= most <= MOST_TIMES:
                message = f"an edge is taken at most 1 to {MOST_TIMES:,} times, not {bound[2]}"
                self._findings.add(mark, message, "leave the bound out where none is needed")
                return self._broken(mark)
        edge = EdgeSpec(source="", target="", most=most, mark=self._mark, marks={"label": mark})
        if label.partition(" ")[0] == "if":
            return self._conditional(label[2:], edge, mark)
        if label == "else":
            return replace(edge, otherwise=True)
        if label and not re.fullmatch(_WORD, label):
            self._findings.add(self._mark, f"{clip(self._text)} is not an edge", _label_hint(label))
            return self._broken(mark)
        return replace(edge, outcome=label)

    def _broken(self, mark: Mark) -> EdgeSpec:
        """Return an edge that leads somewhere, so that no finding follows from this one."""
        return EdgeSpec(source="", target="", broken=True, mark=self._mark, marks={"label": mark})

    def _conditional(self, text: str, edge: EdgeSpec, mark: Mark) -> EdgeSpec:
        condition = text.strip()
        column = mark.column + len("if") + text.find(condition)
        try:
            parse_condition(condition)
        except ExpressionError as error:
            place = Mark(line=mark.line, column=column + error.offset)
            self._findings.add(place, error.message, error.hint)
            return self._broken(mark)
        marks = {"label": mark, "condition": Mark(line=mark.line, column=column)}
        return replace(edge, condition=condition, marks=marks)


def _hint(text: str) -> str:
    if text.count("->") > 1:
        return "give each arrow its own edge: `a -> b, b -> c`"
    arrow = None if "->" in text.replace("-->", "") else _ARROWS.search(text)
    return f"write `->`, not {arrow[0]!r}" if arrow else _FORM


def _label_hint(label: str) -> str:
    if label.startswith(("when ", "If ", "IF ")):
        return "write `if`, then the condition"
    if label in ("otherwise", "default"):
        return "write `else`"
    return f"behind the colon stands {_LABEL_FORM}"

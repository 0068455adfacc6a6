"""Edges: `source -> target`, with the outcome that takes them after a colon."""

from __future__ import annotations

import re

from bottega.spec.document import Node, Refused, Scalar, Table
from bottega.spec.fields import Reader
from bottega.spec.findings import clip
from bottega.spec.model import EdgeSpec, Mark

_WORD = r"[A-Za-z_][A-Za-z0-9_-]*"
_EDGE = re.compile(rf"\s*({_WORD})\s*->\s*({_WORD})\s*(?::\s*({_WORD})\s*)?")
_MEANT = re.compile(rf"\s*({_WORD})\s*[-=<>→]+\s*({_WORD})\s*(?::\s*({_WORD})\s*)?")
_FORM = "write `a -> b`, or `a -> b: outcome`"
_ARROWS = re.compile(r"-->|=>|→|--|<-|>")


def read_edge(node: Node, reader: Reader) -> EdgeSpec | None:
    """Return the edge that stands there; None when it cannot be read and a finding says so."""
    if isinstance(node, Table):
        return _read_table(node, reader)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return parse_edge(node.value, node.mark, reader)
    reader.wrong(node, "edges", "an edge", _FORM)
    return None


def _read_table(node: Table, reader: Reader) -> EdgeSpec | None:
    if len(node.entries) != 1:
        message = f"edges: expected one edge, got a mapping of {len(node.entries)} keys"
        reader.findings.add(node.mark, message, "give each edge its own item of the list")
        return None
    entry = node.entries[0]
    outcome = _outcome(entry.value, entry.key, reader)
    return None if outcome is None else parse_edge(f"{entry.key}: {outcome}", entry.mark, reader)


def _outcome(node: Node, edge: str, reader: Reader) -> str | None:
    what = f"outcome of {clip(edge)}"
    if isinstance(node, Refused):
        return None
    if isinstance(node, Scalar) and node.value is None:
        reader.wrong(node, what, "a word", "leave the colon out for an edge that is always taken")
        return None
    return reader.text(node, what, "a word")


def parse_edge(text: str, mark: Mark, reader: Reader) -> EdgeSpec | None:
    """Read `source -> target` or `source -> target: outcome`.

    With another arrow it is a finding and the edge that was meant, so that checks can go on.
    """
    found = _EDGE.fullmatch(text)
    if not found:
        reader.findings.add(mark, f"{clip(text)} is not an edge", _hint(text))
        found = _MEANT.fullmatch(text)
    if not found:
        return None
    return EdgeSpec(source=found[1], target=found[2], outcome=found[3] or "", mark=mark)


def _hint(text: str) -> str:
    if text.count("->") > 1:
        return "give each arrow its own edge: `a -> b, b -> c`"
    arrow = None if "->" in text.replace("-->", "") else _ARROWS.search(text)
    return f"write `->`, not {arrow[0]!r}" if arrow else _FORM

"""`limits` of a graph or of one node: the same keys, the same bounds."""

from __future__ import annotations

from bottega.budget import Budget
from bottega.messages import Json
from bottega.spec.document import Node
from bottega.spec.fields import Range, Reader

LIMITS = {
    "steps": Range(least=1, most=10_000),
    "seconds": Range(least=0.001, most=7 * 24 * 3600, whole=False),
    "tokens": Range(least=1, most=100_000_000),
    "money": Range(least=0.000001, most=100_000, whole=False),
    "repeats": Range(least=2, most=1_000),
}
"""Seven days, a hundred thousand dollars, and what no single run has ever needed."""


def read_limits(node: Node | None, reader: Reader, example: str) -> dict[str, Json] | None:
    """Return the limits that are given; None where there is no table of them."""
    table = None if node is None else reader.table(node, "limits", f"for example `{example}`")
    if table is None:
        return None
    fields = reader.fields(table, "`limits`", tuple(LIMITS))
    return reader.numbers(fields, "limits", LIMITS)


def graph_limits(node: Node | None, reader: Reader) -> Budget:
    """Return what a run may spend; what is not given is as it is for every run."""
    return Budget(**(read_limits(node, reader, "limits: {steps: 40}") or {}))


def node_limits(node: Node | None, reader: Reader) -> Budget | None:
    """Return what a node may spend; what is not given is not limited for it alone."""
    given = read_limits(node, reader, "limits: {steps: 10}")
    return Budget.only(**given) if given else None

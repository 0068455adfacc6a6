"""From the text of a graph file to a `GraphSpec`, with every mistake of form at once.

Form only: which keys there are and what type their values have. Whether the names in it are
registered, and whether the graph can run at all, is `bottega.spec.check`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bottega.errors import Finding, GraphError
from bottega.spec.document import Node, Table, read_document
from bottega.spec.edges import read_edges
from bottega.spec.fields import Reader
from bottega.spec.findings import Findings, clip
from bottega.spec.limits import graph_limits
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec, Reference
from bottega.spec.nodes import read_node
from bottega.spec.source import check_text, read_text

MOST_GRAPH_NODES = 500
MOST_EDGES = 5_000

GRAPH_KEYS = (
    "name",
    "model",
    "decider",
    "dialect",
    "middleware",
    "nodes",
    "edges",
    "memory",
    "limits",
)
_EXAMPLE = "for example `edges: [start -> lead, lead -> end]`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What could be read of a graph file, and what is wrong with it."""

    spec: GraphSpec | None
    """None when there is nothing that could be checked further."""
    findings: tuple[Finding, ...]


def read_graph(path: Path | str) -> GraphSpec:
    """Return the graph of a file. Raises GraphError with every finding."""
    return _accept(draft_file(path))


def parse_graph(text: str, *, file: str = "", folder: Path | None = None) -> GraphSpec:
    """Return the graph of a text. Raises GraphError with every finding."""
    return _accept(draft_text(text, file=file, folder=folder))


def draft_file(path: Path | str) -> Draft:
    """Read as much of a file as can be read; nothing is raised."""
    place = Path(path)
    findings = Findings(file=str(path))
    text = read_text(place, findings)
    if text is None:
        return Draft(spec=None, findings=findings.sorted())
    return draft_text(text, file=str(path), folder=place.absolute().parent)


def draft_text(text: str, *, file: str = "", folder: Path | None = None) -> Draft:
    """Read as much of a text as can be read; nothing is raised."""
    findings = Findings(file=file)
    text = text.removeprefix("\ufeff")
    if not check_text(text, findings):
        return Draft(spec=None, findings=findings.sorted())
    root = read_document(text, findings)
    spec = None
    if root is not None and root.entries:
        reading = _Reading(reader=Reader(findings=findings), table=root)
        spec = reading.graph(file=file, folder=folder or Path.cwd())
    return Draft(spec=spec, findings=findings.sorted())


def _accept(draft: Draft) -> GraphSpec:
    if draft.findings or draft.spec is None:
        raise GraphError(draft.findings)
    return draft.spec


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """One graph being read."""

    reader: Reader
    table: Table

    def graph(self, *, file: str, folder: Path) -> GraphSpec:
        fields = self.reader.fields(self.table, "a graph", GRAPH_KEYS)
        model = self.reader.reference(fields.get("model"), "model")
        return GraphSpec(
            name=self._name(fields.get("name"), file),
            nodes=self._nodes(fields.get("nodes")),
            edges=self._edges(fields.get("edges")),
            model=model or Reference(name="embedded"),
            decider=self.reader.reference(fields.get("decider"), "decider"),
            dialect=self.reader.reference(fields.get("dialect"), "dialect"),
            middleware=self.reader.references(fields.get("middleware"), "middleware"),
            memory=self.reader.reference(fields.get("memory"), "memory")
            or Reference(name="sqlite"),
            limits=graph_limits(fields.get("limits"), self.reader),
            file=file,
            folder=folder,
        )

    def _name(self, node: Node | None, file: str) -> str:
        default = Path(file).stem or "graph"
        if node is None:
            return default
        name = self.reader.text(node, "name")
        if name is None:
            return default
        if not name.isprintable() or len(name) > 100:
            message = f"name: expected one line of at most 100 characters, got {clip(name)}"
            self.reader.findings.add(node.mark, message)
        return name

    def _nodes(self, node: Node | None) -> tuple[NodeSpec, ...]:
        hint = "for example `nodes: {lead: {kind: specialist}}`"
        if node is None:
            self.reader.findings.add(self.table.mark, "the graph has no `nodes`", hint)
            return ()
        table = self.reader.table(node, "nodes", hint)
        if table is None:
            return ()
        if not table.entries:
            self.reader.findings.add(node.mark, "`nodes` is empty", hint)
        if len(table.entries) > MOST_GRAPH_NODES:
            message = f"a graph has at most {MOST_GRAPH_NODES} nodes, not {len(table.entries)}"
            self.reader.findings.add(node.mark, message, "make several graphs of it")
            return ()
        return tuple(read_node(entry, self.reader) for entry in table.entries)

    def _edges(self, node: Node | None) -> tuple[EdgeSpec, ...]:
        if node is None:
            self.reader.findings.add(self.table.mark, "the graph has no `edges`", _EXAMPLE)
            return ()
        items = self.reader.items(node, "edges", "edges")
        if items is None:
            return ()
        if not items:
            self.reader.findings.add(node.mark, "`edges` is empty", _EXAMPLE)
        if len(items) > MOST_EDGES:
            message = f"a graph has at most {MOST_EDGES:,} edges, not {len(items):,}"
            self.reader.findings.add(node.mark, message, "make several graphs of it")
            return ()
        edges = (edge for item in items for edge in read_edges(item, self.reader))
        found = tuple(islice(edges, MOST_EDGES + 1))
        if len(found) > MOST_EDGES:
            message = f"a graph has at most {MOST_EDGES:,} edges, those to several nodes counted"
            self.reader.findings.add(node.mark, message, "make several graphs of it")
        return found[:MOST_EDGES]

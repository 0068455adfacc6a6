"""From the text of a graph file to a `GraphSpec`, with every mistake of form at once.

Form only: which keys there are and what type their values have. Whether the names in it are
registered, and whether the graph can run at all, is `bottega.spec.check`'s business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bottega.budget import Budget
from bottega.errors import Finding
from bottega.messages import Json
from bottega.model import Sampling
from bottega.spec.document import Entry, Items, Node, Scalar, Table, read_document
from bottega.spec.edges import read_edge
from bottega.spec.fields import Range, Reader, plain
from bottega.spec.findings import Findings, clip
from bottega.spec.model import END, START, EdgeSpec, GraphSpec, Mark, NodeSpec, Reference
from bottega.spec.source import check_text, read_text

MOST_GRAPH_NODES = 500
MOST_EDGES = 5_000

LIMITS = {
    "steps": Range(least=1, most=10_000),
    "seconds": Range(least=0.001, most=7 * 24 * 3600, whole=False),
    "tokens": Range(least=1, most=100_000_000),
    "repeats": Range(least=2, most=1_000),
}
"""The bounds of `limits`; seven days, and what no single run has ever needed."""
SAMPLING = {
    "temperature": Range(least=0, most=2, whole=False),
    "top_p": Range(least=0, most=1, whole=False),
    "top_k": Range(least=1, most=1_000_000),
    "beams": Range(least=1, most=64),
    "max_tokens": Range(least=1, most=10_000_000),
    "seed": Range(least=-(2**63), most=2**63 - 1),
}
GRAPH_KEYS = (
    "name",
    "model",
    "decider",
    "dialect",
    "middleware",
    "nodes",
    "edges",
    "limits",
)
NODE_KEYS = (
    "kind",
    "description",
    "instructions",
    "model",
    "decider",
    "dialect",
    "tools",
    "middleware",
    "sampling",
    "allow",
)
"""What every node may have; a node's other keys are options of its kind."""

NODE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
PERMISSION = re.compile(r"(network|files:read|files:write|process)(:.+)?")
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
        from bottega.errors import GraphError

        raise GraphError(draft.findings)
    return draft.spec


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """One graph being read."""

    reader: Reader
    table: Table

    def graph(self, *, file: str, folder: Path) -> GraphSpec:
        fields = _known_fields(self.table, "a graph", GRAPH_KEYS, self.reader)
        model = _reference(fields, "model", self.reader)
        return GraphSpec(
            name=self._name(fields.get("name"), file),
            nodes=self._nodes(fields.get("nodes")),
            edges=self._edges(fields.get("edges")),
            model=model or Reference(name="embedded"),
            decider=_reference(fields, "decider", self.reader),
            dialect=_reference(fields, "dialect", self.reader),
            middleware=_references(fields, "middleware", self.reader),
            limits=self._limits(fields.get("limits")),
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
        return tuple(_read_node(entry, self.reader) for entry in table.entries)

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
        edges = (read_edge(item, self.reader) for item in items)
        return tuple(edge for edge in edges if edge is not None)

    def _limits(self, node: Node | None) -> Budget:
        if node is None:
            return Budget()
        table = self.reader.table(node, "limits", "for example `limits: {steps: 40}`")
        if table is None:
            return Budget()
        fields = _known_fields(table, "`limits`", tuple(LIMITS), self.reader)
        numbers = _numbers(fields, "limits", LIMITS, self.reader)
        return Budget(**numbers)


def _known_fields(
    table: Table, what: str, known: tuple[str, ...], reader: Reader
) -> dict[str, Node]:
    for entry in table.entries:
        if entry.key not in known:
            reader.unknown(entry, what, known)
    return {entry.key: entry.value for entry in table.entries if entry.key in known}


def _numbers(
    fields: dict[str, Node], what: str, ranges: dict[str, Range], reader: Reader
) -> dict[str, Json]:
    found = {
        key: reader.number(node, f"{what}.{key}", ranges[key])
        for key, node in fields.items()
        if key in ranges
    }
    return {key: value for key, value in found.items() if value is not None}


def _reference(fields: dict[str, Node], key: str, reader: Reader) -> Reference | None:
    return reader.reference(fields[key], key) if key in fields else None


def _references(fields: dict[str, Node], key: str, reader: Reader) -> tuple[Reference, ...] | None:
    return reader.references(fields[key], key) if key in fields else None


def _read_node(entry: Entry, reader: Reader) -> NodeSpec:
    """Return as much of the node as can be read, so that edges to it still find it."""
    _check_node_name(entry, reader)
    hint = f"write `{clip(entry.key)[1:-1]}: {{kind: specialist}}`"
    table = reader.table(entry.value, f"node {clip(entry.key)}", hint)
    if table is None:
        return NodeSpec(name=entry.key, kind="", marks={"": entry.mark})
    fields = {one.key: one.value for one in table.entries}
    if "kind" not in fields:
        message = f"node {clip(entry.key)} has no kind"
        reader.findings.add(entry.mark, message, "for example `kind: specialist`")
    return NodeSpec(
        name=entry.key,
        kind=_text(fields, "kind", reader),
        description=_text(fields, "description", reader),
        instructions=_text(fields, "instructions", reader),
        model=_reference(fields, "model", reader),
        decider=_reference(fields, "decider", reader),
        dialect=_reference(fields, "dialect", reader),
        tools=_references(fields, "tools", reader) or (),
        middleware=_references(fields, "middleware", reader),
        sampling=_sampling(fields.get("sampling"), reader),
        allow=_allow(fields.get("allow"), reader),
        options=_options(table, reader),
        marks={"": entry.mark} | _marks(table),
    )


def _check_node_name(entry: Entry, reader: Reader) -> None:
    if entry.key.lower() in {START, END}:
        message = f"a node cannot be named {clip(entry.key)}: edges use that word"
        reader.findings.add(entry.mark, message, "take another name")
    elif not NODE_NAME.fullmatch(entry.key):
        message = f"{clip(entry.key)} cannot name a node"
        hint = "a name is a lower-case letter, then up to 63 letters, digits and `_`"
        reader.findings.add(entry.mark, message, hint)


def _options(table: Table, reader: Reader) -> dict[str, Json]:
    options: dict[str, Json] = {}
    for entry in table.entries:
        if entry.key == "include":
            reader.unknown(entry, "a node", NODE_KEYS)
        elif entry.key not in NODE_KEYS:
            options[entry.key] = plain(entry.value)
    return options


def _marks(table: Table) -> dict[str, Mark]:
    """Say where a node's keys stand (`tools`), their values (`tools=`) and items (`tools.0`)."""
    marks: dict[str, Mark] = {}
    for entry in table.entries:
        marks[entry.key] = entry.mark
        marks[f"{entry.key}="] = entry.value.mark
        if isinstance(entry.value, Items):
            marks |= {f"{entry.key}.{n}": item.mark for n, item in enumerate(entry.value.items)}
    return marks


def _text(fields: dict[str, Node], key: str, reader: Reader) -> str:
    if key not in fields:
        return ""
    expected = "the name of a kind of agent" if key == "kind" else "text"
    return reader.text(fields[key], key, expected) or ""


def _sampling(node: Node | None, reader: Reader) -> Sampling | None:
    if node is None:
        return None
    table = reader.table(node, "sampling", "for example `sampling: {temperature: 0}`")
    if table is None:
        return None
    fields = _known_fields(table, "`sampling`", (*SAMPLING, "stop"), reader)
    numbers = _numbers(fields, "sampling", SAMPLING, reader)
    return Sampling(**numbers, stop=_stop(fields.get("stop"), reader))


def _stop(node: Node | None, reader: Reader) -> tuple[str, ...]:
    if node is None:
        return ()
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
        return (node.value,)
    return reader.texts(node, "sampling.stop", "text") or ()


def _allow(node: Node | None, reader: Reader) -> tuple[str, ...] | None:
    if node is None:
        return None
    allowed = reader.texts(node, "allow", "permission")
    for text in allowed or ():
        if not PERMISSION.fullmatch(text):
            message = f"allow: {clip(text)} is not a permission"
            hint = "known: network, files:read, files:write, process; a scope may follow a colon"
            reader.findings.add(node.mark, message, hint)
    return allowed

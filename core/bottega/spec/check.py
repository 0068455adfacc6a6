"""Everything that can be wrong with a graph beyond its form, found before anything runs.

Names against what is registered, options against factories, and the shape of the graph. Nothing is
made but the kinds of the nodes, which say how they are wired.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import Finding, GraphError
from bottega.spec.findings import Findings
from bottega.spec.flow import Flow
from bottega.spec.model import GraphSpec, Mark
from bottega.spec.names import Names
from bottega.spec.nesting import opened
from bottega.spec.nodes import check_node_name
from bottega.spec.reader import Draft, draft_file
from bottega.spec.team import check_delegation, wire

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager


def check_graph(spec: GraphSpec, plugins: PluginManager) -> list[Finding]:
    """Return every finding, in the order of the file; empty for a graph that can run."""
    findings = Findings(file=spec.file)
    _check_node_names(spec, findings)
    names = Names(spec=spec, plugins=plugins, findings=findings)
    names.check()
    kinds = {node.name: names.kind(node) for node in spec.nodes}
    wirings = wire(spec, kinds, findings)
    check_delegation(wirings, findings)
    if spec.nodes:
        Flow(spec=spec, wirings=wirings, findings=findings).check()
    return list(findings.sorted())


def _check_node_names(spec: GraphSpec, findings: Findings) -> None:
    """Check what a file's reader has checked, for graphs that were built in Python."""
    seen: set[str] = set()
    for node in spec.nodes:
        mark = node.marks.get("", Mark())
        check_node_name(node.name, mark, findings)
        if node.name in seen:
            findings.add(mark, f"two nodes are named {node.name!r}", "rename one of them")
        seen.add(node.name)


def check_file(path: Path | str, plugins: PluginManager) -> Draft:
    """Read a file and check what could be read; every finding of both. Nothing is raised."""
    draft = draft_file(path)
    if draft.spec is None:
        return draft
    findings = Findings(file=draft.spec.file)
    findings.extend(draft.findings)
    with opened(Path(path)):
        findings.extend(tuple(check_graph(draft.spec, plugins)))
    return Draft(spec=draft.spec, findings=findings.sorted())


def load_graph(path: Path | str, plugins: PluginManager) -> GraphSpec:
    """Return a graph that can run. Raises GraphError with every finding."""
    draft = check_file(path, plugins)
    if draft.findings or draft.spec is None:
        raise GraphError(draft.findings)
    return draft.spec

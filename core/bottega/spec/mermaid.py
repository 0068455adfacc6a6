"""A graph as a Mermaid flowchart, as GitHub, GitLab and editors draw it.

https://mermaid.js.org/syntax/flowchart.html. A stranger's text cannot leave its quotes:
whatever is more than letters, digits and simple punctuation is written as a numbered entity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bottega.spec.drawing import cut
from bottega.spec.inner import below, inner_graphs
from bottega.spec.links import links_of
from bottega.spec.model import END, START, GraphSpec, NodeSpec
from bottega.spec.palette import Colours, colours

_PLAIN = re.compile(r"[^A-Za-z0-9 _.,+/-]")


def mermaid(spec: GraphSpec) -> str:
    """Return the flowchart; delegation is dotted, what takes an edge stands on it."""
    inner = inner_graphs(spec)
    nodes = [node for one in (spec, *inner.values()) for node in one.nodes]
    chart = _Chart(kinds=list(dict.fromkeys(node.kind for node in nodes)))
    lines = ["flowchart LR", *chart.graph(spec, inner, "")]
    for number, members in chart.members.items():
        lines.append(f"    classDef kind{number} {_style(colours(number))}")
        lines.append(f"    class {','.join(members)} kind{number}")
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Chart:
    """The lines of a chart; `members` are the ids of the nodes of each kind."""

    kinds: list[str]
    members: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def graph(self, spec: GraphSpec, inner: Mapping[str, GraphSpec], mark: str) -> list[str]:
        """Return the lines of one graph; `mark` begins the ids of all its nodes."""
        links = links_of(spec)
        ids = {node.name: f"{mark}n{number}" for number, node in enumerate(spec.nodes)}
        ids |= {START: f"{mark}start_", END: f"{mark}end_"}  # `end` is a word of Mermaid's own
        lines = [f"{ids[START]}([start])"]
        for node in spec.nodes:
            self.members.setdefault(self.kinds.index(node.kind), []).append(ids[node.name])
            lines += self._node(node, inner, ids[node.name])
        lines.append(f"{ids[END]}([end])")
        for edge in spec.edges:
            if edge.source in ids and edge.target in ids:
                text = f'|"{escape(edge.label)}"|' if edge.label else ""
                lines.append(f"{ids[edge.source]} -->{text} {ids[edge.target]}")
        lines += [f"{ids[source]} -.-> {ids[target]}" for source, target in links.delegations]
        return [f"    {line}" for line in lines]

    def _node(self, node: NodeSpec, inner: Mapping[str, GraphSpec], name: str) -> list[str]:
        if node.name not in inner:
            return [f"{name}[{_shown(node)}]"]
        lines = self.graph(inner[node.name], below(inner, node.name), f"{name}_")
        return [f"subgraph {name} [{_shown(node)}]", "    direction LR", *lines, "end"]


def escape(text: str) -> str:
    """Return the text for use within double quotes, on one line."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", cut(text, 60))


def _shown(node: NodeSpec) -> str:
    below = f"<br/>{escape(node.kind)}" if node.kind else ""
    return f'"{escape(node.name)}{below}"'


def _style(colour: Colours) -> str:
    return f"fill:{colour.fill},stroke:{colour.line},color:{colour.text}"

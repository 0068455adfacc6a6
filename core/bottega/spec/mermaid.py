"""A graph as a Mermaid flowchart, as GitHub, GitLab and editors draw it.

https://mermaid.js.org/syntax/flowchart.html. A stranger's text cannot leave its quotes:
whatever is more than letters, digits and simple punctuation is written as a numbered entity.
"""

from __future__ import annotations

import re

from bottega.spec.drawing import cut
from bottega.spec.links import links_of
from bottega.spec.model import END, START, GraphSpec, NodeSpec
from bottega.spec.palette import Colours, colours

_PLAIN = re.compile(r"[^A-Za-z0-9 _.,+/-]")


def mermaid(spec: GraphSpec) -> str:
    """Return the flowchart; delegation is dotted, what takes an edge stands on it."""
    links = links_of(spec)
    ids = {node.name: f"n{number}" for number, node in enumerate(spec.nodes)}
    ids |= {START: "start_", END: "end_"}  # `end` is a word of Mermaid's own
    kinds = list(dict.fromkeys(node.kind for node in spec.nodes))
    lines = ["flowchart LR", f"    {ids[START]}([start])"]
    lines += [f"    {ids[node.name]}[{_shown(node)}]" for node in spec.nodes]
    lines.append(f"    {ids[END]}([end])")
    for edge in spec.edges:
        if edge.source in ids and edge.target in ids:
            text = f'|"{escape(edge.label)}"|' if edge.label else ""
            lines.append(f"    {ids[edge.source]} -->{text} {ids[edge.target]}")
    lines += [f"    {ids[source]} -.-> {ids[target]}" for source, target in links.delegations]
    for number, kind in enumerate(kinds):
        members = ",".join(ids[node.name] for node in spec.nodes if node.kind == kind)
        lines.append(f"    classDef kind{number} {_style(colours(number))}")
        lines.append(f"    class {members} kind{number}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return the text for use within double quotes, on one line."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", cut(text, 60))


def _shown(node: NodeSpec) -> str:
    below = f"<br/>{escape(node.kind)}" if node.kind else ""
    return f'"{escape(node.name)}{below}"'


def _style(colour: Colours) -> str:
    return f"fill:{colour.fill},stroke:{colour.line},color:{colour.text}"

"""The graphs within a graph, as far as its file names them, for pictures of the whole.

Read from files alone, as pictures are: an option that names a graph file beside the graph. What
cannot be read is left out; `bottega.spec.check` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bottega.errors import InputError
from bottega.spec.model import GraphSpec, NodeSpec
from bottega.spec.nesting import MOST_DEPTH, inner_path
from bottega.spec.reader import draft_file

MOST_SHOWN = 30
"""Inner graphs in one picture, those within them counted."""


def inner_graphs(spec: GraphSpec) -> dict[str, GraphSpec]:
    """Return the graphs that nodes stand for, by the node's path: `team`, `team/checkers`."""
    found: dict[str, GraphSpec] = {}
    _collect(spec, "", (), found)
    return found


def _collect(
    spec: GraphSpec, within: str, open_files: tuple[Path, ...], found: dict[str, GraphSpec]
) -> None:
    for node in spec.nodes:
        path = _file_of(node, spec.folder)
        if path is None or path in open_files or len(open_files) >= MOST_DEPTH:
            continue
        inner = draft_file(path).spec if len(found) < MOST_SHOWN else None
        if inner is not None and inner.nodes:
            found[f"{within}{node.name}"] = inner
            _collect(inner, f"{within}{node.name}/", (*open_files, path), found)


def below(inner: Mapping[str, GraphSpec], name: str) -> dict[str, GraphSpec]:
    """Return the graphs within the one that a node stands for, by their paths in it."""
    mark = f"{name}/"
    return {key.removeprefix(mark): one for key, one in inner.items() if key.startswith(mark)}


def _file_of(node: NodeSpec, folder: Path) -> Path | None:
    for value in node.options.values():
        if isinstance(value, str) and value.endswith((".yaml", ".yml")):
            try:
                path = inner_path(folder, value)
            except InputError:
                continue
            if path.is_file():
                return path
    return None

"""A graph file as data. Names only, never import paths: a graph from a stranger is safe to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bottega.budget import Budget
from bottega.messages import Json
from bottega.model import Sampling

START = "start"
END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A place in the file; lines and columns are counted from 1."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A registered thing by name, with options: `{search_knowledge: {docs: papers}}`."""

    name: str
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    mark: Mark = Mark()
    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    """Where each option stands."""

    @property
    def backend(self) -> str:
        """What stands before the colon: `openai` of `openai:gpt-5-mini`."""
        return self.name.partition(":")[0]

    @property
    def argument(self) -> str:
        """What stands after the colon."""
        return self.name.partition(":")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """One node. What only its kind understands is in `options`."""

    name: str
    kind: str
    description: str = ""
    instructions: str = ""
    model: Reference | None = None
    """None for the graph's own."""
    decider: Reference | None = None
    dialect: Reference | None = None
    tools: tuple[Reference, ...] = ()
    middleware: tuple[Reference, ...] | None = None
    sampling: Sampling | None = None
    allow: tuple[str, ...] | None = None
    """Permissions that its tools may use; None for all that they declare."""
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    """Where each key of the node stands (`tools`), its value (`tools=`) and the items of a list
    (`tools.0`); the node's own name under the empty string."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeSpec:
    """`source -> target: outcome`; an edge without outcome is always taken."""

    source: str
    target: str
    outcome: str = ""
    mark: Mark = Mark()


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphSpec:
    """A whole graph file."""

    name: str
    nodes: tuple[NodeSpec, ...]
    edges: tuple[EdgeSpec, ...]
    model: Reference = Reference(name="embedded")
    decider: Reference | None = None
    dialect: Reference | None = None
    middleware: tuple[Reference, ...] | None = None
    limits: Budget = Budget()
    file: str = ""
    """As the user named it; empty when the graph was built in Python."""
    folder: Path = field(default_factory=Path.cwd)
    """Relative paths in the graph are relative to this."""

    def node(self, name: str) -> NodeSpec:
        """Return the node of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

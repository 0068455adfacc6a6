"""A graph file as data. Names only, never import paths: a graph from a stranger is safe to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bottega.budget import Budget
from bottega.compaction import ContextPolicy
from bottega.messages import Json
from bottega.model import Sampling

START = "start"
END = "end"
LATER = "later"
"""Marks fields that are younger than graphs that runs may wait for: at their default they do not
count for a graph's digest."""


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
class MemorySpec:
    """How a node uses the graph's memory."""

    facts: bool = True
    """It is told facts that bear on its task, and has the tools `remember` and `recall`."""
    episodes: bool = False
    """It is told of past runs with similar tasks; its runs are recorded."""
    user: str = ""
    """Whose memory it is; empty for that of the one who runs the graph."""


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
    limits: Budget | None = field(default=None, metadata={LATER: True})
    """What it may spend on one task, with everything that it hands on; None to share the run's."""
    context: ContextPolicy | None = field(default=None, metadata={LATER: True})
    """How much of its conversation its model is shown; None for what the model reads."""
    memory: MemorySpec | None = field(default=None, metadata={LATER: True})
    """What it keeps between runs; None for nothing."""
    offer: int | None = field(default=None, metadata={LATER: True})
    """How many of its tools its model is told of at a time, those that fit best; None for all."""
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    """Where each key of the node stands (`tools`), its value (`tools=`) and the items of a list
    (`tools.0`); the node's own name under the empty string."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeSpec:
    """`source -> target`, always taken, or with what takes it: `source -> target: outcome`."""

    source: str
    target: str
    outcome: str = ""
    """The word of its source that takes it."""
    condition: str = field(default="", metadata={LATER: True})
    """What must hold of the state, as `bottega.spec.expression` reads it."""
    otherwise: bool = field(default=False, metadata={LATER: True})
    """Whether it is taken when no other edge of its source is."""
    most: int | None = field(default=None, metadata={LATER: True})
    """How often it is taken in one run at most; then it is as if it were not there."""
    broken: bool = field(default=False, metadata={LATER: True})
    """What stands behind the colon cannot be read, as a finding says: when it is taken, nobody
    knows."""
    mark: Mark = Mark()
    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark], compare=False)
    """Where its `label` and its `condition` stand."""

    @property
    def label(self) -> str:
        """What stands behind the colon."""
        condition = f"if {self.condition}" if self.condition else ""
        word = self.outcome or condition or ("else" if self.otherwise else "")
        if self.most is None:
            return word
        bound = f"at most {self.most}"
        return f"{word} ({bound})" if word else bound

    def __str__(self) -> str:
        label = self.label
        return f"{self.source} -> {self.target}" + (f": {label}" if label else "")


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
    memory: Reference = Reference(name="sqlite")
    """Where nodes that remember do so; not part of what a run is resumed on."""
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

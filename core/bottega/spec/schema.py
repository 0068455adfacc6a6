"""The JSON Schema of graph files, which lets an editor complete keys and mark mistakes as you type.

Of form only, as the reader is: which names are registered depends on what is installed. The copy in
`docs/graph.schema.json` is this one, written by `bottega graph schema`.
"""

from __future__ import annotations

from bottega.messages import Json
from bottega.permissions import PATTERN
from bottega.spec.fields import Range
from bottega.spec.limits import LIMITS
from bottega.spec.memory import context_schema, memory_schema
from bottega.spec.nodes import NODE_NAME, OFFER, SAMPLING
from bottega.spec.reader import MOST_EDGES, MOST_GRAPH_NODES

_TEXT: dict[str, Json] = {"type": "string", "pattern": r"\S"}
_WORD = "[A-Za-z_][A-Za-z0-9_-]*"
_SIDE = rf"({_WORD}|\[\s*{_WORD}(\s*,\s*{_WORD})*\s*\])"
_ARROW = rf"^\s*{_SIDE}\s*->\s*{_SIDE}\s*"
_BOUND = r"at most\s+[0-9]+(\s+times)?"
_LABEL = rf"\s*(({_WORD}|if .+)(\s+(\(\s*{_BOUND}\s*\)|{_BOUND}))?|\(?\s*{_BOUND}\s*\)?)\s*"


def graph_schema() -> dict[str, Json]:
    """Return the schema, in the dialect of 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bottega graph",
        "description": "A team of agents, and how the work goes from one to the next.",
        "type": "object",
        "properties": {
            "name": {**_TEXT, "maxLength": 100, "description": "What the graph is called."},
            "model": _described("Model of every node that names none.", "reference"),
            "decider": _described("What decides for every node that names none.", "reference"),
            "dialect": _described("How models are told to act.", "reference"),
            "middleware": _described("Around model and tool calls.", "references"),
            "memory": _described("Where nodes remember: see `bottega_memories`.", "reference"),
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": MOST_GRAPH_NODES,
                "propertyNames": {
                    "pattern": f"^{NODE_NAME.pattern}$",
                    "not": {"enum": ["start", "end"]},
                },
                "additionalProperties": {"$ref": "#/$defs/node"},
            },
            "edges": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_EDGES,
                "items": {"$ref": "#/$defs/edge"},
            },
            "limits": _limits("What a run may spend, over all nodes together."),
        },
        "required": ["nodes", "edges"],
        "additionalProperties": False,
        "$defs": {
            "reference": _reference(),
            "references": {"type": "array", "items": {"$ref": "#/$defs/reference"}},
            "edge": _edge(),
            "node": _node(),
        },
    }


def _described(text: str, definition: str) -> dict[str, Json]:
    return {"description": text, "$ref": f"#/$defs/{definition}"}


def _number(allowed: Range) -> dict[str, Json]:
    kind = "integer" if allowed.whole else "number"
    return {"type": kind, "minimum": allowed.least, "maximum": allowed.most}


def _reference() -> dict[str, Json]:
    """A name, or a mapping of one name to its options."""
    name = {"type": "string", "pattern": r"^\S+$", "maxLength": 200}
    with_options = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": name,
        "additionalProperties": {"type": ["object", "null"]},
    }
    return {
        "description": "A registered name, or {name: {option: value}}.",
        "oneOf": [name, with_options],
    }


def _edge() -> dict[str, Json]:
    written = {"type": "string", "pattern": rf"{_ARROW}(:{_LABEL})?$"}
    with_outcome = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"pattern": f"{_ARROW}$"},
        "additionalProperties": {"type": "string", "pattern": rf"^{_LABEL}$"},
    }
    described = "`a -> b`, `a -> b: outcome`, `a -> b: if score < 0.5 (at most 3)`, `a -> b: else`."
    return {"description": described, "oneOf": [written, with_outcome]}


def _node() -> dict[str, Json]:
    return {
        "type": "object",
        "description": "One agent. Keys beyond these are options of its kind.",
        "properties": {
            "kind": {**_TEXT, "description": "What kind of agent: see `bottega agents`."},
            "description": {**_TEXT, "description": "What others read to give it a task."},
            "instructions": {
                **_TEXT,
                "description": "Said to the model beyond what its kind says.",
            },
            "model": {"$ref": "#/$defs/reference"},
            "decider": {"$ref": "#/$defs/reference"},
            "dialect": {"$ref": "#/$defs/reference"},
            "tools": _described("See `bottega tools`.", "references"),
            "middleware": {"$ref": "#/$defs/references"},
            "sampling": _sampling(),
            "allow": {
                "type": "array",
                "description": "Permissions that its tools may use; all they declare if absent.",
                "items": {"type": "string", "pattern": f"^({PATTERN})$"},
            },
            "limits": _limits("What it may spend on one task, with all that it hands on."),
            "context": context_schema(),
            "memory": memory_schema(),
            "offer": {
                **_number(OFFER),
                "description": "How many of its tools its model is told of at a time.",
            },
            "include": False,
        },
        "required": ["kind"],
    }


def _limits(text: str) -> dict[str, Json]:
    return {
        "type": "object",
        "description": text,
        "properties": {name: _number(one) for name, one in LIMITS.items()},
        "additionalProperties": False,
    }


def _sampling() -> dict[str, Json]:
    texts = {"type": "array", "items": _TEXT}
    return {
        "type": "object",
        "properties": {
            **{name: _number(one) for name, one in SAMPLING.items()},
            "stop": {"anyOf": [{"type": "string", "minLength": 1}, texts]},
        },
        "additionalProperties": False,
    }

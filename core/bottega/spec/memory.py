"""What a node keeps in mind: `context` within a conversation, `memory` between runs."""

from __future__ import annotations

from typing import Any

from bottega.compaction import ContextPolicy, How
from bottega.messages import Json
from bottega.spec.document import Node, Scalar
from bottega.spec.fields import Range, Reader
from bottega.spec.findings import clip
from bottega.spec.model import MemorySpec

CONTEXT = {
    "most": Range(least=256, most=100_000_000),
    "keep_last": Range(least=0, most=100_000),
}
HOW: tuple[How, ...] = ("summary", "drop")
SWITCHES = ("facts", "episodes")
LONGEST_USER = 200


def read_context(node: Node | None, reader: Reader) -> ContextPolicy | None:
    """Return how much of its conversation a node's model is shown."""
    table = (
        None if node is None else reader.table(node, "context", "write `context: {most: 24000}`")
    )
    if table is None:
        return None
    fields = reader.fields(table, "`context`", (*CONTEXT, "how"))
    given: dict[str, Any] = reader.numbers(fields, "context", CONTEXT)
    how = _how(fields["how"], reader) if "how" in fields else None
    return ContextPolicy(**given, how=how or "summary")


def read_memory(node: Node | None, reader: Reader) -> MemorySpec | None:
    """Return how a node uses the graph's memory."""
    table = None if node is None else reader.table(node, "memory", "write `memory: {facts: true}`")
    if table is None:
        return None
    fields = reader.fields(table, "`memory`", (*SWITCHES, "user"))
    given = {name: _switch(fields[name], name, reader) for name in SWITCHES if name in fields}
    user = reader.text(fields["user"], "memory.user", "a user's name") if "user" in fields else None
    if user is not None and len(user) > LONGEST_USER:
        hint = f"at most {LONGEST_USER} characters"
        reader.findings.add(fields["user"].mark, f"memory.user: {clip(user)} is too long", hint)
    switched = {name: value for name, value in given.items() if value is not None}
    return MemorySpec(**switched, user=user or "")


def memory_schema() -> dict[str, Json]:
    """Return the JSON Schema of a node's `memory`."""
    user = {"type": "string", "pattern": r"\S", "maxLength": LONGEST_USER}
    return {
        "type": "object",
        "description": "What it keeps between runs, in the graph's memory.",
        "properties": {**{name: {"type": "boolean"} for name in SWITCHES}, "user": user},
        "additionalProperties": False,
    }


def _switch(node: Node, name: str, reader: Reader) -> bool | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return value
    reader.wrong(node, f"memory.{name}", "true or false")
    return None


def context_schema() -> dict[str, Json]:
    """Return the JSON Schema of `context`."""
    return {
        "type": "object",
        "description": "How much of its conversation its model is shown, and what becomes of the "
        "rest.",
        "properties": {
            **{
                name: {"type": "integer", "minimum": one.least, "maximum": one.most}
                for name, one in CONTEXT.items()
            },
            "how": {"enum": list(HOW)},
        },
        "additionalProperties": False,
    }


def _how(node: Node, reader: Reader) -> How | None:
    value = node.value if isinstance(node, Scalar) else None
    for how in HOW:
        if value == how:
            return how
    if isinstance(value, str):
        message = f"context.how: {clip(value)} is no way of making room"
        reader.findings.add(node.mark, message, f"known: {', '.join(HOW)}")
    else:
        reader.wrong(node, "context.how", " or ".join(HOW))
    return None

"""What a node keeps in mind: `context` within a conversation, `memory` between runs."""

from __future__ import annotations

from typing import Any, cast

from bottega.compaction import ContextPolicy, How
from bottega.messages import Json
from bottega.spec.document import Node, Scalar
from bottega.spec.fields import Range, Reader
from bottega.spec.findings import clip

CONTEXT = {
    "most": Range(least=256, most=100_000_000),
    "keep_last": Range(least=0, most=100_000),
}
HOW = ("summary", "drop")


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
    if value in HOW:
        return cast("How", value)
    if isinstance(value, str):
        message = f"context.how: {clip(value)} is no way of making room"
        reader.findings.add(node.mark, message, f"known: {', '.join(HOW)}")
    else:
        reader.wrong(node, "context.how", " or ".join(HOW))
    return None

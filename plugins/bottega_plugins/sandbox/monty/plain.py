"""Values on their way out of code: JSON, or an error in the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bottega.messages import Json

DEEPEST = 100
LONGEST = 2_000_000
"""Characters of a text; what is longer would take the time of the step on its way back alone."""


class NotPlainError(Exception):
    """A value is no JSON."""


def as_json(value: Any, depth: int = 0) -> Json:
    """Return the value as JSON has it; tuples become lists. Raises NotPlainError."""
    kind: type[Any] = type(cast("object", value))
    if kind is str and len(value) > LONGEST:
        raise NotPlainError(f"a text for a tool has at most {LONGEST:,} characters")
    if value is None or kind in (str, bool, int, float):
        return value
    if depth > DEEPEST:
        raise NotPlainError(f"values are nested at most {DEEPEST} deep")
    if kind in (list, tuple):
        return [as_json(item, depth + 1) for item in value]
    if kind is dict:
        fields = cast("Mapping[Any, Any]", value)
        return {_key(key): as_json(item, depth + 1) for key, item in fields.items()}
    raise NotPlainError(
        f"a tool takes str, int, float, bool, None, list and dict, not {kind.__name__}"
    )


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int | float) and not isinstance(key, bool):
        return str(key)
    raise NotPlainError(f"the keys of a dict for a tool are str, not {type(key).__name__}")

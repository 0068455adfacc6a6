"""What a parsed JSON value is, said so that type checkers follow."""

from __future__ import annotations

from typing import TypeGuard

from bottega.messages import Json


def is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    """Return whether the value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Json) -> TypeGuard[list[Json]]:
    """Return whether the value is a JSON array."""
    return isinstance(value, list)

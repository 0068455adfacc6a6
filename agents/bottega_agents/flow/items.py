"""A list in an agent's answer: JSON where it is JSON, otherwise one item a line."""

from __future__ import annotations

import json
import re
from typing import Any, TypeGuard, cast

_FENCE = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,6}[.)])\s+")


def read_items(text: str) -> list[str]:
    """Return the items as texts, in order: those of a JSON list, else the lines with words in them.

    A list may stand in a fenced block, or as the only member of a JSON object. Bullets and numbers
    before lines are taken off.
    """
    fenced = _FENCE.search(text)
    body = fenced[1] if fenced else text
    found = _listed(body.strip())
    if found is not None:
        return found
    lines = (_BULLET.sub("", line).strip() for line in body.splitlines())
    return [line for line in lines if line]


def _listed(text: str) -> list[str] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        members = list(cast("dict[str, Any]", value).values())
        value = members[0] if len(members) == 1 else None
    return [_text(item) for item in value] if _is_list(value) else None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)

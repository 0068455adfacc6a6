"""A list in an agent's answer: JSON where it is JSON, otherwise one item a line."""

from __future__ import annotations

import json
import re
from typing import Any, TypeGuard, cast

from bottega.errors import InputError

_FENCE = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,6}[.)])\s+")
_BEGUN = re.compile(r"\[\s*[\"{]")
"""How a JSON list of texts or objects begins; `[1]` and `[ ]` begin lines of other kinds."""


def read_items(text: str) -> list[str]:
    """Return the items as texts, in order: those of a JSON list, else the lines with words in them.

    A list may stand in a fenced block, or as the only member of a JSON object. Bullets and numbers
    before lines are taken off. Raises InputError for what begins as a JSON list and is none.
    """
    fenced = _FENCE.search(text)
    body = fenced[1] if fenced else text
    found = _listed(body.strip())
    if found is not None:
        return found
    _refuse_broken(body.strip())
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


def _refuse_broken(text: str) -> None:
    """Raise InputError where a JSON list was begun and cannot be read: its lines are no items."""
    if not _BEGUN.match(text) or all(_is_json(line) for line in text.splitlines()):
        return
    try:
        json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(
            f"the list cannot be read as JSON: {error.msg} ({where})",
            hint='expected is a whole list, such as ["one", "two"], or one item a line',
        ) from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)

"""A JSON object out of a model's reply, whatever the model wrote around it."""

from __future__ import annotations

import json
import re
from typing import cast

from bottega.messages import Json

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


def find_object(text: str) -> dict[str, Json]:
    """Return the object that spans from the first brace to the last; empty where it is none."""
    found = _OBJECT.search(text)
    if not found:
        return {}
    try:
        data: Json = json.loads(found.group())
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Json]", data) if isinstance(data, dict) else {}

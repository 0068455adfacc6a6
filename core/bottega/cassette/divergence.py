"""The error of a run that is not the one on the cassette, or of a cassette that cannot be read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import cast

from bottega.errors import BottegaError
from bottega.escape import one_line
from bottega.messages import Json

MOST_LINES = 24
"""Of the difference that is shown."""
_WIDTH = 200
AGAIN = "if the change is meant, record the cassette anew"


class CassetteError(BottegaError):
    """What a run does, and what its cassette holds, are not the same."""


def differs(call: str, recorded: Json, came: Json, where: str) -> CassetteError:
    """Make the error that shows both sides of a call as a short difference.

    `recorded` is None where nothing was recorded at all.
    """
    if recorded is None:
        shown = "\n".join(f"  + {line}" for line in _clipped(value_lines(came)))
        return CassetteError(f"{where}: {call} was not recorded; it asks:\n{shown}", hint=AGAIN)
    diff = list(difflib.ndiff(value_lines(recorded), value_lines(came)))
    changed = [line for line in diff if line[:1] in "+-"]
    shown = "\n".join(f"  {line}" for line in _clipped(changed))
    return CassetteError(f"{where}: {call} is not what was recorded:\n{shown}", hint=AGAIN)


def value_lines(value: Json) -> list[str]:
    """Return a value line by line: the entries of objects and lists, one a line."""
    return [one_line(line, _WIDTH) for line in _told(value)]


def _told(value: Json, name: str = "") -> list[str]:
    prefix = f"{name}: " if name else ""
    if isinstance(value, Mapping) and value:
        items = cast("Mapping[str, Json]", value).items()
        return [line for key, item in items for line in _told(item, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list) and value:
        return [line for item in cast("Sequence[Json]", value) for line in _told(item, name)]
    if isinstance(value, str):
        return [f"{prefix}{line}" for line in value.splitlines() or [""]]
    return [f"{prefix}{json.dumps(value)}"]


def _clipped(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"... and {more} more lines"] if more > 0 else lines

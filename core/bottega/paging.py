"""The tool that pages through results which were too long to be shown: `bottega.artifacts`.

Every agent has it; its model is told of it once something was cut.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated

from bottega.artifacts import READ_ARTIFACT, SHOWN, is_secret
from bottega.errors import ToolError
from bottega.model import ToolSpec
from bottega.tools import Output, Tool, ToolContext

_AROUND = 100
"""Characters that are shown on either side of a text that was searched for."""
_MOST_FOUND = 20
_LONGEST_SEARCH = 200


class ReadArtifact(Tool):
    """Reads what was kept of results."""

    name = READ_ARTIFACT
    effects = "none"
    max_result = SHOWN + 1_000
    timeout = 10.0

    async def run(
        self,
        id: str,  # what notes call it
        start: Annotated[int, "the first character to read, counted from 1"] = 1,
        length: Annotated[int, f"how many characters to read, at most {SHOWN}"] = 10_000,
        search: Annotated[str, "find this text in it instead of reading on"] = "",
        *,
        context: ToolContext,
    ) -> Output:
        """Read on in a result that was cut, or search it. The note at the cut says its id."""
        if context.artifacts is None:
            raise ToolError("nothing is kept outside a run")
        text = context.artifacts.read(id)
        shown = _found(text, search) if search else _piece(text, start, length)
        return Output(content=shown, secret=is_secret(id))


def _piece(text: str, start: int, length: int) -> str:
    """Return a piece of the text, and how it goes on. Raises ToolError where there is none."""
    if not 1 <= start <= max(1, len(text)):
        raise ToolError(f"start must be from 1 to {len(text):,}, got {start:,}")
    if not 1 <= length <= SHOWN:
        raise ToolError(f"length must be from 1 to {SHOWN:,}, got {length:,}")
    end = start - 1 + length
    part = text[start - 1 : end]
    if end >= len(text):
        return f"{part}\n[end: {len(text):,} characters]"
    return f"{part}\n[{len(text) - end:,} more characters: start={end + 1}]"


def _found(text: str, search: str) -> str:
    """Return the places at which a text stands, capitals and small letters alike."""
    if len(search) > _LONGEST_SEARCH:
        raise ToolError(f"the text to search for has more than {_LONGEST_SEARCH} characters")
    shown: list[str] = []
    end = 0
    for found in re.finditer(re.escape(search), text, re.IGNORECASE):
        if found.start() < end:  # it was shown with the one before
            continue
        if len(shown) == _MOST_FOUND:
            shown.append("[there are more]")
            break
        end = found.end() + _AROUND
        first = max(0, found.start() - _AROUND)
        shown.append(f"[character {found.start() + 1}] {text[first:end]}")
    return "\n".join(shown) or f"[{search!r} is not there; it has {len(text):,} characters]"


@cache
def pager() -> ReadArtifact:
    """Return the tool; one serves all agents, for it keeps nothing."""
    return ReadArtifact()


def with_pager(specs: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
    """Return the tools with the one that reads artifacts."""
    if any(spec.name == READ_ARTIFACT for spec in specs):
        return specs
    return (*specs, pager().spec)

"""Reading a path that a model gave: what is well formed, and what is not a path at all.

Where a path leads is for the kernel to say: `bottega_tools.files.beneath`.
"""

from __future__ import annotations

import re

from bottega.errors import ToolError
from bottega.escape import one_line

LONGEST_NAME = 255
"""Bytes of one name on every usual file system."""
LONGEST_PATH = 4_000
DEEPEST = 100
STATE = (".bottega", "bottega.lock")
"""Names of Bottega's own files: what runs are kept in is no document of theirs."""
TEMPORARY = ".bottega-new-"
"""How the names of files begin that are being written."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names that make up the path; none for the workspace itself.

    Raises ToolError, saying what is wrong, for a path that leads out by how it is written.
    """
    if len(path) > LONGEST_PATH:
        raise ToolError(f"the path is {len(path):,} characters long; at most {LONGEST_PATH:,}")
    shown = one_line(path, 120)
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
        raise ToolError(
            f"{shown!r} begins at the root of a machine", hint="paths begin in the workspace"
        )
    if "\\" in path:
        raise ToolError(f"{shown!r} has a backslash", hint="put / between names")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if len(parts) > DEEPEST:
        raise ToolError(f"the path is {len(parts):,} folders deep; at most {DEEPEST}")
    for part in parts:
        _check(part, shown)
    return parts


def _check(part: str, shown: str) -> None:
    """Raise ToolError for a name that is none, or means another one elsewhere."""
    if part == "..":
        raise ToolError(f"{shown!r} leads upwards", hint="write the path without '..'")
    try:
        length = len(part.encode())
    except UnicodeEncodeError:
        raise ToolError(f"{shown!r} is not valid Unicode") from None
    if _CONTROL.search(part):
        raise ToolError(f"{shown!r} has a control character")
    if length > LONGEST_NAME:
        raise ToolError(f"{shown!r} has a name of {length:,} bytes; at most {LONGEST_NAME}")
    if part.endswith((" ", ".")):
        raise ToolError(f"{shown!r} has a name that ends with a space or a dot")
    if is_reserved(part):
        raise ToolError(f"{shown!r} is Bottega's own", hint="choose another name")


def is_reserved(name: str) -> bool:
    """Say whether the name is not for agents."""
    return name.casefold() in STATE or name.startswith(TEMPORARY)

"""Replacing a text in another, exactly; and saying what stands there where it does not fit."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from bottega.errors import ToolError
from bottega.escape import plain

_MOST_DIFF = 400
"""Lines of a diff that are shown."""
_MOST_COMPARED = 20_000
"""Lines of a file among which the nearest are looked for."""
_WIDTH = 200


def replaced(text: str, old: str, new: str, count: int) -> str:
    """Return the text with `old` replaced. Raises ToolError unless it is there `count` times."""
    found = text.count(old)
    if found == count:
        return text.replace(old, new)
    if found:
        where = ", ".join(str(line) for line in _lines(text, old, 10))
        raise ToolError(
            f"`old` is there {found:,} times (lines {where}), not {count:,}",
            hint=f"take in more of what stands around it, or say count={found}",
        )
    if new and new in text:
        raise ToolError(
            f"`old` is not there, and `new` is, on line {next(_lines(text, new, 1))}",
            hint="the change seems to have been made already",
        )
    raise ToolError(f"`old` is not there. {_nearest(text, old)}")


def _lines(text: str, part: str, most: int) -> Iterator[int]:
    """Yield the lines on which the part begins, counted from 1."""
    at, line, before = 0, 1, 0
    for _ in range(most):
        at = text.find(part, at)
        if at < 0:
            return
        line += text.count("\n", before, at)
        before = at
        yield line
        at += len(part)


def _nearest(text: str, old: str) -> str:
    """Say which lines are most like the first of `old` that says anything."""
    wanted = next((line for line in old.splitlines() if line.strip()), "")[:_WIDTH]
    lines = [line[:_WIDTH] for line in text.splitlines()[:_MOST_COMPARED]]
    if not wanted or not lines:
        return "The file is empty." if not lines else "There is nothing like it."
    stripped = {line.strip(): number for number, line in reversed(list(enumerate(lines, 1)))}
    same = stripped.get(wanted.strip())
    if same is not None:
        return f"Line {same} differs in spaces, or what follows it does: {plain(lines[same - 1])!r}"
    near = difflib.get_close_matches(wanted.strip(), _likely(stripped, wanted), n=2, cutoff=0.5)
    if not near:
        return "No line is like it: read the file anew."
    told = "; ".join(f"line {stripped[line]}: {plain(line)!r}" for line in near)
    return f"The nearest is {told}"


def _likely(lines: dict[str, int], wanted: str) -> list[str]:
    """Return the lines worth comparing: comparing costs the square of a line's length."""
    words = set(wanted.split())
    sharing = [line for line in lines if words & set(line.split())]
    return (sharing or list(lines))[:2_000]


def diff(before: str, after: str, path: str) -> str:
    """Return the change as a unified diff, bounded."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), path, path, lineterm="", n=2
    )
    shown: list[str] = []
    for line in lines:
        if len(shown) == _MOST_DIFF:
            shown.append("[there is more]")
            break
        shown.append(plain(line[:_WIDTH]) + ("…" if len(line) > _WIDTH else ""))
    return "\n".join(shown) or "[only the end of the last line has changed]"

"""The value of a step's last expression, written inside the sandbox and within its limits.

A value that came out as itself would have to be held, and walked through, on this side.
"""

from __future__ import annotations

import ast

from bottega.code.source import parsed

NAME = "__last__"
LONGEST = 2_000
"""Characters of the value."""
_TELL = f"\nNone if {NAME} is None else repr({NAME})[:{LONGEST + 1}]"


def telling_last(code: str) -> str:
    """Return the code so that it comes to the text of its last expression's value.

    Lines stay where they are. Code that does not end in an expression comes to None.
    """
    tree = parsed(code)
    if tree is None or not tree.body:
        return code
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or last.end_lineno is None or last.end_col_offset is None:
        return f"{code}\nNone"
    lines = [line.encode() for line in code.split("\n")]
    start, end = last.lineno - 1, last.end_lineno - 1
    lines[end] = lines[end][: last.end_col_offset] + b")" + lines[end][last.end_col_offset :]
    lines[start] = (
        lines[start][: last.col_offset] + f"{NAME} = (".encode() + lines[start][last.col_offset :]
    )
    return b"\n".join(lines).decode() + _TELL


def shown(value: object) -> str:
    """Return the text that the code came to, cut."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]} ..."

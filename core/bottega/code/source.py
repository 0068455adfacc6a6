"""Reading Python that a model wrote, without ever running it or failing on it."""

from __future__ import annotations

import ast
import warnings

LONGEST = 100_000
"""Characters of one step. What is longer is data, and belongs in a file or a tool."""


def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree; None for what this Python cannot read."""
    if len(code) > LONGEST or "\0" in code:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes: they are the model's
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unreadable(code: str) -> str:
    """Say why code is not even handed to a sandbox; nothing where it may be."""
    if "\0" in code:
        return "the code has a NUL character in it"
    if len(code) > LONGEST:
        return (
            f"the code has {len(code):,} characters, and {LONGEST:,} is the most; do less at once"
        )
    return ""


_DOES = (ast.Call, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.For, ast.While)
_SETS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


def is_clearly_code(text: str) -> bool:
    """Say whether a text without any mark around it is code: it parses, and it does something.

    A word, a number, a few words with commas and `Thought: done` parse, too, and are no code.
    """
    tree = parsed(text)
    if tree is None or not tree.body:
        return False
    first = tree.body[0]
    if isinstance(first, ast.AnnAssign) and first.value is None:
        return False
    return any(isinstance(node, _DOES) for node in ast.walk(tree)) or any(
        isinstance(node, _SETS) and node.value is not None for node in tree.body
    )

"""Arithmetic on text: a parser, exact numbers, units. No `eval`, and bounded whatever is asked."""

from __future__ import annotations

from bottega_tools.arithmetic.parser import Parser

__all__ = ["evaluate"]


def evaluate(expression: str) -> str:
    """Return the value as text, with `≈` before it where it is rounded.

    Raises ToolError saying what cannot be read, or is too large to work out.
    """
    return Parser(expression).result()

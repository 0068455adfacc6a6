"""Names of tools: what models accept as one, made of what others call their tools."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST = 64
"""Characters that every hosted model accepts in a tool's name."""
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")


def clean_name(name: str, taken: Collection[str] = ()) -> str:
    """Return the name with letters that models accept only, and unlike those that are taken.

    `math.factorial` becomes `math_factorial`, and `math_factorial_2` where that is taken.
    """
    clean = _OTHER.sub("_", name).strip("_") or "tool"
    clean = clean[:LONGEST]
    number, made = 1, clean
    while made in taken:
        number += 1
        end = f"_{number}"
        made = clean[: LONGEST - len(end)] + end
    return made

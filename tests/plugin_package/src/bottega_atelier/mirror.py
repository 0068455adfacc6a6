"""The tool `mirror_text`."""

from __future__ import annotations

from bottega import tool


@tool(effects="none")
def mirror_text(text: str) -> str:
    """Turn a text around.

    Args:
        text: any text.
    """
    return text[::-1]

"""Source code of any language: blocks that begin at the margin after a blank line.

That is what functions, classes and sections look like in most languages; no grammar is needed.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import PurePosixPath

from bottega_plugins.knowledge.documents.parsed import MOST_BREAKS, Parsed, Section

_BLOCK = re.compile(r"(?<=\n)[ \t\r]*\n(?=[^\s})\]])")
_MOST_LANGUAGE = 20


def parse_code(text: str, source: str) -> Parsed:
    """Read source code; the ending of its name stands for the language."""
    breaks = [match.end() for match in islice(_BLOCK.finditer(text), MOST_BREAKS)]
    ending = PurePosixPath(source).suffix or source  # `.py` has no suffix, it is one
    language = ending.rpartition(".")[2].lower()[:_MOST_LANGUAGE] if "." in ending else ""
    return Parsed(
        format="code",
        text=text,
        sections=[Section(start=0, end=len(text), breaks=breaks)],
        metadata={"language": language} if language else {},
    )

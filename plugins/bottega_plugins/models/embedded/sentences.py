"""Cutting a text to sentences, as far as punctuation and layout tell."""

from __future__ import annotations

import re

from bottega_plugins.models.embedded.words import shown

LONGEST = 400
"""Characters of a sentence; code and tables have no full stops."""
_END = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\b(?:Mr|Dr|St|vs|No|Jr|cf|al)\.)(?<!\bMrs\.)"
    r"[\"')\]\u201d]*\s+(?=[\"'(\[\u201c]*[A-Z0-9`*])"
)
_BREAK = re.compile(
    r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+\u2022] |\d{1,3}[.)] |[|>]|:?[A-Z][\w-]*:[ \t]))"
)
_RULE = re.compile(r"^[\W_]*$")
_BULLET = re.compile(r"^(?:[-*+\u2022>|]|\d{1,3}[.)])\s+")


def sentences(text: str) -> list[str]:
    """Return the sentences in order, each on one line; ruled lines and bare marks left out."""
    found: list[str] = []
    for block in _BREAK.split(text):
        lines = (line for line in block.split("\n") if not _RULE.match(line))
        for piece in _END.split(" ".join(lines)):
            sentence = _BULLET.sub("", shown(piece))
            if not _RULE.match(sentence):
                found += _cut(sentence)
    return found


def _cut(sentence: str) -> list[str]:
    """Cut what is too long for a sentence at a space."""
    pieces: list[str] = []
    while len(sentence) > LONGEST:
        at = sentence.rfind(" ", LONGEST // 2, LONGEST)
        at = at if at > 0 else LONGEST
        pieces.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*pieces, sentence] if sentence else pieces

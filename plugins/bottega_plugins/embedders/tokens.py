"""Where the tokens of a text stand, by a tokenizer of the `tokenizers` library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WINDOW = 1 << 16
"""Characters that are tokenised at once, so that a book does not fill the memory."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def spans(tokenizer: Tokenizer, text: str) -> list[tuple[int, int]]:
    """Return the (start, end) characters of each token of the whole text, nothing cut.

    The tokenizer must be one that neither cuts nor fills up.
    """
    return [
        (start + a, start + b)
        for start, piece in _windows(clean(text))
        for a, b in tokenizer.encode(piece, add_special_tokens=False).offsets
    ]


def clean(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold; positions stay as they are."""
    return _SURROGATE.sub("\ufffd", text)


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text in pieces that end at a space where there is one, each with its start."""
    start = 0
    while start < len(text):
        end = start + _WINDOW
        if end < len(text):
            end = text.rfind(" ", start + 1, end) + 1 or end
        yield start, text[start:end]
        start = end

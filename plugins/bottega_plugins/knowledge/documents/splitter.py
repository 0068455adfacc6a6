"""Cutting documents to passages that follow their structure and fit an embedder.

A header block is one passage. Under each heading, text is taken up to the embedder's limit and cut
at the last end of a paragraph, else of a sentence, a line or a word. Spans are exact: the passage's
text is `text[start:end]` of the document.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from bottega_plugins.knowledge import words
from bottega_plugins.knowledge.documents.chunk import Chunk, citation_path, prefix_text
from bottega_plugins.knowledge.documents.outline import Outline, read_outline

VERSION = 1
"""Raised when the same text would be cut otherwise: indexes are then made anew."""

MOST_CHARACTERS = 2_000
"""Longest passage, however few tokens it has: 100 characters without a space can be one token."""
_SPECIAL_TOKENS = 4
"""Room for what an embedder puts around and between."""
_LEAST_TOKENS = 16
_SHORT_REST = 1.4
"""What is left over after a cut is at least this share of a passage, less 1."""
_WINDOW = 4 * MOST_CHARACTERS

TokenSpans = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Splitter:
    """Cuts documents to passages."""

    token_spans: TokenSpans
    max_tokens: int

    @property
    def version(self) -> str:
        """What decides on passages and their words, beside the embedder's tokens."""
        return f"{VERSION}:{words.VERSION}:{self.max_tokens}"

    def split(self, source: str, text: str) -> tuple[str, tuple[Chunk, ...]]:
        """Return the document's title and passages, in order."""
        outline = read_outline(text, source)
        chunks = _placed(citation_path(source), text, self._spans(text, outline))
        return outline.title, _with_unique_keys(chunks)

    def _spans(self, text: str, outline: Outline) -> Iterator[tuple[str, int, int]]:
        if outline.header:
            start = outline.header.start
            yield "", start, _without_trailing_space(text, start, outline.header.end)
        for section in outline.sections:
            heading = " > ".join(section.heading)
            prefix = len(self.token_spans(prefix_text(outline.title, heading)))
            budget = max(_LEAST_TOKENS, self.max_tokens - _SPECIAL_TOKENS - prefix)
            for start, end in self._pieces(text, section.start, section.end, budget):
                yield heading, start, end

    def _pieces(self, text: str, start: int, end: int, budget: int) -> Iterator[tuple[int, int]]:
        room = _Room(text=text, end=end, budget=budget, token_spans=self.token_spans)
        position = _next_text(text, start, end)
        while position < end:
            stop = room.stop(position)
            if stop < end:
                if end - position < _SHORT_REST * (stop - position):
                    stop = position + (end - position) * 3 // 5  # two fair pieces, no crumb
                stop = _cut(text, position, stop)
            yield position, _without_trailing_space(text, position, stop)
            position = _next_text(text, stop, end)


@dataclass(kw_only=True, slots=True)
class _Room:
    """How far a passage may reach; tokens are counted for several passages at once."""

    text: str
    end: int
    budget: int
    token_spans: TokenSpans
    _starts: list[int] = field(default_factory=list[int])
    _counted: int = 0
    """Up to where tokens are known."""

    def stop(self, position: int) -> int:
        """Return the furthest end of a passage that starts here."""
        furthest = min(position + MOST_CHARACTERS, self.end)
        if self._counted < furthest:
            self._counted = min(position + _WINDOW, self.end)
            spans = self.token_spans(self.text[position : self._counted])
            self._starts = [position + start for start, _ in spans]
        after = bisect_left(self._starts, position) + self.budget
        if after >= len(self._starts):
            return furthest
        return max(position + 1, min(furthest, self._starts[after]))


_ENDS = (  # what to cut at, best first, and the share of the room that must at least be filled
    (re.compile(r"\n[ \t\r]*\n"), 0.4),
    (re.compile(r"[.!?][\"')\]]*\s"), 0.5),
    (re.compile(r"\n"), 0.5),
    (re.compile(r"\s"), 0.2),
)


def _cut(text: str, start: int, stop: int) -> int:
    """Return the best place at or before `stop` to end a passage."""
    for pattern, share in _ENDS:
        least = start + int((stop - start) * share)
        ends = [match.end() for match in pattern.finditer(text, least, stop)]
        if ends and ends[-1] > start:
            return ends[-1]
    return stop


_SOMETHING = re.compile(r"\S")
_DEEPEST_INDENT = 100


def _next_text(text: str, start: int, end: int) -> int:
    """Return where the next line with text begins, its indent included; `end` if there is none."""
    match = _SOMETHING.search(text, start, end)
    if match is None:
        return end
    line = text.rfind("\n", start, match.start()) + 1
    if line == 0:
        line = start if start == 0 or text[start - 1] == "\n" else match.start()
    return line if match.start() - line <= _DEEPEST_INDENT else match.start()


def _without_trailing_space(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip())


def _placed(path: str, text: str, spans: Iterable[tuple[str, int, int]]) -> Iterator[Chunk]:
    line, position = 1, 0
    for heading, start, end in spans:
        line += text.count("\n", position, start)
        position = start
        end_line = line + text.count("\n", start, end)
        yield Chunk(
            key=f"{path}:{line}-{end_line}",
            heading=heading,
            start=start,
            end=end,
            line=line,
            end_line=end_line,
            text=text[start:end],
        )


def _with_unique_keys(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
    made = tuple(chunks)
    times = Counter(chunk.key for chunk in made)
    return tuple(replace(c, key=f"{c.key}@{c.start}") if times[c.key] > 1 else c for c in made)

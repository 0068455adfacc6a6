"""Cutting documents to passages that follow their structure and fit an embedder.

Under each heading, text is taken up to the embedder's limit and cut at the last start of an item
(row, list item, function), else at the last end of a paragraph, a sentence, a line or a word.
Passages overlap only where a cut had to go through a line: the next one then takes up some words
before the cut, so that no phrase is lost to both.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bottega_plugins.knowledge import words
from bottega_plugins.knowledge.documents.chunk import Chunk, citation_path, prefix_text
from bottega_plugins.knowledge.documents.parsed import Parsed, Section

VERSION = 2
"""Raised when the same text would be cut otherwise: indexes are then made anew."""

MOST_CHARACTERS = 2_000
"""Longest passage, however few tokens it has: 100 characters without a space can be one token."""
_SPECIAL_TOKENS = 4
"""Room for what an embedder puts around and between."""
_LEAST_TOKENS = 16
_SHORT_REST = 1.4
"""What is left over after a cut is at least this share of a passage, less 1."""
_LEAST_FILLED = 0.3
"""Share of the room that must be filled before a passage ends at the start of an item."""
_OVERLAP = 8
"""The part of a passage that is repeated after a cut through a line is 1 in so many."""
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

    def cut(self, parsed: Parsed, title: str, source: str, original: str) -> tuple[Chunk, ...]:
        """Return the passages, in order.

        `original` is the text of the source, in which spans and lines are counted where the
        document has `places`.
        """
        whole = parsed.text if parsed.places is None else original
        placing = _Placing(path=citation_path(source), parsed=parsed, whole=whole)
        return _with_unique_keys(placing.chunk(*piece) for piece in self._pieces(parsed, title))

    def _pieces(self, parsed: Parsed, title: str) -> Iterator[tuple[Section, int, int]]:
        for section in parsed.sections:
            prefix = len(self.token_spans(prefix_text(title, " > ".join(section.heading))))
            budget = max(_LEAST_TOKENS, self.max_tokens - _SPECIAL_TOKENS - prefix)
            for start, end in self._spans(parsed.text, section, budget):
                yield section, start, end

    def _spans(self, text: str, section: Section, budget: int) -> Iterator[tuple[int, int]]:
        end = section.end
        room = _Room(text=text, end=end, budget=budget, token_spans=self.token_spans)
        position = _next_text(text, section.start, end)
        while position < end:
            stop, again = room.stop(position), 0
            if stop < end:
                if end - position < _SHORT_REST * (stop - position):
                    stop = position + (end - position) * 3 // 5  # two fair pieces, no crumb
                stop, again = _cut(text, position, stop, section.breaks)
            yield position, _without_trailing_space(text, position, stop)
            position = _next_text(text, again or stop, end)


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
)
_WORD_END = re.compile(r"\s")
_LEAST_WORDS = 0.2


def _cut(text: str, start: int, stop: int, breaks: Sequence[int]) -> tuple[int, int]:
    """Return the best place to end a passage, and where the next begins if before that, else 0."""
    place = bisect_right(breaks, stop) - 1
    if place >= 0 and breaks[place] > start + (stop - start) * _LEAST_FILLED:
        return breaks[place], 0
    for pattern, share in _ENDS:
        end = _last_end(pattern, text, start + int((stop - start) * share), stop)
        if end > start:
            return end, 0
    end = _last_end(_WORD_END, text, start + int((stop - start) * _LEAST_WORDS), stop)
    if end > start:
        again = _last_end(_WORD_END, text, start, end - (end - start) // _OVERLAP)
        return end, again if again > start else 0
    return stop, 0


def _last_end(pattern: re.Pattern[str], text: str, least: int, stop: int) -> int:
    ends = [match.end() for match in pattern.finditer(text, least, stop)]
    return ends[-1] if ends else -1


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


@dataclass(kw_only=True, slots=True)
class _Placing:
    """Makes passages of spans: where they stand in the source, on which page and lines."""

    path: str
    parsed: Parsed
    whole: str
    """What lines are counted in."""
    _line: int = 1
    _position: int = 0
    """The line at this place is known."""

    def chunk(self, section: Section, start: int, end: int) -> Chunk:
        parsed = self.parsed
        place = parsed.places.span(start, end) if parsed.places else (start, end)
        page = bisect_right(parsed.pages, start)
        line = self._line_at(place[0], parsed.pages[page - 1] if page else 0)
        end_line = line + self.whole.count("\n", *place)
        path = f"{self.path}:p{page}" if page else self.path
        return Chunk(
            key=f"{path}:{line}-{end_line}",
            heading=" > ".join(section.heading),
            start=place[0],
            end=place[1],
            line=line,
            end_line=end_line,
            text=parsed.text[start:end],
            page=page,
            metadata=section.facts(start, end),
        )

    def _line_at(self, position: int, page_start: int) -> int:
        if page_start > self._position:
            self._line, self._position = 1, page_start
        if position >= self._position:
            self._line += self.whole.count("\n", self._position, position)
        else:
            self._line -= self.whole.count("\n", position, self._position)
        self._position = position
        return self._line


def _with_unique_keys(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
    made = tuple(chunks)
    times = Counter(chunk.key for chunk in made)
    seen: Counter[str] = Counter()
    return tuple(replace(c, key=_own_key(c, seen)) if times[c.key] > 1 else c for c in made)


def _own_key(chunk: Chunk, seen: Counter[str]) -> str:
    key = f"{chunk.key}@{chunk.start}"
    seen[key] += 1  # pieces of one long row were all read from the same place
    return key if seen[key] == 1 else f"{key}.{seen[key]}"

"""A task, read: the parts it asks for, and the names that it puts in quotes.

By punctuation and question words alone; English only. Long tasks are cut: nobody asks in a book.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from bottega_plugins.models.embedded.kinds import Kind, kind_of
from bottega_plugins.models.embedded.words import COMMON, shown, stem, terms, words

MOST_CHARACTERS = 4_000
MOST_PARTS = 8
_WH = r"(?:which|what|who|whom|whose|when|where|why|how)"
_DO = (
    r"(?:calculate|compute|evaluate|multiply|add|subtract|divide|find|search|list|name|show|give|"
    r"tell|look|explain|describe|summari[sz]e|quote|say|work|count|convert|translate|write|get)"
)
_AT = r"(?:for|in|on|by|to|at|with|from|of|since|until|under|into)"
_SPLIT = re.compile(
    rf"[?!;]\s+(?=\S)|\.\s+(?=[A-Z])|\n+|[,;]?\s+(?:and|then)\s+(?:also\s+|then\s+)?"
    rf"(?=(?:{_AT}\s+)?{_WH}\b|{_DO}\b)",
    re.IGNORECASE,
)
_ASKING = re.compile(rf"\?|\b{_WH}\b|^\s*(?:please\s+|then\s+|also\s+)?{_DO}\b", re.IGNORECASE)
_KEEPING = re.compile(r"\W*(?:please\s+)?(?:remember|keep|save|store|note)\b", re.IGNORECASE)
_HEAD = re.compile(r"\b(?:which|what)\s+((?:[\w-]+\s+){0,2}?[\w-]+)", re.IGNORECASE)
_OPEN = '"\u201c\u00ab'
_CLOSE = '"\u201d\u00bb'


@dataclass(frozen=True)
class Ask:
    """One thing that a task asks for."""

    text: str
    """As the task has it: `for which Python version`."""
    bare: str
    """The same without what stands in quotes."""

    @cached_property
    def kind(self) -> Kind:
        """The sort of thing asked for."""
        return kind_of(self.bare)

    @cached_property
    def terms(self) -> list[str]:
        """Stems of the words outside of quotes, in order."""
        return terms(self.bare)

    @cached_property
    def orders(self) -> bool:
        """Whether it begins with an order to keep something, and so wants no reply."""
        return _KEEPING.match(self.text) is not None and "?" not in self.text

    @cached_property
    def head(self) -> str:
        """The stem of the noun right after `which` or `what`; empty where there is none."""
        found = _HEAD.search(self.bare)
        first = words(found[1])[:1] if found else []
        return stem(first[0]) if first and first[0] not in COMMON else ""


@dataclass(frozen=True)
class Question:
    """A task, read."""

    text: str
    asks: tuple[Ask, ...]
    quoted: tuple[str, ...]
    """What stands in double quotes, longest span first where they are nested."""

    @staticmethod
    def read(task: str) -> Question:
        """Read a task; there is always at least one ask."""
        text = " ".join(_shown_lines(task[:MOST_CHARACTERS]).split(" ")).strip()
        spans = quoted_spans(text)
        masked = list(text)
        for start, end in spans:
            masked[start:end] = "\u25a0" * (end - start)
        bounds = _bounds("".join(masked))
        asks = [_ask(text, a, b, spans) for a, b in bounds]
        asks = [ask for ask in asks if ask.text]
        asking = [ask for ask in asks if _ASKING.search(ask.bare)]
        chosen = (asking or [_ask(text, 0, len(text), spans)])[:MOST_PARTS]
        flat = shown(text)
        return Question(flat, tuple(chosen), tuple(shown(text[a + 1 : b - 1]) for a, b in spans))

    @property
    def bare(self) -> str:
        """All asks without what stands in quotes."""
        return " ".join(ask.bare for ask in self.asks)

    @cached_property
    def terms(self) -> list[str]:
        """Stems of all words that carry meaning."""
        return terms(self.text)

    @cached_property
    def names(self) -> set[str]:
        """Folded words that the question writes as names or numbers: capitals inside, digits."""
        found = re.finditer(r"[^\W_][\w.'-]*", self.text)
        return {
            word
            for match in found
            if _is_name(match[0], first=_opens(self.text, match.start()))
            for word in words(match[0])
            if word not in COMMON
        }


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """Return the outermost spans in double quotes, the quotes included, in order.

    A quote opens after a space and closes before one, so `"a "b" c"` is one span.
    """
    spans: list[tuple[int, int]] = []
    depth = start = 0
    for i, character in enumerate(text):
        opens = character in _OPEN and (
            i == 0 or not (text[i - 1].isalnum() or text[i - 1] in ".?!)")
        )
        if opens and i + 1 < len(text) and not text[i + 1].isspace():
            start = start if depth else i
            depth += 1
        elif character in _CLOSE and depth:
            depth -= 1
            if not depth and i > start + 1:
                spans.append((start, i + 1))
    return spans


def _shown_lines(text: str) -> str:
    return "\n".join(line for line in map(shown, text.splitlines()) if line)


def _bounds(masked: str) -> list[tuple[int, int]]:
    """Return where the parts of a task begin and end."""
    bounds: list[tuple[int, int]] = []
    position = 0
    for match in _SPLIT.finditer(masked):
        keep = 1 if masked[match.start()] in "?!." else 0
        bounds.append((position, match.start() + keep))
        position = match.end()
    return [*bounds, (position, len(masked))]


def _ask(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> Ask:
    bare, position = "", start
    for a, b in spans:
        if start <= a and b <= end:
            bare += text[position:a]
            position = b
    return Ask(shown(text[start:end]), shown(bare + text[position:end]))


def _opens(text: str, position: int) -> bool:
    """Say whether a sentence begins here, where every word has a capital."""
    before = text[:position].rstrip()
    return not before or before[-1] in ".?!:"


def _is_name(word: str, *, first: bool) -> bool:
    if any(c.isdigit() for c in word):
        return True
    return any(c.isupper() for c in (word[1:] if first else word))

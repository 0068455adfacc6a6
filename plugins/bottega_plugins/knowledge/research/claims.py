"""Claims of an answer: its sentences, the passages that each points at, and the exact spans there.

A span is the run of at most three sentences of a passage that has most of the claim's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bottega.messages import Citation
from bottega_plugins.knowledge.research.sentences import sentence_spans
from bottega_plugins.knowledge.words import contains, plain_words, words

_BRACKETS = re.compile(r"\s{0,20}\[([^\[\]\n]{1,300})\]")
_BETWEEN_KEYS = re.compile(r"\s{0,20}[;,]\s{0,20}")
_INVENTED = re.compile(r"[^\s:;,]+:p?\d[^\s;,]*(?:\s*[;,]\s*[^\s:;,]+:p?\d[^\s;,]*)*")
"""What looks like keys, but is none that is known."""
_QUOTES = re.compile(r"[\"\u201c\u201d\u00ab\u00bb]")
_SPACES = re.compile(r"\s+")
_MOST_SENTENCES = 3
_LEAST_WORDS = 4
"""Of a quotation that proves anything."""
_LONGEST_LEAD = 60
"""Characters of a line such as `It depends on:` that only leads to what follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One sentence of an answer."""

    text: str
    """Without the keys."""
    keys: tuple[str, ...]
    """What it points at, as far as such passages are known."""
    after: str
    """What stands between it and the next: a space, or the end of a paragraph."""

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it that must be supported."""
        if self.text.endswith(":") and len(self.text) <= _LONGEST_LEAD:
            return False
        return bool(words(self.text))


def read_claims(answer: str, known: Mapping[str, Citation]) -> Iterator[Claim]:
    """Yield the sentences of an answer, each with the keys that stand in it or right behind it."""
    spans = list(sentence_spans(answer))
    for index, (start, end) in enumerate(spans):
        following = spans[index + 1][0] if index + 1 < len(spans) else len(answer)
        text, keys = _without_keys(answer[start:end], known)
        yield Claim(text=text, keys=keys, after=_gap(answer[end:following]))


def _gap(between: str) -> str:
    lines = between.count("\n")
    return "\n\n" if lines > 1 else "\n" if lines else " "


def _without_keys(text: str, known: Mapping[str, Citation]) -> tuple[str, tuple[str, ...]]:
    keys: list[str] = []

    def leave_out(match: re.Match[str]) -> str:
        inside = match[1]
        named = [part.strip() for part in (inside, *_BETWEEN_KEYS.split(inside))]
        found = [name for name in named if name in known]
        keys.extend(found)
        return "" if found or _INVENTED.fullmatch(inside) else match[0]

    bare = _BRACKETS.sub(leave_out, text)
    return bare.strip(), tuple(dict.fromkeys(keys))


def narrowed(passage: Citation, claim: str) -> Citation:
    """Return the part of a passage that a claim rests on, as a citation of its own.

    Its span and lines are exact where the passage's text is that of the source; in a source that
    was converted (its span and its text differ in length) the passage's own span is kept, and the
    key says where in the passage's text the part begins.
    """
    start, end = support_span(passage.quote, claim)
    if (start, end) == (0, len(passage.quote)):
        return passage
    quote = passage.quote[start:end]
    if passage.end - passage.start != len(passage.quote):
        return replace(passage, key=f"{passage.key}#{start}", quote=quote)
    line = passage.line + passage.quote.count("\n", 0, start) if passage.line else 0
    end_line = line + quote.count("\n") if line else 0
    return replace(
        passage,
        key=_key(passage, line, end_line, start),
        start=passage.start + start,
        end=passage.start + end,
        line=line,
        end_line=end_line,
        quote=quote,
    )


def _key(passage: Citation, line: int, end_line: int, start: int) -> str:
    path, colon, _ = passage.key.rpartition(":")
    return (
        f"{path}:{line}-{end_line}" if line and colon else f"{passage.key}@{passage.start + start}"
    )


def with_own_keys(spans: Iterable[Citation]) -> Iterator[Citation]:
    """Yield the spans with keys that differ where they do: several may share their lines."""
    known = list(spans)
    places: dict[str, set[tuple[int, int]]] = {}
    for span in known:
        places.setdefault(span.key, set()).add((span.start, span.end))
    for span in known:
        shared = len(places[span.key]) > 1
        yield replace(span, key=f"{span.key}@{span.start}") if shared else span


def support_span(text: str, claim: str) -> tuple[int, int]:
    """Return where in a text a claim is supported best: what it quotes, else its sentences."""
    quoted = _exact(text, claim)
    if quoted:
        return quoted
    spans = list(sentence_spans(text))
    wanted = set(words(claim))
    best, found = 0.0, (0, len(text))
    for first in range(len(spans)):
        for last in range(first, min(first + _MOST_SENTENCES, len(spans))):
            start, end = spans[first][0], spans[last][1]
            shared = len(wanted & set(words(text[start:end]))) - 0.5 * (last - first)
            if shared > best:
                best, found = shared, (start, end)
    return found


def _exact(text: str, claim: str) -> tuple[int, int] | None:
    """Return the sentences around the longest quotation of the text in the claim."""
    pieces = sorted(_QUOTES.split(claim)[1::2], key=len, reverse=True)
    for piece in (claim, *pieces):
        if len(piece.split()) < _LEAST_WORDS:
            continue
        pattern = r"\s+".join(re.escape(word) for word in piece.strip(" .\u2026").split())
        match = re.search(pattern, text)
        if match:
            return _sentences_around(text, *match.span())
    return None


def _sentences_around(text: str, start: int, end: int) -> tuple[int, int]:
    spans = [span for span in sentence_spans(text) if span[0] < end and start < span[1]]
    return (spans[0][0], spans[-1][1]) if spans else (start, end)


def is_quotation(claim: str, text: str) -> bool:
    """Say whether the claim is made of the text's own words: a quotation, and little beside it.

    What stands beside the quotation must be in the text as well, word for word. For claims that
    are quoted by rule alone: a writer can quote half a sentence and turn what it says around.
    """
    pieces = _QUOTES.split(claim)
    quoted = [piece for piece in pieces[1::2] if len(piece.split()) >= _LEAST_WORDS]
    wanted = [*quoted, *(piece for piece in pieces[::2] if words(piece))] if quoted else [claim]
    return all(contains(text, plain_words(piece)) for piece in wanted)


def best_supporter(claim: str, passages: Sequence[Citation]) -> Citation | None:
    """Return the passage that has most of a claim's words, if it has at least half of them."""
    wanted = set(words(claim))

    def share(passage: Citation) -> float:
        there = set(words(f"{passage.heading} {passage.quote}"))
        return len(wanted & there) / len(wanted) if wanted else 0.0

    best = max(passages, key=share, default=None)
    return best if best is not None and share(best) >= 0.5 else None

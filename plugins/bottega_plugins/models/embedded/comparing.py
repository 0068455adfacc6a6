"""Comparing two things that a question names: which is older, or whether both are alike.

Reads one sentence of each, from the passages that speak of it: a year or a number where an order is
asked for, the words that both must have where it is asked whether they are alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bottega_plugins.models.embedded.candidates import Candidate, candidates
from bottega_plugins.models.embedded.fields import record_of
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.support import Fit
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import COMMON, covered, stem, terms, words

Order = Literal["least", "most", "alike"]
By = Literal["year", "number", "words"]
_WORD = r"[A-Z][\w.'&-]*"
_MORE = r"[A-Z0-9][\w.'&!-]*"
_LINK = r"(?:of|from|in|for)(?: the)?|the|de|van|von|du|la"
_ONE = rf"{_WORD}(?: (?:(?:{_LINK}) )?{_MORE})*"
_NAME = rf"(?:\"[^\"]+\"|{_WORD}(?: (?:(?:{_LINK}|and) )?{_MORE})*)"
_EITHER = re.compile(rf"(?P<one>{_NAME}),? or (?:the )?(?P<other>{_NAME})")
_BOTH = re.compile(
    r"(?i:are|were|is|was|do|did|does|have|has)\s+(?i:both\s+)?(?i:the\s+)?"
    rf"(?P<one>\"[^\"]+\"|{_ONE})(?:,? and|,? or)\s+(?i:the\s+)?(?P<other>{_NAME})(?P<rest>.*)"
)


def _stems(listed: str) -> frozenset[str]:
    return frozenset(map(stem, listed.split()))


_ORDERS: tuple[tuple[frozenset[str], Order, By], ...] = (
    (_stems("older first earlier before oldest former previously"), "least", "year"),
    (_stems("younger later newer last after youngest newest recently latter"), "most", "year"),
    (
        _stems("more larger bigger longer higher taller greater most largest longest"),
        "most",
        "number",
    ),
    (_stems("fewer smaller shorter lower less least smallest shortest"), "least", "number"),
)
_YEAR = re.compile(r"\b(1\d{3}|20\d\d)\b")
_NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_SORT = re.compile(r"\b[A-Z][a-z]+(?:an|ish|ese|ch|ic|i)\b")
"""Adjectives of nations."""
_LIKE = frozenset(("same", "both", "also", "kind", "type"))
_ALIKE = 0.1
"""Similarity to the question from which a sentence's year or number is taken."""
_READ = 4
"""Sentences of each thing that are read."""
SURE = 0.55
"""Probability of a comparison in which both things were found."""


@dataclass(frozen=True)
class Comparison:
    """Two things, and what is asked of them."""

    one: str
    other: str
    order: Order
    by: By
    rest: str
    """What one or both of them must have; empty where a year or number decides."""


def comparison_in(question: str) -> Comparison | None:
    """Read a comparison of two things; None where the question is no such thing."""
    said = {stem(word) for word in words(question)}
    both = _BOTH.match(question.strip())
    if both:
        rest = both["rest"].rstrip("?. ")
        return Comparison(_bare(both["one"]), _bare(both["other"]), "alike", "words", rest)
    either = _EITHER.search(question)
    if either is None:
        return None
    one, other = _bare(either["one"]), _bare(either["other"])
    for wanted, order, by in _ORDERS:
        if wanted & said:
            return Comparison(one, other, order, by, "")
    rest = question[: either.start()] + question[either.end() :]
    return Comparison(one, other, "most", "words", rest)


async def compare(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the answer to a comparison, and the sentence about the other thing behind it."""
    asked = comparison_in(ask.text)
    if asked is None:
        return []
    ranked = await candidates(question, ask, passages, vectors)
    dated = _dated(asked.by, passages)
    one, other = (_about(name, [*dated, *ranked]) for name in (asked.one, asked.other))
    if not one or not other:
        return []
    found = _alike(asked, one, other) if asked.order == "alike" else _ordered(asked, one, other)
    if found is None:
        return []
    short, first, second = found
    return [_finding(ask, first, short), _finding(ask, second, "")]


def _dated(by: By, passages: Sequence[Passage]) -> list[Candidate]:
    """Return the dates that documents say of themselves in their headers."""
    records = [record for p in passages if by == "year" and (record := record_of(p))]
    fit = Fit(similarity=1, coverage=1, weighted=1, kind=1, length=0)
    return [
        Candidate(text, text, record.passage, fit)
        for record in records
        for field in record.fields
        if field.kind == "date" and (text := f"{field.shown_key}: {field.value}")
    ]


def _about(name: str, ranked: Sequence[Candidate]) -> list[Candidate]:
    """Return the sentences about a thing, best first: of its own document, or that name it."""
    wanted = set(words(name)) - COMMON
    own = [c for c in ranked if {w.lstrip("0") or w for w in wanted} <= c.passage.place]
    return (own or [c for c in ranked if wanted <= set(words(c.text))])[:_READ]


def _alike(
    asked: Comparison, one: Sequence[Candidate], other: Sequence[Candidate]
) -> tuple[str, Candidate, Candidate] | None:
    """Say yes where both have the words asked for, or share a word where it asks for the same."""
    wanted = set(terms(asked.rest)) - _LIKE
    if "same" in words(asked.rest):
        shared = _kinds(one) & _kinds(other)
        return ("yes" if shared else "no"), one[0], other[0]
    have = [covered(wanted, {t for c in side for t in terms(c.text)}) for side in (one, other)]
    return ("yes" if min(have) >= 0.5 else "no"), one[0], other[0]


def _kinds(side: Sequence[Candidate]) -> set[str]:
    """Return the capitalised words of the sentences that tell of what sort a thing is."""
    return {w for c in side for w in _SORT.findall(c.text)}


def _ordered(
    asked: Comparison, one: Sequence[Candidate], other: Sequence[Candidate]
) -> tuple[str, Candidate, Candidate] | None:
    """Return the name that comes first in the order asked for; None where neither does."""
    if asked.by == "words":
        wanted = set(terms(asked.rest))
        figures = [_fullest(wanted, side) for side in (one, other)]
    else:
        figures = [f for side in (one, other) if (f := _figure(asked.by, side))]
    if len(figures) < 2 or figures[0][0] == figures[1][0]:
        return None
    first, second = figures
    lower = first[0] < second[0]
    if lower == (asked.order == "least"):
        return asked.one, first[1], second[1]
    return asked.other, second[1], first[1]


def _fullest(wanted: set[str], side: Sequence[Candidate]) -> tuple[float, Candidate]:
    """Return how many of the words asked for a side has, and its fullest sentence."""
    scored = [(float(len(wanted & set(terms(c.text)))), -i) for i, c in enumerate(side)]
    best = max(scored)
    return best[0], side[-best[1]]


def _figure(by: By, side: Sequence[Candidate]) -> tuple[float, Candidate] | None:
    """Return the first year or number of a side, and its sentence."""
    pattern = _YEAR if by == "year" else _NUMBER
    for candidate in side:
        found = pattern.search(candidate.text) if candidate.fit.similarity >= _ALIKE else None
        if found:
            return float(found[0].replace(",", "")), candidate
    return None


def _finding(ask: Ask, candidate: Candidate, short: str) -> Finding:
    return Finding(
        ask,
        candidate.passage,
        SURE,
        sentence=candidate.text,
        short=short,
        share=float(bool(short)),
    )


def _bare(name: str) -> str:
    return name.strip('" ')

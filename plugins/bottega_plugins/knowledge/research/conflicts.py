"""Sources that contradict each other: shown side by side, never decided in silence.

A candidate is a passage of another document that says nearly what a sentence of the answer says,
but has another number or another name in the place of the one that matters. A decider confirms it,
except for extractive models, whose decider cannot tell a contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bottega.messages import Citation
from bottega_plugins.knowledge.research.claims import narrowed
from bottega_plugins.knowledge.research.judging import Judge
from bottega_plugins.knowledge.research.names import names, numbers
from bottega_plugins.knowledge.research.verifying import Checked, Verified
from bottega_plugins.knowledge.words import contains, plain_words, words

_KEYS = re.compile(r"\[[^\[\]\n]{1,300}\]")
ALIKE = 0.75
"""Share of a sentence's other words that a contradicting one has, at least."""
MOST = 5
"""Conflicts that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Two spans of different documents that cannot both be right."""

    claim: str
    """The sentence of the answer."""
    said: Citation
    other: Citation


async def find_conflicts(
    question: str, verified: Verified, ranked: Sequence[Citation], judge: Judge, *, confirm: bool
) -> tuple[Conflict, ...]:
    """Return where other documents contradict what the answer says, each pair once.

    They are in the order of the passages, the best source first, then by their place in it.
    """
    found: dict[frozenset[str], Conflict] = {}
    sources = list(dict.fromkeys(passage.source for passage in ranked))
    known = [c for item in verified.sentences for c in _candidates(question, item, ranked)]
    for conflict in sorted(known, key=lambda c: (sources.index(c.other.source), c.other.start)):
        pair = frozenset((conflict.said.source, conflict.other.source))
        if pair in found or (confirm and not await _confirmed(conflict, judge)):
            continue
        found[pair] = _with_own_key(conflict, verified.citations)
        if len(found) == MOST:
            break
    return tuple(found.values())


async def _confirmed(conflict: Conflict, judge: Judge) -> bool:
    said = await judge.contradicted(conflict.claim, conflict.other.quote)
    return said.verdict is True


def outranked(conflicts: Sequence[Conflict], ranked: Sequence[Citation]) -> frozenset[str]:
    """Return the sources that the answer rests on though a better one contradicts them."""
    sources = list(dict.fromkeys(passage.source for passage in ranked))
    return frozenset(
        c.said.source
        for c in conflicts
        if sources.index(c.other.source) < sources.index(c.said.source)
    )


def _with_own_key(conflict: Conflict, cited: Mapping[str, Citation]) -> Conflict:
    other = conflict.other
    if cited.get(other.key, other) == other:
        return conflict
    return replace(conflict, other=replace(other, key=f"{other.key}@{other.start}"))


def _candidates(question: str, item: Checked, ranked: Sequence[Citation]) -> Iterator[Conflict]:
    for said in item.spans:
        for value, kind in _values(question, said.quote, item.claim.text):
            for passage in ranked:
                if passage.source != said.source:
                    other = narrowed(passage, said.quote)
                    if _contradict(said, other, value, kind):
                        yield Conflict(claim=item.claim.text, said=said, other=other)


def _values(question: str, quote: str, claim: str) -> Iterator[tuple[str, str]]:
    """Yield the numbers and names that the claim has and the question does not."""
    asked, text = f" {plain_words(question)} ", f" {plain_words(quote)} "
    for kind, found in (("number", numbers(claim)), ("name", names(claim))):
        for value in found:
            plain = f" {plain_words(value)} "
            if plain not in asked and plain in text:
                yield value, kind


def _contradict(said: Citation, other: Citation, value: str, kind: str) -> bool:
    """Say whether one span says all of the other, but for a value; whichever is the longer."""
    rivals = _of_kind(other.quote, kind)
    return _differs(said, other, value, kind) or any(
        _differs(other, said, rival, kind) for rival in rivals
    )


def _differs(said: Citation, other: Citation, value: str, kind: str) -> bool:
    """Say whether another span says the same of another value."""
    rest = set(words(said.quote)) - set(words(value))
    there = set(words(other.quote))
    if not rest or len(rest & there) < ALIKE * len(rest):
        return False
    if contains(other.quote, plain_words(value)) or not _same_rest(said, other, value):
        return False
    own = {plain_words(v) for v in _of_kind(said.quote, kind)}
    rivals = (v for v in _of_kind(other.quote, kind) if plain_words(v) not in own)
    return any(kind == "name" or _shape(v) == _shape(value) for v in rivals)


def _same_rest(said: Citation, other: Citation, value: str) -> bool:
    """Say whether all names and numbers of one span but the value stand in the other, too.

    `Python 3.8 was released in 2019` says nothing against `Python 3.9 was released in 2020`.
    """
    there = f"{other.heading} {other.quote}"
    rest = [v for v in (*names(said.quote), *numbers(said.quote)) if not _overlap(v, value)]
    return all(contains(there, plain_words(v)) for v in rest)


def _overlap(left: str, right: str) -> bool:
    a, b = plain_words(left), plain_words(right)
    return contains(a, b) or contains(b, a)


def _shape(number: str) -> tuple[int, str]:
    """Return what a number looks like: how long it is, and the signs in it. A year is no sum."""
    whole = number.partition(".")[0]
    return sum(c.isdigit() for c in whole), "".join(c for c in number if c in "$\u20ac\u00a3%")


def _of_kind(text: str, kind: str) -> list[str]:
    bare = _KEYS.sub(" ", text)  # what looks like a key is no value
    return numbers(bare) if kind == "number" else names(bare)

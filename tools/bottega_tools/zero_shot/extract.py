"""A summary of a text's own sentences, for models that write nothing of their own.

A sentence counts for the words that it shares with the whole text, the frequent ones more, and for
standing early; one that repeats another counts for little. After SumBasic: Nenkova and Vanderwende
2005, https://www.microsoft.com/en-us/research/publication/the-impact-of-frequency-on-summarization/
"""

from __future__ import annotations

import re
from collections import Counter

_SENTENCE = re.compile(r"[^\n.!?。]+(?:[.!?。](?!\s|$)[^\n.!?。]*)*[.!?。]*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_MOST = 2_000
"""Sentences that are looked at."""
_EARLY = 0.1
_SAID = 0.5
"""What a word counts for that has been said, once more for each time."""


def extract(text: str, words: int) -> str:
    """Return the sentences that say most, in their order, of about that many words together."""
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    sentences = [one for one in found if len(one.split()) > 3][:_MOST] or found[:1]
    said = [_words(one) for one in sentences]
    counts = Counter(word for one in said for word in one)
    total = sum(counts.values()) or 1
    weights = {word: count / total for word, count in counts.items()}
    chosen: list[int] = []
    room = words
    while len(chosen) < len(sentences):
        rest = [i for i in range(len(sentences)) if i not in chosen]
        best = max(rest, key=lambda i: _weight(said[i], weights, i / len(said)))
        room -= len(sentences[best].split())
        if room < 0 and chosen:
            break
        chosen.append(best)
        for word in said[best]:
            weights[word] *= _SAID
    return " ".join(sentences[i] for i in sorted(chosen))


def _words(sentence: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(sentence)}


def _weight(said: set[str], weights: dict[str, float], place: float) -> float:
    """Return how much a sentence says, at that share of the way through the text."""
    mean = sum(weights[word] for word in said) / len(said) if said else 0.0
    return mean * (1 + _EARLY * (1 - place))

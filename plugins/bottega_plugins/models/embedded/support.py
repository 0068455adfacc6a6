"""How well a sentence fits a question: a few plain features, and their weights to rank it by.

The constants are printed by `benchmarks/fit_embedded.py`, which says on what they were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RANK = (5.08, 3.91, 3.99, 2.06, 0.62)
"""Of similarity, coverage, weighted coverage, kind and length, to rank sentences."""
LONG = 300
"""Characters from which a sentence is no longer longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How a sentence fits a question; every figure from 0 to 1 except `similarity`, from -1."""

    similarity: float
    """Cosine of their vectors."""
    coverage: float
    """Share of the question's terms that the sentence has."""
    weighted: float
    """The same, rare terms counting more."""
    kind: float
    """1 where the sentence holds the sort of thing asked for, 0 where not, 0.5 for any sort."""
    length: float
    passage: float = 0.0
    """Share of the question's terms that the sentence's passage has."""
    names: float = 1.0
    """Share of the question's names and numbers that the passage has."""
    numbers: bool = True
    """Whether the passage has all of the question's numbers: another year is another question."""

    missing: float = 0.0
    """Share of what the question's terms tell that the rarest term missing in the passage has."""
    missing_here: float = 0.0
    """The same for the sentence."""

    @property
    def rank(self) -> float:
        """Higher is better, among the sentences of one question."""
        values = (self.similarity, self.coverage, self.weighted, self.kind, self.length)
        return dot(RANK, values)


def dot(weights: Sequence[float], values: Sequence[float]) -> float:
    """Return the weighted sum."""
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def logistic(value: float) -> float:
    """Return the value squeezed between 0 and 1."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, value))))


def rarity(wanted: set[str], texts: Sequence[frozenset[str]]) -> dict[str, float]:
    """Return how much each wanted term tells: more, the fewer of the texts have it."""
    counts = {term: sum(term in text for text in texts) for term in wanted}
    return {term: math.log((len(texts) + 1) / (count + 0.5)) for term, count in counts.items()}


def weighted_coverage(weights: Mapping[str, float], present: frozenset[str]) -> float:
    """Return the share of the terms that are present, each by its weight."""
    total = sum(weights.values())
    return sum(w for term, w in weights.items() if term in present) / total if total else 1.0

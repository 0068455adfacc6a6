"""Reciprocal rank fusion: one order out of several, by places alone.

Source: Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual
rank learning methods", SIGIR 2009, with their k = 60. What the lists are is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

K = 60


def reciprocal_rank(
    lists: Iterable[Sequence[int]], weights: Iterable[float] | None = None
) -> list[tuple[int, float]]:
    """Return every number of the lists with its score, best first; of equals the lower number.

    Each list is in order, best first, no number twice; its n-th number gets weight / (60 + n).
    Weights are 1 unless given. Raises ValueError when there are more or fewer weights than lists.
    """
    ordered = list(lists)
    shares = [1.0] * len(ordered) if weights is None else list(weights)
    scores: dict[int, float] = {}
    for numbers, share in zip(ordered, shares, strict=True):
        for place, number in enumerate(numbers, start=1):
            scores[number] = scores.get(number, 0.0) + share / (K + place)
    best = sorted(sorted(scores), key=scores.__getitem__, reverse=True)  # stable, also reversed
    return [(number, scores[number]) for number in best]

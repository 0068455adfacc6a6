"""Passages that are good and unlike each other: maximal marginal relevance.

Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents
and producing summaries", SIGIR 1998. Which passages are candidates is for the caller to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def diversified(
    scores: NDArray[np.floating[Any]], vectors: NDArray[np.float32], k: int, diversity: float
) -> list[int]:
    """Return at most k places among the candidates, in the order in which they are chosen.

    `scores` has shape (c,), of any scale, higher being better; `vectors` has shape (c, dimension),
    rows of length 1, or 0 for a candidate that is like no other. Each choice is the candidate with
    the most of (1 - diversity) x relevance - diversity x likeness to the nearest one chosen before.
    Relevance goes from 0 to 1 over the candidates; likeness is the cosine, below 0 counted as 0.
    Of equals the first is chosen: with a diversity of 0, what is best first stays in its order.
    """
    import numpy as np

    relevance = (1 - diversity) * _from_0_to_1(scores)
    nearest: NDArray[np.float64] = np.zeros(len(scores))
    open_places: NDArray[np.bool_] = np.ones(len(scores), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(k, len(scores)):
        gain = np.where(open_places, relevance - diversity * nearest, -np.inf)
        place = int(gain.argmax())
        chosen.append(place)
        open_places[place] = False
        nearest = np.maximum(nearest, np.vecdot(vectors, vectors[place]))
    return chosen


def _from_0_to_1(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    import numpy as np

    exact = scores.astype(np.float64)
    low, high = (exact.min(), exact.max()) if len(exact) else (0.0, 0.0)
    if high == low:
        return np.ones(len(exact))
    scaled: NDArray[np.float64] = (exact - low) / (high - low)
    return scaled

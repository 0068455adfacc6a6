"""A second look at the candidates of a search: what words and vectors say, and what neighbours say.

Fusion by rank forgets by how much one passage is better than the next. Here each candidate's word
score and cosine are set against those of all candidates and averaged. Passages that are near each
other tend to answer the same queries (the cluster hypothesis), so each score then moves some way
towards those of its nearest candidates: one step of score regularisation (Diaz, "Regularizing ad
hoc retrieval scores", CIKM 2005). The constants were chosen on questions over other collections
than those on which quality is reported. Which passages are candidates is for the caller to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANDIDATES = 200
"""Passages worth a second look; with more, far ones move the scale."""
_NEIGHBOURS = 5
_SHARE = 0.4
"""How far a score moves to those of its neighbours, were they the same text."""
_TILE = (8, 16)
"""Rows multiplied at once. With 2^18 multiplications or fewer OpenBLAS wakes no other threads, for
which it waits on a busy machine twenty times as long as the product takes."""


def rescored(
    words: NDArray[np.float32],
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    bonus: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Return the candidates' new scores between 0 and 1, of shape (c,), higher being better.

    `words` are their word scores, shape (c,); `vectors` theirs, shape (c, dimension), rows of
    length 1 or 0; `query` is the query's, shape (dimension,). `bonus`, shape (c,), is added in
    standard deviations. A query vector with NaN counts as like nothing. A candidate in the middle
    gets about 0.5; scores compare within one search only.
    """
    import numpy as np

    asked = query if np.isfinite(query).all() else np.zeros_like(query)
    scores = (_standardised(words) + _standardised(np.vecdot(vectors, asked))) / 2
    scores = _regularised(scores, vectors)
    if bonus is not None:
        scores = scores + bonus
    shares: NDArray[np.float64] = 1 / (1 + np.exp(-scores))
    return shares


def _standardised(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    import numpy as np

    exact = scores.astype(np.float64)
    spread = float(exact.std()) if len(exact) else 0.0
    if spread < 1e-6:  # all the same, but for rounding
        return np.zeros(len(exact))
    centred: NDArray[np.float64] = (exact - exact.mean()) / spread
    return centred


def _regularised(scores: NDArray[np.float64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the scores moved towards those of each one's nearest candidates, by their cosine."""
    import numpy as np

    count = min(_NEIGHBOURS, len(scores) - 1)
    if count < 1:
        return scores
    places = np.arange(len(scores))
    likeness = _products(vectors)
    likeness[places, places] = -1
    pulls: NDArray[np.float64] = np.zeros(len(scores))
    for _ in range(count):  # a few maxima take a quarter of the time of a partition
        nearest = likeness.argmax(axis=1)
        weights = np.maximum(likeness[places, nearest], 0)
        pulls += weights * (scores[nearest] - scores)
        likeness[places, nearest] = -1
    return scores + _SHARE / count * pulls


def _products(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inner product of every two rows, shape (c, c), computed in tiles."""
    import numpy as np

    (count, dimension), (high, wide) = vectors.shape, _TILE
    rows = np.pad(vectors, ((0, -count % wide), (0, 0)))
    columns = rows.reshape(-1, wide, dimension).swapaxes(1, 2)
    tiles = rows.reshape(-1, 1, high, dimension) @ columns  # (c / high, c / wide, high, wide)
    return tiles.swapaxes(1, 2).reshape(len(rows), -1)[:count, :count]

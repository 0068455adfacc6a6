"""Comparing vectors one by one: what a trained index is measured by, and its candidates' order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.vectors import Vectors

RUN = 20_000
"""Vectors that are held as floats at once."""


def true_nearest(
    rows: NDArray[np.float16], queries: NDArray[np.float32], k: int
) -> NDArray[np.int64]:
    """Return the k rows nearest to each query, shape (queries, k), in any order."""
    import numpy as np

    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    numbers = np.zeros((len(queries), k), dtype=np.int64)
    for first in range(0, len(rows), RUN):
        products = queries @ rows[first : first + RUN].astype(np.float32).T
        places = np.arange(first, first + products.shape[1], dtype=np.int64)
        here: NDArray[np.int64] = np.broadcast_to(places, products.shape)
        products, here = np.hstack([best, products]), np.hstack([numbers, here])
        chosen = np.argpartition(-products, k, axis=1)[:, :k]
        best = np.take_along_axis(products, chosen, axis=1)
        numbers = np.take_along_axis(here, chosen, axis=1)
    return numbers


def recall(found: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Return the share of the true numbers that were found, over all rows together."""
    hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), true.tolist(), strict=True))
    return hits / true.size


def compared(
    exact: Vectors, numbers: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k of the passages that are nearest to a vector, best first, and their products."""
    import numpy as np

    products = np.vecdot(exact.rows(numbers), query)  # a product by BLAS would wake other threads
    order = (-products).argsort(kind="stable")[:k]
    return numbers[order], products[order]

"""A logistic regression over the embedded embedder's vectors: how harmful a text is, from 0 to 1.

Fitted by `benchmarks/moderation.py --fit` on openai/moderation-api-release (MIT), the requests of
AdvBench and HarmBench (MIT), and plain questions of CLINC150 (CC BY 3.0), Banking77 (CC BY 4.0) and
GSM8K (MIT). It knows topics rather than intentions: what is measured stands in `docs/safety.md`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError

if TYPE_CHECKING:
    from bottega.embedder import Embedder

WEIGHTS = Path(__file__).with_name("head.json")
_PIECE = 1_000
"""Characters that are looked at in one piece: about what the embedder reads."""
_MOST_PIECES = 32


class Head:
    """The classifier; `probability` is that of the worst piece of the text."""

    def __init__(self, embedder: Embedder, weights: Sequence[float], bias: float) -> None:
        self._embedder = embedder
        self._weights = weights
        self._bias = bias

    @classmethod
    def load(cls, embedder: Embedder, file: Path = WEIGHTS) -> Head:
        """Read the weights. Raises InputError for an embedder that they were not fitted to."""
        kept = json.loads(file.read_text("utf-8"))
        if kept["embedder"] != embedder.name:
            problem = f"moderation was fitted to {kept['embedder']!r}, not to {embedder.name!r}"
            raise InputError(
                f"{problem}, not to {embedder.name!r}", hint="give a `decider` instead"
            )
        return cls(embedder, kept["weights"], kept["bias"])

    async def probability(self, text: str) -> float:
        """Return how likely the text is harmful; of a very long one, its beginning and end."""
        import numpy as np

        pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
        if len(pieces) > _MOST_PIECES:
            half = _MOST_PIECES // 2
            pieces = pieces[:half] + pieces[-half:]
        vectors = await self._embedder.embed(pieces)
        scores = vectors.astype(np.float64) @ np.asarray(self._weights) + self._bias
        return float(1 / (1 + np.exp(-scores.max())))

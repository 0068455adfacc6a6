"""Passages, vectors and questions for `scale.py`: real ones first, then made-up ones without end.

Made-up passages are words of the real ones in any order; made-up vectors point anywhere. Both are
the same in every process.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bottega_plugins.embedders.minilm_onnx import minilm

BLOCK = 10_000
DIMENSION = 384
_WORDS = 30
"""In a made-up passage."""
_LONGEST = 900
"""Characters of a real passage: about 200 tokens."""


class Data:
    """What every system gets to hold and is asked."""

    def __init__(self, scifact: Path, work: Path, real: int) -> None:
        self._scifact = scifact
        self._work = work
        self._real = real

    @cached_property
    def real(self) -> list[str]:
        """Real passages: title and beginning of scientific abstracts."""
        rows = _read(self._scifact / "corpus.jsonl.gz", self._real)
        return [f"{row['title']}\n{row['text']}"[:_LONGEST] for row in rows]

    def questions(self, count: int) -> list[str]:
        """Return different questions."""
        return [row["text"] for row in _read(self._scifact / "queries.jsonl.gz", count)]

    def blocks(self, count: int) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Yield passages and their vectors, shape (passages, dimension), until there are enough."""
        real = self.real[:count]
        yield real, self._vectors()[: len(real)]
        pool = np.array(sorted({word for text in self.real for word in text.split()}))
        for number, first in enumerate(range(len(real), count, BLOCK)):
            size = min(BLOCK, count - first)
            chance = np.random.default_rng(number)
            rows = chance.standard_normal((size, DIMENSION), dtype=np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            words = pool[chance.integers(len(pool), size=(size, _WORDS))]
            yield [" ".join(each) for each in words.tolist()], rows

    def _vectors(self) -> NDArray[np.float32]:
        """Return the vectors of the real passages, computed once."""
        path = self._work / f"real-{len(self.real)}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, asyncio.run(minilm().embed(self.real)))
        rows: NDArray[np.float32] = np.load(path)
        return rows


def _read(path: Path, count: int) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, count)]

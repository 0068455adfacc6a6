"""What a process has read of a memory, in an index that is searched without the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bottega.memory import Fact, Recalled
from bottega_plugins.memory.entries import fact_of, text_of
from bottega_plugins.memory.ranking import OF_WORDS, Ranking
from bottega_plugins.memory.rows import Row
from bottega_plugins.memory.supersession import LIKE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CANDIDATES = 5


class Known:
    """The rows of one kind that this process has read."""

    def __init__(self, dimension: int) -> None:
        self.ranking: Ranking[str] = Ranking(dimension)
        self.rows: dict[str, Row] = {}
        self.newer: dict[str, str] = {}
        """Ids of facts that are superseded, and by which."""
        self.last = 0
        self._places: dict[str, int] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def add(self, rows: Sequence[Row], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Take rows in, in the order of their numbers; those that are there already stay."""
        for row, vector in zip(rows, vectors, strict=True):
            if row.id in self.rows:
                continue
            self._places[row.id] = self.ranking.add(row.id, row.owner, row.text, vector)
            self.rows[row.id] = replace(row, vector=b"")  # the ranking has it
            self._texts[row.owner, row.text] = row.id
            self.last = max(self.last, row.seq)
            if row.supersedes:
                self.newer[row.supersedes] = row.id
        for name in self.newer:
            if name in self._places:
                self.ranking.hide(self._places[name])

    def fact(self, row: Row) -> Fact:
        """Read a fact, with what supersedes it. Raises StorageError."""
        return fact_of(row, self.newer.get(row.id, ""))

    def same(self, fact: Fact) -> Row | None:
        """Return the fact that says just this and holds now."""
        name = self._texts.get((fact.user, text_of(fact)), "")
        return None if name in self.newer else self.rows.get(name)

    def cosine(self, one: str, other: str) -> float:
        """Return how alike two facts are in meaning."""
        return self.ranking.cosine(self._places[one], self._places[other])

    def like(self, vector: NDArray[np.float32], user: str) -> list[Recalled]:
        """Return the facts that hold now and are nearest in meaning."""
        found = self.ranking.search(vector, "", _CANDIDATES, owner=user, least=0.0)
        cosines = [(name, score / (1 - OF_WORDS)) for name, score in found]
        return [
            Recalled(fact=self.fact(self.rows[name]), score=cosine)
            for name, cosine in cosines
            if cosine >= LIKE
        ]

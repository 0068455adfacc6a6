"""Vectors of texts, each text embedded once for as long as it is remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega.embedder import Embedder

REMEMBERED = 8_000
"""Texts whose vectors are kept: 12 MB at 384 dimensions."""
LONGEST = 4_000
"""Characters of a text that are embedded; an embedder reads less."""


class Vectors:
    """An embedder with a memory. One may serve several threads."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._rows: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    async def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of shape (len(texts), dimension)."""
        import numpy as np

        cut = [text[:LONGEST] for text in texts]
        rows = self._remembered(cut)
        missing = list(dict.fromkeys(text for text in cut if text not in rows))
        if missing:
            made = await self.embedder.embed(missing)
            rows.update(zip(missing, made, strict=True))
            self._remember({text: rows[text] for text in missing})
        if not cut:
            return np.zeros((0, self.embedder.dimension), np.float32)
        return np.stack([rows[text] for text in cut])

    async def similarity(self, text: str, others: Sequence[str]) -> list[float]:
        """Return the cosine between a text and each of the others."""
        if not others:
            return []
        rows = await self.of([text, *others])
        return [float(value) for value in rows[1:] @ rows[0]]

    def _remembered(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        with self._lock:
            found = {text: self._rows[text] for text in texts if text in self._rows}
            for text in found:
                self._rows.move_to_end(text)
        return found

    def _remember(self, rows: dict[str, NDArray[np.float32]]) -> None:
        with self._lock:
            self._rows.update(rows)
            while len(self._rows) > REMEMBERED:
                self._rows.popitem(last=False)

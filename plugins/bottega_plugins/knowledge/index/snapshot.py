"""All segments of an index as one: what a search asks of it. It never changes.

A passage's number is its place within its segment and what came before that segment. Scores do not
depend on how passages are spread over segments: words weigh what they weigh in the whole index.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.index.filters import Condition, Filters, conditions
from bottega_plugins.knowledge.index.postings import idf
from bottega_plugins.knowledge.index.record import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.catalogue import Span
    from bottega_plugins.knowledge.index.manifest import Manifest
    from bottega_plugins.knowledge.index.record import DocumentInfo
    from bottega_plugins.knowledge.index.segment import Segment

_MASKS = 16
"""Filters whose answers are kept."""
_LEAST = 1e-9
_SAME = 2e-5
"""Of a score, as a share of the highest: neighbours that differ by less do so by rounding."""


class Snapshot:
    """One state of an index. Threads may share it."""

    def __init__(self, manifest: Manifest, segments: Sequence[Segment]) -> None:
        self.manifest = manifest
        self.segments = segments
        self._starts = [0]
        for segment in segments:
            self._starts.append(self._starts[-1] + segment.info.passages)
        words = sum(segment.info.words for segment in segments)
        self._average = words / max(1, self.size)
        self._masks: OrderedDict[str, NDArray[np.bool_]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """One past the largest number of a passage; deleted ones have numbers, too."""
        return self._starts[-1]

    @property
    def is_empty(self) -> bool:
        """Whether no passage is left."""
        return self.manifest.passages == 0

    def nearest(
        self, vector: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k live passages nearest to a vector, best first, and their cosines.

        `among`, of shape (size,), says which may be returned. A vector with NaN has no neighbours.
        """
        import numpy as np

        numbers, cosines = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        if np.isfinite(vector).all() and k > 0:
            for segment, start, stop in self._spans():
                mask = None if among is None else among[start:stop]
                if mask is None or mask.any():
                    found, products = segment.nearest(vector, min(k, stop - start), mask)
                    numbers.append(found + start)
                    cosines.append(products)
        joined, products = np.concatenate(numbers), np.concatenate(cosines)
        order = (-products).argsort(kind="stable")[:k]
        return joined[order], products[order]

    def word_scores(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """Return the weighted BM25 of (stemmed) words for every passage, shape (size,).

        Passages that are deleted or have none of the words get 0.
        """
        import numpy as np

        scores = np.zeros(self.size, dtype=np.float32)
        having = self._having(weights)
        counts: Counter[str] = Counter()
        for segment, numbers in zip(self.segments, having, strict=True):
            counts.update({w: segment.postings.count(number) for w, number in numbers.items()})
        for (segment, start, stop), numbers in zip(self._spans(), having, strict=True):
            part = scores[start:stop]
            for word, number in numbers.items():
                passages, points = segment.postings.scores(number, self._average)
                weight = np.float32(weights[word] * idf(self.size, counts[word]))
                np.add.at(part, passages, points * weight)  # twice as fast as part[...] += ...
            if segment.live is not None:
                part *= segment.live
        return scores

    def with_all(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Return the live passages that have every one of the (stemmed) words, ascending."""
        import numpy as np

        wanted = set(words)
        found = [np.empty(0, np.int64)]
        for (segment, start, _), known in zip(self._spans(), self._having(wanted), strict=True):
            if not wanted or len(known) < len(wanted):
                continue
            numbers = sorted(known.values(), key=segment.postings.count)
            rows = segment.postings.passages(numbers[0])
            for number in numbers[1:]:
                rows = np.intersect1d(rows, segment.postings.passages(number), assume_unique=True)
            if segment.live is not None:
                rows = rows[segment.live[rows]]
            found.append(rows.astype(np.int64) + start)
        return np.concatenate(found)

    def named(self, names: Sequence[str]) -> list[Span]:
        """Return the live documents that are called one of the names, as `names_of` makes them."""
        return [
            (first + start, stop + start)
            for segment, start, _ in self._spans()
            for first, stop in segment.catalogue.named(names)
            if segment.is_live((first, stop))
        ]

    def matching(self, filters: Filters) -> NDArray[np.bool_]:
        """Return which passages fit the filters, shape (size,). Raises InputError."""
        wanted = conditions(filters)
        key = json.dumps([[each.query, each.negated] for each in wanted])
        with self._lock:
            if key in self._masks:
                self._masks.move_to_end(key)
                return self._masks[key]
        mask = self._mask(wanted)
        with self._lock:
            self._masks[key] = mask
            while len(self._masks) > _MASKS:
                self._masks.popitem(last=False)
        return mask

    def ordered(
        self, numbers: NDArray[np.int64], scores: NDArray[np.floating[Any]], many: int
    ) -> Iterator[tuple[int, float]]:
        """Yield passages with their scores, best first.

        Of passages whose scores differ by no more than rounding, those of documents that come
        first by their sources come first, wherever they are in the index. The sources are looked up
        for `many` passages or some more at once, as far as is read.
        """
        import numpy as np

        order = (-scores).argsort(kind="stable")
        numbers, scores = numbers[order], scores[order]
        least = _SAME * max(float(np.abs(scores).max(initial=0)), _LEAST)
        group: NDArray[np.int64] = np.zeros(len(numbers), dtype=np.int64)
        (scores[:-1] - scores[1:] > least).cumsum(out=group[1:])
        start = 0
        while start < len(numbers):
            last = int(group[min(start + many, len(numbers)) - 1])
            stop = int(group.searchsorted(last, side="right"))
            yield from self._settled(numbers[start:stop], scores[start:stop], group[start:stop])
            start = stop

    def _settled(
        self,
        numbers: NDArray[np.int64],
        scores: NDArray[np.floating[Any]],
        group: NDArray[np.int64],
    ) -> Iterator[tuple[int, float]]:
        """Return the passages with those of one group in their order; the groups ascend."""
        import numpy as np

        tied = (np.bincount(group - group[0]) > 1)[group - group[0]].nonzero()[0]
        if len(tied):
            standings = self._standings(numbers[tied].tolist())
            keys = zip(group[tied].tolist(), numbers[tied].tolist(), tied.tolist(), strict=True)
            ranked = sorted(keys, key=lambda key: (key[0], standings[key[1]]))
            places = [place for *_, place in ranked]
            numbers[tied], scores[tied] = numbers[places], scores[places]
        return zip(numbers.tolist(), scores.tolist(), strict=True)

    def _standings(self, numbers: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Return what orders passages in the same way however they are spread over segments."""
        found: dict[int, tuple[str, int]] = {}
        for segment, start, here in self._spread(numbers):
            sources = segment.catalogue.sources_at(here)
            found.update({n + start: (s, n - first) for n, (s, first) in sources.items()})
        return found

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of passages, shape (passages, dimension)."""
        import numpy as np

        rows = np.zeros((len(numbers), self.manifest.dimension), dtype=np.float32)
        for segment, start, stop in self._spans():
            here = ((numbers >= start) & (numbers < stop)).nonzero()[0]
            if len(here):
                rows[here] = segment.vectors.rows(numbers[here] - start)
        return rows

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return passages by number, in the order given."""
        found: dict[int, Passage] = {}
        for segment, start, here in self._spread(numbers):
            for place, (info, (first, _)) in segment.catalogue.documents_at(here).items():
                number, chunk = start + place, segment.passages.read(place)
                found[number] = Passage(
                    number=number, document=info, chunk=chunk, is_first=place == first
                )
        return [found[number] for number in numbers]

    def verify(self) -> None:
        """Compare every byte with its digest. Raises StorageError, naming the damaged file."""
        for segment in self.segments:
            segment.verify()

    def verify_catalogues(self) -> None:
        """Compare what says which documents there are; SQLite reads it whole in any case."""
        for segment in self.segments:
            segment.verify_catalogue()

    def documents(self) -> Iterator[DocumentInfo]:
        """Yield the documents that are not deleted."""
        for segment in self.segments:
            for info, _ in segment.documents():
                yield info

    def find(self, source: str) -> tuple[Segment, DocumentInfo, Span] | None:
        """Return the live document of that name and where it is; None where there is none."""
        for segment in reversed(self.segments):
            for info, span in segment.catalogue.with_source(source):
                if segment.is_live(span):
                    return segment, info, span
        return None

    def _spans(self) -> Iterator[tuple[Segment, int, int]]:
        """Yield each segment with the number of its first passage, and one past its last."""
        for segment, (start, stop) in zip(self.segments, pairwise(self._starts), strict=True):
            yield segment, start, stop

    def _spread(self, numbers: Sequence[int]) -> Iterator[tuple[Segment, int, list[int]]]:
        """Yield the segments that have some of the passages, and which, as they are numbered there.

        With each comes the number of its first passage.
        """
        for segment, start, stop in self._spans():
            here = [number - start for number in numbers if start <= number < stop]
            if here:
                yield segment, start, here

    def _having(self, words: Iterable[str]) -> list[dict[str, int]]:
        """Return, for each segment, the numbers of those of the words that it has."""
        wanted = list(words)
        return [segment.catalogue.word_numbers(wanted) for segment in self.segments]

    def _mask(self, wanted: Sequence[Condition]) -> NDArray[np.bool_]:
        import numpy as np

        mask = np.ones(self.size, dtype=bool)
        for condition in wanted:
            steps = np.zeros(self.size + 1, dtype=np.int32)
            for segment, start, _ in self._spans():
                spans = np.array(segment.catalogue.query(*condition.query), dtype=np.int64)
                if len(spans):
                    np.add.at(steps, spans[:, 0] + start, 1)
                    np.add.at(steps, spans[:, 1] + start, -1)
            mask &= (steps.cumsum()[:-1] > 0) != condition.negated
        return mask

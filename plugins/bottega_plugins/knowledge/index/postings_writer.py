"""Writing the words of a new segment, a run of passages at a time, so that memory stays bounded.

bm25s scores each run by itself; the runs lie on disk until all are there and are then put together
word by word. Postings of older segments are runs like others: nothing is scored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.index import postings
from bottega_plugins.knowledge.index.postings import K1, B, Postings, idf, rescaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RUN_PASSAGES = 1 << 15
_RUN_POSTINGS = 1 << 22
_PARTS = ("words", "counts", "passages", "scores")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Postings of some passages, word by word."""

    words: NDArray[np.int64]
    """Numbers of words, in the order of the postings."""
    counts: NDArray[np.int64]
    """How many postings each has."""
    passages: NDArray[np.int32]
    scores: NDArray[np.float32]
    """For passages of `average` words."""
    average: float


class PostingsWriter:
    """Takes passages in order: fresh ones as words, others from an older segment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._vocabulary: dict[str, int] = {}
        self._fresh: list[Sequence[str]] = []
        self._fresh_words = 0
        self._lengths: list[NDArray[np.uint32]] = []
        self._passages = 0
        self._averages: list[float] = []  # of each run that is on the disk

    def append(self, words: Sequence[str]) -> None:
        """Add one passage."""
        self._fresh.append(words)
        self._fresh_words += len(words)
        if len(self._fresh) >= _RUN_PASSAGES or self._fresh_words >= _RUN_POSTINGS:
            self._flush()

    def adopt(self, old: Postings, vocabulary: Sequence[str], kept: NDArray[np.bool_]) -> None:
        """Add the kept passages of another segment, in their order."""
        import numpy as np

        self._flush()
        first = self._passages
        self._add_lengths(old.lengths(0, len(kept))[kept])
        places = (np.cumsum(kept) - 1 + first).astype(np.int32)
        numbers = np.array([self._number(word) for word in vocabulary], dtype=np.int64)
        for span, words in _portions(old.starts()):
            counts, passages, scores = old.portion(*span)
            stays = kept[passages]
            owners = np.repeat(np.arange(len(counts)), counts)[stays]
            self._spill(
                _Run(
                    words=numbers[words],
                    counts=np.bincount(owners, minlength=len(counts)),
                    passages=places[passages[stays]],
                    scores=scores[stays],
                    average=old.average,
                )
            )

    def finish(self) -> tuple[list[str], int]:
        """Write the files; return the words by number, and how many the passages have in all."""
        import numpy as np

        self._flush()
        lengths = np.concatenate([np.empty(0, np.uint32), *self._lengths])
        lengths.astype("<u4").tofile(self._folder / postings.LENGTHS)
        self._join(lengths)
        for path in self._folder.glob("run-*.npy"):
            path.unlink()
        return list(self._vocabulary), int(lengths.sum(dtype=np.int64))

    def _join(self, lengths: NDArray[np.uint32]) -> None:
        import numpy as np

        starts = np.zeros(len(self._vocabulary) + 1, dtype=np.int64)
        for number in range(len(self._averages)):
            run = self._load(number)
            starts[1:] += np.bincount(
                run.words, weights=run.counts, minlength=len(self._vocabulary)
            ).astype(np.int64)
        np.cumsum(starts, out=starts)
        starts.astype("<i8").tofile(self._folder / postings.STARTS)
        total, average = int(starts[-1]), float(lengths.mean()) if len(lengths) else 0.0
        passages = _output(self._folder / postings.PASSAGES, "<i4", total)
        scores = _output(self._folder / postings.SCORES, "<f4", total)
        for number in range(len(self._averages)):
            run = self._load(number)
            ends = np.cumsum(run.counts)
            shift = starts[run.words] - (ends - run.counts)
            places = np.arange(len(run.passages)) + np.repeat(shift, run.counts)
            passages[places] = run.passages
            scores[places] = rescaled(run.scores, lengths[run.passages], run.average, average)
            starts[run.words] += run.counts

    def _flush(self) -> None:
        """Score the fresh passages and put them on the disk."""
        import numpy as np

        if not self._fresh:
            return
        first = self._passages
        lengths = np.array([len(words) for words in self._fresh], dtype=np.uint32)
        self._add_lengths(lengths)
        local: dict[str, int] = {}
        rows = [[local.setdefault(word, len(local)) for word in words] for words in self._fresh]
        self._fresh, self._fresh_words = [], 0
        if local:
            counts, passages, scores = _scored(rows, local)
            self._spill(
                _Run(
                    words=np.array([self._number(word) for word in local], dtype=np.int64),
                    counts=counts,
                    passages=passages + np.int32(first),
                    scores=scores,
                    average=float(lengths.mean()),
                )
            )

    def _number(self, word: str) -> int:
        return self._vocabulary.setdefault(word, len(self._vocabulary))

    def _add_lengths(self, lengths: NDArray[np.uint32]) -> None:
        self._lengths.append(lengths)
        self._passages += len(lengths)

    def _spill(self, run: _Run) -> None:
        import numpy as np

        for part in _PARTS:
            np.save(self._part(len(self._averages), part), getattr(run, part), allow_pickle=False)
        self._averages.append(run.average)

    def _load(self, number: int) -> _Run:
        import numpy as np

        parts = {part: np.load(self._part(number, part), allow_pickle=False) for part in _PARTS}
        return _Run(**parts, average=self._averages[number])

    def _part(self, number: int, part: str) -> Path:
        return self._folder / f"run-{number}-{part}.npy"


def _portions(starts: NDArray[np.int64]) -> Iterator[tuple[tuple[int, int], slice]]:
    """Yield spans of words that have no more postings than a run has, or are one word."""
    import numpy as np

    first = 0
    while first < len(starts) - 1:
        most = int(starts[first]) + _RUN_POSTINGS
        stop = max(first + 1, int(np.searchsorted(starts, most, side="right")) - 1)
        yield (first, stop), slice(first, stop)
        first = stop


def _scored(
    rows: list[list[int]], vocabulary: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return the postings of passages given as numbers of words, without the words' weights."""
    import numpy as np

    bm25s: Any = import_module("bm25s")  # it has no types
    index = bm25s.BM25(k1=K1, b=B, method="lucene")
    index.index((rows, vocabulary), create_empty_token=False, show_progress=False)
    starts: NDArray[np.int64] = index.scores["indptr"].astype(np.int64)
    counts = starts[1:] - starts[:-1]
    weights = np.array([idf(len(rows), count) for count in counts.tolist()], dtype=np.float32)
    passages: NDArray[np.int32] = index.scores["indices"].astype(np.int32)
    scores: NDArray[np.float32] = index.scores["data"] / np.repeat(weights, counts)
    return counts, passages, scores


def _output(path: Path, dtype: str, size: int) -> NDArray[Any]:
    import numpy as np

    if size == 0:
        path.touch()
        return np.empty(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="w+", shape=(size,))

"""The embedded text embedder: all-MiniLM-L6-v2 as int8 ONNX, run by onnxruntime on the CPU.

No key, download or torch. The weights and their vocabulary lie in the folder `minilm` beside this
file, whose README says how they were made. A vector depends on its text alone, not on the texts it
is embedded with. Cutting documents into chunks is left to others; `token_spans` helps them.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bottega.errors import StorageError
from bottega_plugins.embedders.tokens import clean, spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

T = TypeVar("T")
MAX_TOKENS = 256
"""Of the text itself; the model's two marks, [CLS] and [SEP], come on top."""
_FOLDER = Path(__file__).parent / "minilm"
_MODEL, _TOKENIZER = "model.onnx", "tokenizer.json"
_MAX_CHARACTERS = 32 * MAX_TOKENS
"""Cut before a text is tokenised: English has 4 to 5 characters a token, code rarely over 10."""
_BATCH_TOKENS = 256
"""Padding included. Larger batches are slower, for they fall out of a core's own cache: a long text
takes 47 ms of one core when it is run alone, and 59 ms in a batch of eight."""
_SLICE = 32
"""Texts that `embed` tokenises at once."""
_MOST_LANES = 8
"""Batches run at the same time by one process, on as many cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Engine:
    """What is loaded from the folder at first use."""

    session: Any
    """An `onnxruntime.InferenceSession`."""
    tokenizer: Tokenizer
    lanes: int
    workers: ThreadPoolExecutor
    """A thread a lane, and one thread a run: cores that each run a batch of their own do more than
    cores that share one. Callers take turns, batch by batch."""
    single: ThreadPoolExecutor
    """As many for texts that come alone. They stay, while those of an event loop end with it."""
    process: int
    """Where it was loaded: the threads of a session do not survive a fork."""


class MiniLM:
    """A `bottega.embedder.Embedder` over the files in one folder."""

    dimension = 384
    max_tokens = MAX_TOKENS

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: list[_Engine] = []

    @functools.cached_property
    def name(self) -> str:
        """Tell the model and, by the start of its checksum, the very weights.

        Raises `StorageError` when the checksums are missing.
        """
        return f"minilm-int8-{self._checksum(_MODEL)[:12]}"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 vectors of shape (len(texts), 384), each row of length 1.

        The work is done in threads, a batch at a time, so a cancelled call stops soon. Raises
        `StorageError` when the model's files are missing or damaged.
        """
        if isinstance(texts, str):
            raise TypeError("embed takes a sequence of texts, got one str; put it in a list")
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return vectors
        engine = self._ready()
        if engine is None:
            engine = await asyncio.to_thread(self._engine)
        if len(texts) == 1:  # a query: it neither waits for batches nor changes threads again
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(engine.single, _one, engine, texts[0])
        rows: list[list[int]] = [[]] * len(texts)

        def tokenise(part: slice) -> None:
            rows[part] = _tokenise(engine.tokenizer, texts[part])

        def run(batch: list[int]) -> None:
            vectors[batch] = _run(engine, [rows[i] for i in batch])

        starts = range(0, len(texts), _SLICE)
        await _share(engine, tokenise, (slice(first, first + _SLICE) for first in starts))
        await _share(engine, run, _batches([len(row) for row in rows]))
        return vectors

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the whole text has, the model's two marks not counted."""
        return len(self.token_spans(text))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token of the whole text, nothing cut."""
        return spans(self._engine().tokenizer, text)

    def _ready(self) -> _Engine | None:
        """Return what this process has loaded."""
        last = self._loaded[-1] if self._loaded else None
        return last if last and last.process == os.getpid() else None

    def _engine(self) -> _Engine:
        with self._lock:
            ready = self._ready()
            if ready is None:
                # an engine from before a fork is kept: taking it down would wait for its threads
                self._loaded.append(ready := self._load())
            return ready

    def _load(self) -> _Engine:
        vocabulary, model = self._read(_TOKENIZER), self._read(_MODEL)
        from tokenizers import Tokenizer

        onnxruntime: Any = import_module("onnxruntime")  # its own types are only partly known
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # fatal only: what matters is raised
        options.intra_op_num_threads = 1
        lanes = min(_MOST_LANES, _cores())
        return _Engine(
            session=onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            ),
            tokenizer=Tokenizer.from_buffer(vocabulary),
            lanes=lanes,
            workers=ThreadPoolExecutor(lanes, "minilm"),
            single=ThreadPoolExecutor(lanes, "minilm-single"),
            process=os.getpid(),
        )

    def _read(self, file: str) -> bytes:
        path = self._folder / file
        expected = self._checksum(file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _unusable(f"{path}: {error.strerror or error}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise _unusable(f"{path}: damaged: sha256 is {found[:12]}, expected {expected[:12]}")
        return content

    def _checksum(self, file: str) -> str:
        path = self._folder / "SHA256SUMS"
        try:
            lines = path.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable(f"{path}: cannot be read: {error}") from error
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        if len(sums.get(file, "")) != 64:
            raise _unusable(f"{path}: holds no sha256 of {file}")
        return sums[file]


@functools.cache
def minilm() -> MiniLM:
    """Return the embedder of this process, loaded at its first use."""
    return MiniLM()


def _one(engine: _Engine, text: str) -> NDArray[np.float32]:
    return _run(engine, _tokenise(engine.tokenizer, [text]))


async def _share(engine: _Engine, work: Callable[[T], None], parts: Iterable[T]) -> None:
    """Do all parts, a lane one after another, so that other callers get their turn."""
    loop, waiting = asyncio.get_running_loop(), iter(parts)

    async def lane() -> None:
        for part in waiting:
            await loop.run_in_executor(engine.workers, work, part)

    await asyncio.gather(*(lane() for _ in range(engine.lanes)))


def _tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text, between the model's two marks."""
    first, last = (tokenizer.token_to_id(mark) or 0 for mark in ("[CLS]", "[SEP]"))
    # one by one: `encode_batch` starts threads, which warn on stderr when the process forks
    tokens = (
        tokenizer.encode(clean(text[:_MAX_CHARACTERS]), add_special_tokens=False).ids
        for text in texts
    )
    return [[first, *ids[:MAX_TOKENS], last] for ids in tokens]


def _run(engine: _Engine, rows: list[list[int]]) -> NDArray[np.float32]:
    """Return the vectors of one batch of tokenised texts."""
    import numpy as np

    lengths: NDArray[np.int64] = np.array([len(row) for row in rows])
    within: NDArray[np.bool_] = np.arange(max(map(len, rows))) < lengths[:, None]
    mask: NDArray[np.int64] = within.astype(np.int64)  # (texts, tokens)
    ids: NDArray[np.int64] = np.zeros_like(mask)
    ids[mask == 1] = np.concatenate(rows)
    vectors: NDArray[np.float32]
    (vectors,) = engine.session.run(None, {"input_ids": ids, "attention_mask": mask})
    return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield indices in groups of like length, each of at most `_BATCH_TOKENS` with padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _cores() -> int:
    """Return how many cores this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unusable(message: str) -> StorageError:
    return StorageError(message, hint="reinstall bottega")

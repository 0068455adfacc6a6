"""Any model of the sentence-transformers library, by its folder or by its name on the model hub.

Weights are read as safetensors only and code that comes with a model is never run, so a model that
a stranger's graph names can be wrong but not dangerous. Where a model lies, and which weights those
are, is for `weights`.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError
from bottega_plugins.embedders.tokens import clean, spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from bottega_plugins.embedders.weights import Weights

_AT_ONCE = 256
"""Texts handed over at a time, which the library sorts by length; a cancelled call stops soon."""
_BATCH = 32
_CHARACTERS_A_TOKEN = 32
"""A text is cut at so many times its tokens before the tokenizer sees it."""
_LEAST_TOKENS = 16
_FALLBACK_TOKENS = 512
"""For a model that does not say how much it reads."""
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""The names under which the library looks for a document's prompt, in this order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Engine:
    """A loaded model."""

    model: Any
    """A `sentence_transformers.SentenceTransformer`; its types are only partly known."""
    tokenizer: Tokenizer
    """A copy that neither cuts nor fills up: the model changes its own while it works."""
    dimension: int
    max_tokens: int
    worker: ThreadPoolExecutor
    """One thread, for the model uses every core by itself."""


class SentenceTransformerEmbedder:
    """A `bottega.embedder.Embedder`, and `QueryEmbedder`, over a sentence-transformers model.

    The prompts that a model keeps for queries and for documents are put before the texts. Nothing
    is loaded before it is needed; `name` needs no more than the files. Raises InputError when the
    model is not there or cannot be loaded.

    Source: https://www.sbert.net
    """

    def __init__(self, weights: Weights, *, device: str = "") -> None:
        self._weights = weights
        self._device = device
        self._lock = threading.Lock()
        self._loaded: _Engine | None = None

    @functools.cached_property
    def name(self) -> str:
        """Tell the model and its very weights."""
        return f"sentence-transformers:{self._weights.label}@{self._weights.version()}"

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return self._engine().dimension

    @property
    def max_tokens(self) -> int:
        """Longest text it reads, without the model's own marks and prompt."""
        return self._engine().max_tokens

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 vectors of documents, shape (len(texts), dimension), rows of length 1."""
        return await self._encode(texts, "encode_document")

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 vectors of queries, shape (len(texts), dimension), rows of length 1."""
        return await self._encode(texts, "encode_query")

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token of the whole text, nothing cut."""
        return spans(self._engine().tokenizer, text)

    async def _encode(self, texts: Sequence[str], method: str) -> NDArray[np.float32]:
        if isinstance(texts, str):
            raise TypeError("embed takes a sequence of texts, got one str; put it in a list")
        import numpy as np

        engine = await asyncio.to_thread(self._engine)
        vectors = np.zeros((len(texts), engine.dimension), np.float32)
        encode: Callable[..., Any] = getattr(engine.model, method)
        longest = _CHARACTERS_A_TOKEN * engine.max_tokens
        loop = asyncio.get_running_loop()
        for first in range(0, len(texts), _AT_ONCE):
            part = [clean(text[:longest]) for text in texts[first : first + _AT_ONCE]]
            work = loop.run_in_executor(engine.worker, _run, encode, part)
            vectors[first : first + len(part)] = await work
        return vectors

    def _engine(self) -> _Engine:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> _Engine:
        library: Any = import_module("sentence_transformers")  # takes seconds: it brings torch
        try:
            model = library.SentenceTransformer(
                self._weights.place,
                revision=self._weights.revision or None,
                device=self._device or None,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
            tokenizer = _copy(model.tokenizer)
            probe = _run(model.encode_query, ["dimension"])
        except Exception as error:  # whatever the library and its parts raise for a broken model
            reason = (str(error) or type(error).__name__).strip().splitlines()[0][:300]
            raise InputError(
                f"the model {self._weights.label!r} cannot be loaded: {reason}",
                hint="name a folder that sentence-transformers wrote, with weights in safetensors",
            ) from error
        return _Engine(
            model=model,
            tokenizer=tokenizer,
            dimension=probe.shape[1],
            max_tokens=_room(model, tokenizer),
            worker=ThreadPoolExecutor(1, "sentence-transformers"),
        )


def _run(encode: Callable[..., Any], texts: list[str]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = encode(
        texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
    ).astype("float32")
    return vectors


def _copy(tokenizer: Any) -> Tokenizer:
    """Return the tokenizer's Rust part by itself. Raises ValueError when it has none."""
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ValueError("its tokenizer does not tell where tokens stand")  # noqa: TRY004  # data
    copy = Tokenizer.from_str(backend.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def _room(model: Any, tokenizer: Tokenizer) -> int:
    """Return how many tokens of a document the model reads beside its marks and its prompt."""
    prompts = [model.prompts.get(name) for name in _DOCUMENT_PROMPTS if name in model.prompts]
    prompt = (prompts[0] if prompts else "") or ""
    taken = len(tokenizer.encode(prompt).ids)  # with the marks around it
    return max(_LEAST_TOKENS, (model.max_seq_length or _FALLBACK_TOKENS) - taken)

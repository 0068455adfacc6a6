"""A cross-encoder as reranker: a model that reads the query and a passage together.

Slower than comparing vectors by far, and better: it is for the few best candidates. Any
cross-encoder of the sentence-transformers library will do; weights are read as safetensors only,
and code that comes with a model is never run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError, NotInstalledError, suggest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.search.search import Reranker

PREFIX = "cross-encoder"
_AT_ONCE = 32
"""Pairs handed over at a time, so that a cancelled search stops soon."""
_LONGEST = 10_000
"""Characters of a text that the tokenizer gets to see; models read some 500 tokens."""


def make_reranker(name: str, folder: Path) -> Reranker:
    """Return the reranker `cross-encoder:FOLDER`, or `:NAME` of one on the model hub.

    Relative paths begin at `folder`. Raises InputError for another name, and NotInstalledError.
    """
    kind, _, model = name.partition(":")
    if kind != PREFIX:
        raise InputError(f"unknown reranker {kind!r}", hint=suggest(kind, [PREFIX]))
    if not model:
        raise InputError("no reranker is named", hint=f"write {PREFIX}:FOLDER, or {PREFIX}:NAME")
    if find_spec("sentence_transformers") is None:
        raise NotInstalledError("sentence-transformers", "local")
    path = folder / Path(model).expanduser()
    return CrossEncoderReranker(str(path.resolve()) if path.exists() else model)


class CrossEncoderReranker:
    """A `Reranker` over a sentence-transformers cross-encoder, loaded at its first use.

    Source: https://www.sbert.net/docs/cross_encoder/usage/usage.html
    """

    def __init__(self, model: str, *, device: str = "") -> None:
        self._name = model
        self._device = device
        self._lock = threading.Lock()
        self._model: Any = None
        self._worker = ThreadPoolExecutor(1, PREFIX)  # the model uses every core by itself

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the query, in the texts' order; more is better.

        Raises InputError when the model is not there, cannot be loaded, or gives no single score.
        """
        loop = asyncio.get_running_loop()
        scores: list[float] = []
        for first in range(0, len(texts), _AT_ONCE):
            pairs = [
                (_clean(query), _clean(text[:_LONGEST])) for text in texts[first : first + _AT_ONCE]
            ]
            scores += await loop.run_in_executor(self._worker, self._scores, pairs)
        return scores

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        import numpy as np

        predict = self._loaded().predict
        rows: NDArray[np.float32] = predict(pairs, batch_size=_AT_ONCE, show_progress_bar=False)
        if rows.shape != (len(pairs),):
            raise InputError(
                f"the reranker {self._name!r} tells {rows.shape[1]} labels apart, not one score",
                hint="name a model that was made for reranking",
            )
        # no score compares with NaN: such a passage comes last
        return [float(value) if np.isfinite(value) else float("-inf") for value in rows]

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        library: Any = import_module("sentence_transformers")  # takes seconds: it brings torch
        try:
            return library.CrossEncoder(
                self._name,
                device=self._device or None,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # whatever the library and its parts raise for a broken model
            reason = (str(error) or type(error).__name__).strip().splitlines()[0][:300]
            raise InputError(
                f"the reranker {self._name!r} cannot be loaded: {reason}",
                hint="name a folder that sentence-transformers wrote, with weights in safetensors",
            ) from error


def _clean(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()

"""A hosted embedder: texts to any server that speaks the OpenAI embeddings protocol.

Reference: https://platform.openai.com/docs/api-reference/embeddings/create. The way to the server,
what can go wrong on it and the hiding of secrets are the model's; reading vectors is `vectors`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bottega.errors import InputError, ModelReplyError
from bottega.messages import Json
from bottega.retry import Retry
from bottega.runnable import outside_loop
from bottega_plugins.models.openai.client import Answer, Client
from bottega_plugins.models.openai.failures import Failures
from bottega_plugins.models.openai.settings import Settings
from bottega_plugins.models.openai.vectors import MOST_DIMENSIONS, read_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 8_000
"""OpenAI's models read 8,192; tokens are estimated here."""
_MOST_TEXTS = 64
"""In one request."""
_MOST_ESTIMATED = 60_000
"""Tokens in one request."""
_AT_ONCE = 4
"""Requests on their way at the same time."""
_MOST_BYTES = 32_000_000
"""Of a reply: 64 vectors of 3,072 numbers take 5 MB."""
_TOKEN = re.compile(r"[A-Za-z]{1,5}|[0-9]{1,3}|[^\sA-Za-z0-9]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class OpenAIEmbedder:
    """A `bottega.embedder.Embedder` on a server that speaks the OpenAI embeddings protocol.

    The server's tokenizer is not known, so tokens are estimated, and on the high side: an ASCII
    word has one for five letters, every other letter or sign is one. Failures that may pass are
    waited for; what is left is raised as ModelError.
    """

    def __init__(
        self,
        model: str,
        settings: Settings,
        *,
        dimensions: int = 0,
        max_tokens: int = MAX_TOKENS,
        retry: Retry | None = None,
    ) -> None:
        if not 0 <= dimensions <= MOST_DIMENSIONS:
            raise InputError(f"dimensions must be from 1 to {MOST_DIMENSIONS:,}, not {dimensions}")
        if max_tokens < 1:
            raise InputError(f"max_tokens must be at least 1, not {max_tokens}")
        settings = replace(settings, path="/embeddings")
        self.max_tokens = max_tokens
        self._model = model
        self._wanted = dimensions
        self._known = dimensions
        self._settings = settings
        self._redactor = settings.redactor()
        self._client = Client(settings, self._redactor)
        self._failures = Failures(model, settings, self._redactor)
        self._retry = retry or Retry()

    def __repr__(self) -> str:
        return f"<OpenAIEmbedder {self._model} at {self._settings.address}>"

    @property
    def name(self) -> str:
        """Tell the model and the dimension asked for; which weights those are is the server's word.

        The server is not part of it: one that moves keeps its indexes.
        """
        return f"openai:{self._model}" + (f":{self._wanted}" if self._wanted else "")

    @property
    def dimension(self) -> int:
        """Length of each vector; asked of the server where neither option nor reply told it yet."""
        if not self._known:
            outside_loop(self._ask_dimension)
        return self._known

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 vectors of shape (len(texts), dimension), each row of length 1.

        Raises ModelError; a retryable one only after it has been tried again.
        """
        if isinstance(texts, str):
            raise TypeError("embed takes a sequence of texts, got one str; put it in a list")
        import numpy as np

        written = [self._written(text) for text in texts]
        batches = _batches([count for _, count in written])
        found: dict[int, NDArray[np.float32]] = {}

        async def lane() -> None:
            for batch in batches:
                rows = await self._rows([written[place][0] for place in batch])
                found.update(zip(batch, rows, strict=True))

        lanes = [asyncio.create_task(lane()) for _ in range(_AT_ONCE)]
        try:
            await asyncio.gather(*lanes)
        finally:
            for each in lanes:
                each.cancel()  # the first failure ends all
        if not found:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([found[place] for place in range(len(texts))])

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each estimated token."""
        return [match.span() for match in _TOKEN.finditer(text)]

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the embedder stays usable."""
        await self._client.aclose()

    def _written(self, text: str) -> tuple[str, int]:
        """Return what is sent of a text, and how many tokens that has."""
        count = 0
        for count, match in enumerate(_TOKEN.finditer(text), start=1):  # used below
            if count == self.max_tokens:
                text = text[: match.end()]
                break
        if not count:
            return " ", 1  # servers refuse an empty text
        return _SURROGATE.sub("\ufffd", text), count

    async def _rows(self, texts: list[str]) -> NDArray[np.float32]:
        rows = await self._retry.call(lambda: self._post(texts))
        self._known = self._known or rows.shape[1]
        if rows.shape[1] != self._known:
            raise ModelReplyError(
                f"{self._settings.address} gave vectors of {rows.shape[1]} dimensions, "
                f"expected {self._known}",
                hint="is it still the same model?" if not self._wanted else "",
            )
        return rows

    async def _post(self, texts: list[str]) -> NDArray[np.float32]:
        answer = await self._client.post(self._body(texts), None)
        try:
            await self._failures.check(answer)
            body = await _whole(answer)
        finally:
            answer.close()
        return await asyncio.to_thread(
            read_vectors, body, len(texts), self._redactor, self._failures.of_object
        )

    def _body(self, texts: list[str]) -> bytes:
        fields: dict[str, Json] = {"model": self._model, "input": list[Json](texts)}
        # a quarter of the bytes; servers other than OpenAI's may not know it
        fields["encoding_format"] = "base64" if self._settings.official else "float"
        if self._wanted:
            fields["dimensions"] = self._wanted
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    async def _ask_dimension(self) -> None:
        try:
            await self.embed(["dimension"])
        finally:
            await self.aclose()


async def _whole(answer: Answer) -> bytes:
    """Return the body. Raises ModelError, also for one that does not end."""
    pieces, size = list[bytes](), 0
    while piece := await answer.read():
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise ModelReplyError(f"the server's reply is longer than {_MOST_BYTES:,} bytes")
    return b"".join(pieces)


def _batches(counts: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of texts in groups that fit a request, by their numbers of tokens."""
    batch, tokens = list[int](), 0
    for place, count in enumerate(counts):
        if batch and (len(batch) == _MOST_TEXTS or tokens + count > _MOST_ESTIMATED):
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += count
    if batch:
        yield batch

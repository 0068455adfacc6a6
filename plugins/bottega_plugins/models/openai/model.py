"""The model: a request out, deltas in as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from bottega.errors import ModelError
from bottega.model import Delta, End, Request, Usage
from bottega.price import Price
from bottega_plugins.models.openai.client import Answer, Client
from bottega_plugins.models.openai.failures import Failures
from bottega_plugins.models.openai.prices import Prices
from bottega_plugins.models.openai.reply import ReplyReader
from bottega_plugins.models.openai.settings import Settings
from bottega_plugins.models.openai.wire import BodyWriter


class OpenAIModel:
    """A model on a server that speaks the OpenAI chat-completions protocol.

    Usable from any event loop; connections are kept for later calls in the same loop and closed
    when `asyncio.run` ends it, or by `aclose`.
    """

    def __init__(self, model: str, settings: Settings, price: Price | None = None) -> None:
        self.name = f"openai:{model}"
        self._model = model
        self._settings = settings
        self._writer = BodyWriter(model, official=settings.official)
        self._redactor = settings.redactor()
        self._client = Client(settings, self._redactor)
        self._prices = Prices(model, settings, price)
        self._failures = Failures(model, settings, self._redactor)

    def __repr__(self) -> str:
        return f"<OpenAIModel {self._model} at {self._settings.address}>"

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the reply. Raises ModelError; closing the iterator closes the connection."""
        loading = self._prices.prepare()
        answer = await self._client.post(self._writer.write(request), request.deadline)
        try:
            reader = await self._reader(answer)
            while not reader.done:
                for delta in await _next(answer, reader):
                    if isinstance(delta, End):
                        if loading is not None:
                            await loading
                        delta = self._priced(delta)  # noqa: PLW2901
                    yield delta
            await answer.finish()
        finally:
            answer.close()

    @property
    def context_tokens(self) -> int | None:
        """Tokens of a request and its reply together, once they are known from a first call."""
        return self._prices.context_tokens

    def cost(self, usage: Usage) -> float | None:
        """Return what the tokens of one call cost; None where the price is not known."""
        return self._prices.cost(usage)

    def _priced(self, end: End) -> End:
        return end if end.cost is not None else replace(end, cost=self.cost(end.usage))

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the model stays usable."""
        await self._client.aclose()

    async def _reader(self, answer: Answer) -> ReplyReader:
        await self._failures.check(answer)
        return ReplyReader(
            self._redactor,
            self._failures.of_object,
            content_type=answer.headers.get("Content-Type", ""),
        )


async def _next(answer: Answer, reader: ReplyReader) -> list[Delta]:
    """Read on; a connection that breaks after the model was through has broken nothing."""
    try:
        piece = await answer.read()
    except ModelError:
        if not reader.complete:
            raise
        piece = b""
    return reader.feed(piece) if piece else reader.close()

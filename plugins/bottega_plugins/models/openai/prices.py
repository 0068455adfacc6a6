"""What the tokens of a model cost on the server that is asked.

A price given in the options goes before all. Hosted services that genai-prices lists are known by
the server's address, never by the model's name alone: who runs the same model elsewhere has prices
of his own, and so has a server of one's own, which is free only where its owner says so. The
library and its list take most of a second to load, so that is done beside the first call.
Source: https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any
from urllib.parse import urlsplit

from bottega.model import Usage
from bottega.price import Price
from bottega_plugins.models.openai.settings import Settings


class Prices:
    """The prices of one model on one server."""

    def __init__(self, model: str, settings: Settings, given: Price | None) -> None:
        self._model = model
        self._address = settings.address
        self._given = given
        self._hosted = given is None and _is_hosted(self._address)
        self._loaded = False
        self._context: int | None = None

    def cost(self, usage: Usage) -> float | None:
        """Return what the tokens cost, in US dollars; None where that is not known."""
        if self._given is not None:
            return self._given.cost(usage)
        if not self._hosted or usage.input_tokens is None or usage.output_tokens is None:
            return None
        self._load()
        from genai_prices import Usage as Counted
        from genai_prices import calc_price

        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        counted = Counted(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=cached,
        )
        try:
            price = calc_price(counted, self._model, provider_api_url=self._address)
        except LookupError:
            return None
        return float(price.total_price)

    @property
    def context_tokens(self) -> int | None:
        """What the model reads, where the list says so; None as long as it is not loaded."""
        if self._context is None and self._loaded:
            from genai_prices import Usage as Counted
            from genai_prices import calc_price

            try:
                priced = calc_price(Counted(), self._model, provider_api_url=self._address)
                self._context = priced.model.context_window or 0
            except LookupError:
                self._context = 0
        return self._context or None

    def prepare(self) -> asyncio.Task[None] | None:
        """Begin to load what is needed, beside whatever the event loop waits for."""
        if not self._hosted or self._loaded:
            return None
        return asyncio.create_task(asyncio.to_thread(self._load))

    def _load(self) -> None:
        if not self._loaded:
            import genai_prices

            _ = genai_prices.calc_price
            self._loaded = True


def _is_hosted(address: str) -> bool:
    """Say whether the server can be one whose prices are published: no address within a house."""
    host: Any = urlsplit(address).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return False

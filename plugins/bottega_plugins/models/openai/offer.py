"""The `openai` offers: quick to import, heavy only when a model or embedder is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega.model import Model


def make_model(  # noqa: PLR0913  # each is an option that a graph file may give
    context: FactoryContext,
    *,
    base_url: str = "",
    timeout: float = 120.0,
    connect_timeout: float = 10.0,
    idle_timeout: float = 60.0,
    headers: Mapping[str, str] | None = None,
    price: Mapping[str, float] | float | None = None,
) -> Model:
    """Make the model that `openai:NAME` names. Times are in seconds. Raises InputError.

    `price` is in US dollars for a million tokens, `{input: 0.25, output: 2}`, or 0; without it
    prices are known for hosted services alone.
    """
    from bottega.price import read_price
    from bottega_plugins.models.openai.model import OpenAIModel
    from bottega_plugins.models.openai.settings import Settings, from_environment

    if not context.argument:
        raise InputError("no model is named", hint="write openai:NAME, such as openai:gpt-5-mini")
    url, key = from_environment(base_url)
    settings = Settings(
        base_url=url,
        key=key,
        timeout=timeout,
        connect_timeout=connect_timeout,
        idle_timeout=idle_timeout,
        headers=headers or {},
    )
    return OpenAIModel(context.argument, settings, read_price(price))


def make_embedder(
    context: FactoryContext,
    *,
    base_url: str = "",
    dimensions: int = 0,
    max_tokens: int = 0,
    timeout: float = 120.0,
    headers: Mapping[str, str] | None = None,
) -> Embedder:
    """Make the embedder that `openai:NAME` names. The time is in seconds. Raises InputError."""
    from bottega_plugins.models.openai.embedder import MAX_TOKENS, OpenAIEmbedder
    from bottega_plugins.models.openai.settings import Settings, from_environment

    if not context.argument:
        raise InputError(
            "no model is named", hint="write openai:NAME, such as openai:text-embedding-3-small"
        )
    url, key = from_environment(base_url)
    settings = Settings(base_url=url, key=key, timeout=timeout, headers=headers or {})
    return OpenAIEmbedder(
        context.argument, settings, dimensions=dimensions, max_tokens=max_tokens or MAX_TOKENS
    )


_SETTINGS = {
    "OPENAI_API_KEY": "the key; optional when OPENAI_BASE_URL is another server than OpenAI's",
    "OPENAI_BASE_URL": "the server's address up to and including /v1",
}
OPENAI = Offer(
    name="openai",
    summary="Hosted and local servers that speak the OpenAI chat-completions protocol.",
    factory=make_model,
    details=(
        "openai:NAME; streams, calls tools in parallel, sees images, writes to a JSON Schema",
        "vLLM, Ollama, llama.cpp and others: set OPENAI_BASE_URL; they need no key",
        "the key is sent to OPENAI_BASE_URL only, never to another server that a graph names",
        "prices of hosted services are known; elsewhere give `price: {input: 1, output: 4}`, or 0",
        "follows no redirects; sampling by beams is not in the protocol",
    ),
    settings=_SETTINGS,
)
OPENAI_EMBEDDER = Offer(
    name="openai",
    summary="Hosted and local servers that speak the OpenAI embeddings protocol.",
    factory=make_embedder,
    details=(
        "openai:NAME; set OPENAI_BASE_URL for vLLM, Ollama, llama.cpp and others",
        "reads 8,000 tokens, estimated on the high side; set max_tokens for models that read less",
    ),
    settings=_SETTINGS,
)

"""The model backends that come with Bottega: a plugin like any other."""

from __future__ import annotations

from collections.abc import Iterable

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl
from bottega_plugins.models.embedded.offer import EMBEDDED_DECIDER, EMBEDDED_MODEL
from bottega_plugins.models.openai.offer import OPENAI, OPENAI_EMBEDDER

bottega_api = 1


@hookimpl
def bottega_models() -> Iterable[Offer]:
    """Offer the models."""
    return (EMBEDDED_MODEL, OPENAI)


@hookimpl
def bottega_deciders() -> Iterable[Offer]:
    """Offer the deciders."""
    return (EMBEDDED_DECIDER,)


@hookimpl
def bottega_embedders() -> Iterable[Offer]:
    """Offer the embedder on a server."""
    return (OPENAI_EMBEDDER,)

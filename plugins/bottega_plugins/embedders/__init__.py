"""Text embedders. Only the offers stand here; what they make is imported when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bottega.errors import InputError, NotInstalledError
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.embedders.minilm_onnx import MiniLM
    from bottega_plugins.embedders.sentence_transformer import SentenceTransformerEmbedder


def _minilm(context: FactoryContext) -> MiniLM:
    from bottega_plugins.embedders.minilm_onnx import minilm

    return minilm()


def _sentence_transformer(
    context: FactoryContext, *, revision: str = "", device: str = ""
) -> SentenceTransformerEmbedder:
    from bottega_plugins.embedders.sentence_transformer import SentenceTransformerEmbedder
    from bottega_plugins.embedders.weights import find_weights

    if not context.argument:
        raise InputError(
            "no model is named", hint="write sentence-transformers:FOLDER, or :NAME on the hub"
        )
    if find_spec("sentence_transformers") is None:  # said now, not in the middle of a run
        raise NotInstalledError("sentence-transformers", "local")
    weights = find_weights(context.argument, context.folder, revision)
    return SentenceTransformerEmbedder(weights, device=device)


@hookimpl
def bottega_embedders() -> Iterable[Offer]:
    """Offer the embedder that comes with Bottega, and the way to any other."""
    return [
        Offer(
            name="minilm",
            summary="all-MiniLM-L6-v2 as ONNX int8: no key, no download, no torch.",
            factory=_minilm,
            details=("384 dimensions", "reads 256 tokens", "English"),
        ),
        Offer(
            name="sentence-transformers",
            summary="Any sentence-transformers model: a folder, or a name on the model hub.",
            factory=_sentence_transformer,
            extra="local",
            details=(
                "sentence-transformers:FOLDER or sentence-transformers:NAME",
                "puts the model's own prompts before queries and documents",
                "reads weights in safetensors only; runs no code that comes with a model",
            ),
        ),
    ]

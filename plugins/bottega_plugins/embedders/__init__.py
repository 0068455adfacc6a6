"""Text embedders. Only the offers stand here; what they make is imported when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.embedders.minilm_onnx import MiniLM


def _minilm(context: FactoryContext) -> MiniLM:
    from bottega_plugins.embedders.minilm_onnx import minilm

    return minilm()


@hookimpl
def bottega_embedders() -> Iterable[Offer]:
    """Offer the embedder that comes with Bottega."""
    return [
        Offer(
            name="minilm",
            summary="all-MiniLM-L6-v2 as ONNX int8: no key, no download, no torch.",
            factory=_minilm,
            details=("384 dimensions", "reads 256 tokens", "English"),
        )
    ]

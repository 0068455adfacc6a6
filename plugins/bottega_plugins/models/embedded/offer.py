"""The offers `embedded`, a model and a decider: quick to import, heavy only when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.decider import Decider
    from bottega.model import Model

EMBEDDER = "minilm"


def make_model(context: FactoryContext, *, embedder: str = EMBEDDER) -> Model:
    """Make the model over a registered embedder. Raises UnknownNameError."""
    from bottega_plugins.models.embedded.model import EmbeddedModel

    return EmbeddedModel(context.make("embedder", embedder))


def make_decider(context: FactoryContext, *, embedder: str = EMBEDDER) -> Decider:
    """Make the decider over a registered embedder. Raises UnknownNameError."""
    from bottega_plugins.models.embedded.decider import EmbeddedDecider

    return EmbeddedDecider(context.make("embedder", embedder))


EMBEDDED_MODEL = Offer(
    name="embedded",
    summary="Works here and now: chooses tools, quotes answers, abstains. It generates nothing.",
    factory=make_model,
    details=(
        "needs no key, download or graphics card; English",
        "can: choose tools and specialists by meaning, fill simple arguments from the task",
        "can: answer with sentences and `Key: value` fields out of passages, with citations",
        "can: say the few words that are asked for, yes or no, and what a document is about",
        "can: compare two things by year, number or word; follow an answer to the next document",
        "can: compose what specialists report, calculate through a tool, say that it cannot tell",
        "cannot: see through questions made to mislead: it answers half of those without an answer",
        "cannot: write freely, reason beyond such steps, chat, see images",
        "cannot: write code or JSON to a schema; it acts in the dialect `native` only",
        "the same conversation gives the same reply: sampling settings have no effect",
    ),
)

EMBEDDED_DECIDER = Offer(
    name="embedded",
    summary="Decides by similarity of meaning, and by names and numbers that must be there.",
    factory=make_decider,
    details=(
        "can: choose among described options, tell whether a text supports a statement",
        "cannot: follow an argument, notice a negation, judge style or correctness",
        "probabilities are calibrated on questions about encyclopedia articles, in English",
    ),
)

"""What the toolbox offers of models' own skills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.model import Model
    from bottega.tools import Tool

_TOOLS = {
    "summarize": ("Summarize", "Sum up a text, by the agent's model."),
    "classify": ("Classify", "Say which label fits a text, by the agent's decider."),
    "translate": ("Translate", "Translate a text, by the agent's model."),
}


def offers() -> Sequence[Offer]:
    """Return an offer for each."""
    made = [
        Offer(name=name, summary=summary, factory=_factory(name, kind))
        for name, (kind, summary) in _TOOLS.items()
    ]
    look = "Ask a model that sees about a picture of the workspace."
    return [*made, Offer(name="look_at_image", summary=look, factory=_look_at_image)]


def _factory(name: str, kind: str) -> Callable[..., Tool]:
    def make(context: FactoryContext, *, model: str = "") -> Tool:
        made = getattr(import_module(f"bottega_tools.{name}"), kind)
        tool: Tool = made(_model(context, model))
        return tool

    return make


def _look_at_image(context: FactoryContext, *, root: str = "", model: str = "") -> Tool:
    from bottega_tools.files.workspace import Workspace
    from bottega_tools.look_at_image import LookAtImage

    return LookAtImage(Workspace.beside(context.folder, root), _model(context, model))


def _model(context: FactoryContext, name: str) -> Model | None:
    made: Model | None = context.make("model", name) if name else None
    return made

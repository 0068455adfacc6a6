"""Tools that ask a model: the agent's own, or one that the graph names for them."""

from __future__ import annotations

from bottega.counsel import Counsel
from bottega.errors import ToolError
from bottega.messages import Image, system, user
from bottega.model import Model, Request, Sampling
from bottega.tools import Tool, ToolContext

LONGEST = 1_000_000
"""Characters of a text that is taken."""


class CounselledTool(Tool):
    """A tool that asks a model, whose replies are made of what it was given."""

    effects = "none"
    trust = "untrusted"  # a text that was summed up or translated is as good as the text was
    timeout = 600.0

    def __init__(self, model: Model | None = None) -> None:
        """Ask that model; None for the agent's own."""
        self._model = model

    def _counsel(self, context: ToolContext) -> Counsel:
        """Return who is asked. Raises ToolError outside a run, where nobody pays."""
        if context.counsel is None:
            raise ToolError(f"{self.name} needs a model, and there is none outside a run")
        return context.counsel if self._model is None else context.counsel.asking(self._model)


def checked_text(text: str) -> str:
    """Return the text. Raises ToolError for one that is empty or too long."""
    if not text.strip():
        raise ToolError("the text is empty")
    if len(text) > LONGEST:
        raise ToolError(f"the text has {len(text):,} characters; at most {LONGEST:,} are taken")
    return text


def request(told: str, text: str, *images: Image) -> Request:
    """Make a request: what is to be done, and the material to do it with."""
    return Request(messages=(system(told), user(text, *images)), sampling=Sampling(temperature=0.0))


def fenced(text: str) -> str:
    """Mark the text as material: what it says is no instruction."""
    fence = "=" * 8
    while fence in text:
        fence += "="
    return f"{fence}\n{text}\n{fence}"

"""Bottega: a multi-agent framework on a plugin architecture.

Names are imported when they are first used, so that `import bottega` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bottega import testing
    from bottega.agent import Agent
    from bottega.budget import Budget
    from bottega.decider import Decider
    from bottega.dialect import Dialect
    from bottega.errors import BottegaError
    from bottega.events import Event
    from bottega.graph import Graph
    from bottega.messages import Citation, Image, Message
    from bottega.middleware import Middleware
    from bottega.model import Model, Sampling
    from bottega.offer import Offer
    from bottega.plugin.spec import hookimpl
    from bottega.questions import Question, Ruling
    from bottega.result import Result
    from bottega.tools import Output, Tool, ToolContext, tool

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Graph",
    "tool",
    "Tool",
    "ToolContext",
    "Output",
    "Model",
    "Decider",
    "Dialect",
    "Middleware",
    "Sampling",
    "Message",
    "Image",
    "Citation",
    "Event",
    "Result",
    "Question",
    "Ruling",
    "Budget",
    "BottegaError",
    "Offer",
    "hookimpl",
    "testing",
]

_HOMES = {
    "Agent": "agent",
    "Graph": "graph",
    "tool": "tools",
    "Tool": "tools",
    "ToolContext": "tools",
    "Output": "tools",
    "Model": "model",
    "Sampling": "model",
    "Message": "messages",
    "Image": "messages",
    "Citation": "messages",
    "Event": "events",
    "Result": "result",
    "Question": "questions",
    "Ruling": "questions",
    "Budget": "budget",
    "Decider": "decider",
    "Dialect": "dialect",
    "Middleware": "middleware",
    "BottegaError": "errors",
    "Offer": "offer",
    "hookimpl": "plugin.spec",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "testing":
        return import_module("bottega.testing")
    if name not in _HOMES:
        raise AttributeError(f"module 'bottega' has no attribute {name!r}")
    value = getattr(import_module(f"bottega.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

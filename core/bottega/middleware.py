"""Wrappers around model and tool calls: retries, caches, limits, approval, redaction, tracing.

One concern, one class, one file. The loop composes them once: the first in the list is outermost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bottega.messages import ToolCall
from bottega.model import Delta, Model, Request
from bottega.tools import Output, Tool, ToolContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """A validated call on its way to its tool."""

    call: ToolCall
    """As the model made it."""
    tool: Tool
    arguments: dict[str, Any]
    """Validated, as the tool's function takes them."""
    context: ToolContext


ModelHandler = Callable[[Request], AsyncIterator[Delta]]
ToolHandler = Callable[[Invocation], Awaitable[Output]]


class Middleware:
    """Override any of the methods."""

    def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Answer the request, usually by passing it to `next`."""
        return next(request)

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        """Carry out the call, usually by passing it to `next`."""
        return await next(invocation)

    async def refused(self, invocation: Invocation, why: str) -> None:
        """Hear of a call that is refused before any middleware sees it: permissions are missing.

        Its arguments are as the model wrote them, and not validated.
        """


def wrap_model(model: Model, middleware: Sequence[Middleware]) -> ModelHandler:
    """Return the model's `respond` inside its middleware."""
    handler: ModelHandler = model.respond
    for item in reversed(middleware):
        if type(item).around_model is not Middleware.around_model:
            handler = partial(item.around_model, next=handler)
    return handler


def refusal_hearers(
    middleware: Sequence[Middleware],
) -> tuple[Callable[[Invocation, str], Awaitable[None]], ...]:
    """Return the methods of those who want to hear of refused calls."""
    deaf = (None, Middleware.refused)  # a stranger's may have the two other methods alone
    return tuple(
        item.refused for item in middleware if getattr(type(item), "refused", None) not in deaf
    )


def wrap_tool(innermost: ToolHandler, middleware: Sequence[Middleware]) -> ToolHandler:
    """Return the call of a tool inside its middleware."""
    handler = innermost
    for item in reversed(middleware):
        if type(item).around_tool is not Middleware.around_tool:
            handler = partial(item.around_tool, next=handler)
    return handler

"""What the thing that an offer makes must be, roughly: enough to name the plugin that got it wrong.

Exact checks are the conformance kit's (`bottega.testing`); nothing of the made thing is run here.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from bottega.errors import InputError, PluginError
from bottega.offer import OfferKind
from bottega.permissions import Permissions
from bottega.toolset import is_toolset

LARGEST_SCHEMA = 64 * 1024
"""Characters of JSON; every one of them is sent to the model with every request."""

_MEMBERS: Mapping[OfferKind, tuple[str, tuple[str, ...]]] = {
    "model": ("bottega.Model", ("name", "respond")),
    "decider": ("bottega.decider.Decider", ("name", "choose", "judge", "score")),
    "agent": ("bottega.node.NodeKind", ("delegates", "refers", "outcomes", "bound", "build")),
    "dialect": (
        "bottega.dialect.Dialect",
        ("name", "request", "read", "replied", "observed"),
    ),
    "middleware": ("bottega.middleware.Middleware", ("around_model", "around_tool")),
    "retriever": ("bottega.retriever.Retriever", ("search",)),
    "embedder": (
        "bottega.embedder.Embedder",
        ("name", "dimension", "max_tokens", "embed", "token_spans"),
    ),
    "memory": (
        "bottega.memory.Memory",
        ("remember", "recall", "record", "similar", "facts", "episodes", "forget", "aclose"),
    ),
    "sandbox": ("bottega.sandbox.Sandbox", ("name", "boundary", "check", "open")),
    "checkpointer": ("a LangGraph BaseCheckpointSaver", ("put", "put_writes", "get_tuple")),
    "command": ("click.Command", ("make_context", "invoke", "name")),
    "metric": ("a function of (answer, expected)", ("__call__",)),
    "adapter": ("a function of a thing to a bottega.Tool or Toolset", ("__call__",)),
    "tool": (
        "bottega.Tool or Toolset",
        ("spec", "validate", "run", "effects", "permissions", "timeout"),
    ),
    "prompt": ("str", ("casefold", "splitlines")),
}


def check_made(kind: OfferKind, made: Any) -> None:
    """Raise PluginError unless the thing looks like one of its kind."""
    if inspect.isawaitable(made):
        if inspect.iscoroutine(made):
            made.close()
        raise PluginError("its factory is async", hint="write it with plain `def`")
    wanted, members = _MEMBERS.get(kind, ("", ()))
    if kind == "tool" and is_toolset(made):
        return  # its tools are checked when they are asked for
    missing = [name for name in members if not _has(made, name)]
    if missing or inspect.isclass(made):
        raise PluginError(
            f"its factory made {_article(made)}, expected {wanted or kind}",
            hint=f"it has no {', '.join(missing)}" if missing else "make an instance",
        )
    if kind == "tool":
        _check_schema(made)
        _check_permissions(made)


def _has(made: object, name: str) -> bool:
    """Say whether the member is there, without running a property that may load a model."""
    missing = object()
    if inspect.getattr_static(made, name, missing) is not missing:
        return True
    return hasattr(type(made), "__getattr__") and hasattr(made, name)


def _article(made: object) -> str:
    return f"the class {made.__name__}" if inspect.isclass(made) else type(made).__name__


def _check_permissions(tool: Any) -> None:
    try:
        Permissions.of(tool.permissions)
    except InputError as error:
        raise PluginError(f"it declares {error.message}", hint=error.hint) from error


def _check_schema(tool: Any) -> None:
    try:
        parameters = tool.spec.parameters
        if not isinstance(parameters, Mapping):
            raise PluginError(f"the schema of its arguments is {type(parameters).__name__}")
        size = 0
        for chunk in json.JSONEncoder(allow_nan=False).iterencode(parameters):
            size += len(chunk)
            if size > LARGEST_SCHEMA:
                raise PluginError(
                    f"the schema of its arguments is over {LARGEST_SCHEMA // 1024} KB of JSON",
                    hint="models get every character of it with every request",
                )
    except (RecursionError, ValueError, TypeError) as error:
        raise PluginError(
            "the schema of its arguments is not finite JSON", hint=str(error)[:100]
        ) from error

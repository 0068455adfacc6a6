"""What a plugin registers: a name and a way to make the thing, never the thing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

OfferKind = Literal[
    "tool",
    "model",
    "decider",
    "agent",
    "dialect",
    "middleware",
    "retriever",
    "embedder",
    "memory",
    "sandbox",
    "checkpointer",
    "engine",
    "prompt",
    "metric",
    "command",
    "adapter",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A thing that a plugin can make when somebody asks for it by name."""

    name: str
    """Lower-case ASCII letters, digits, `_` and `-`; unique among the offers of its kind."""
    summary: str
    """One line, shown in listings."""
    factory: Callable[..., Any]
    """Makes the thing. Heavy imports belong inside it. What it is called with is fixed by the
    kind: see the hook of that kind in `bottega.hookspecs`."""
    extra: str = ""
    """The extra of the distribution that brings what the factory imports, if any."""
    details: tuple[str, ...] = ()
    """What it can and cannot do, one line each: shown by `bottega models` and its like."""
    settings: dict[str, str] = field(default_factory=dict)
    """Environment variables that it reads, with what each is for."""

"""Hooks of one plugin, checked before they are registered.

pluggy checks argument names; what it leaves unsaid (a hook that does not exist, a forgotten marker,
`async def`) would make a plugin do nothing without a word, so it is an error here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from bottega.errors import PluginError, suggest
from bottega.offer import OfferKind
from bottega.plugin import spec

HOOKS: Mapping[OfferKind, str] = {
    "tool": "bottega_tools",
    "model": "bottega_models",
    "decider": "bottega_deciders",
    "agent": "bottega_agents",
    "dialect": "bottega_dialects",
    "middleware": "bottega_middleware",
    "retriever": "bottega_retrievers",
    "embedder": "bottega_embedders",
    "memory": "bottega_memories",
    "sandbox": "bottega_sandboxes",
    "checkpointer": "bottega_checkpointers",
    "engine": "bottega_engines",
    "prompt": "bottega_prompts",
    "metric": "bottega_metrics",
    "command": "bottega_commands",
    "adapter": "bottega_adapters",
}
"""The hook that registers each kind of offer."""
EVENT = "bottega_event"
NAMES = frozenset([*HOOKS.values(), EVENT])

_MARK = f"{spec.PROJECT}_impl"
_PREFIX = f"{spec.PROJECT}_"
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {EVENT: ("event",)}


def check_hooks(plugin: object) -> None:
    """Check every hook of the plugin. Raises PluginError naming hook and argument."""
    if inspect.isclass(plugin):
        raise PluginError(
            f"the entry point names the class {plugin.__name__!r}",
            hint="name a module, or an instance",
        )
    for name in dir(plugin):
        value: Any = getattr(plugin, name, None)
        options: Any = getattr(value, _MARK, None) if inspect.isroutine(value) else None
        if options is not None:
            _check_hook(options.get("specname") or name, value, options)
        elif name in NAMES and _is_own(value, plugin):
            raise PluginError(
                f"{name!r} is not marked as a hook",
                hint="write @hookimpl above it (from bottega import hookimpl)",
            )


def _is_own(value: object, plugin: object) -> bool:
    """Say whether the function was written in the plugin, not imported for another use."""
    home = getattr(plugin, "__name__", type(plugin).__module__)
    return inspect.isroutine(value) and getattr(value, "__module__", None) == home


def _check_hook(name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    if name not in NAMES:
        if not name.startswith(_PREFIX) and options.get("optionalhook"):
            return
        raise PluginError(f"there is no hook {name!r}", hint=suggest(name, NAMES))
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(f"hook {name!r} is async", hint="write it with plain `def`")
    if options.get("wrapper") or options.get("hookwrapper"):
        raise PluginError(f"hook {name!r} is a wrapper", hint="Bottega's hooks cannot be wrapped")
    expected = _ARGUMENTS.get(name, ())
    extra = [each for each in inspect.signature(function).parameters if each not in expected]
    if extra:
        raise PluginError(
            f"hook {name!r} has the argument {extra[0]!r}, which Bottega does not pass",
            hint=f"it may take: {', '.join(expected) or 'no arguments'}",
        )

"""Options against the signature of the factory that will take them: every misfit, not only one.

Simple types only (texts, numbers, lists, choices); a type that says more is the factory's to judge.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union

from bottega.errors import suggest
from bottega.messages import Json
from bottega.spec.findings import clip

_NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_SIMPLE: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    type(None): ((type(None),), "nothing"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """One option that does not fit; `option` is empty when it is missing."""

    message: str
    hint: str = ""
    option: str = ""
    is_value: bool = False
    """Whether it is the option's value that does not fit, not its name."""


def misfits(
    what: str, factory: Callable[..., Any], options: Mapping[str, Json], also: Iterable[str] = ()
) -> list[Misfit]:
    """Return what is wrong with the options; `also` are names to suggest beside the factory's own.

    A factory whose signature Python cannot tell takes anything.
    """
    parameters = _parameters(factory)
    if parameters is None:
        return []
    named = {one.name: one for one in parameters if one.kind in _NAMED}
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    hints = _hints(factory)
    found: list[Misfit] = []
    for name, value in options.items():
        if name in named:
            found.extend(_check_value(what, name, value, hints.get(name)))
        elif not open_ended:
            found.append(_unknown(what, name, [*named, *also]))
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in options:
            needed = expected(hints.get(name))
            example = f"{name}: {needed if needed != 'a value' else '...'}"
            message = f"{what} needs the option {name!r}"
            found.append(Misfit(message=message, hint=f"add `{example}`"))
    return found


def _parameters(factory: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Return the parameters after the context."""
    try:
        return list(inspect.signature(factory).parameters.values())[1:]
    except (TypeError, ValueError):
        return None


def _hints(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters that are known when the program runs, each by itself."""
    target: Any = factory.__init__ if inspect.isclass(factory) else factory
    written = dict(getattr(target, "__annotations__", {}))
    found: dict[str, Any] = {}
    for name, hint in written.items():
        lone = types.SimpleNamespace(__annotations__={name: hint})
        try:
            found |= typing.get_type_hints(lone, getattr(target, "__globals__", None))
        except (NameError, TypeError, AttributeError):
            continue  # a name that only type checkers import
    return found


def _unknown(what: str, name: str, known: list[str]) -> Misfit:
    hint = suggest(name, known) if known else "it takes no options"
    return Misfit(message=f"{what} has no option {clip(name)}", hint=hint, option=name)


def _check_value(what: str, name: str, value: Json, hint: Any) -> list[Misfit]:
    if fits(value, hint):
        return []
    message = f"option {name!r} of {what}: expected {expected(hint)}, got {_got(value)}"
    quote = "quote it" if expected(hint) == "text" and isinstance(value, int | float) else ""
    return [Misfit(message=message, hint=quote, option=name, is_value=True)]


def fits(value: Json, hint: Any) -> bool:
    """Say whether the value can be of the type; types not known here take anything."""
    if hint in _SIMPLE:
        accepted = _SIMPLE[hint][0]
        return isinstance(value, accepted) and (hint is bool or not isinstance(value, bool))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Annotated:
        return fits(value, arguments[0])
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if inspect.isclass(origin or hint):
        return _fits_class(value, origin or hint, arguments)
    return True


def _fits_class(value: Json, kind: type, arguments: tuple[Any, ...]) -> bool:
    if issubclass(kind, PurePath):
        return isinstance(value, str)
    if issubclass(kind, Enum):
        return any(value == one.value for one in kind)
    if issubclass(kind, Mapping):
        return isinstance(value, dict)
    if kind is not object and issubclass(kind, Iterable):
        item = arguments[0] if arguments else None
        return isinstance(value, list) and all(fits(one, item) for one in _listed(value))
    return True


def _listed(value: Json) -> list[Json]:
    return list(value)


def expected(hint: Any) -> str:
    """Say in words what a value of the type looks like."""
    if hint in _SIMPLE:
        return _SIMPLE[hint][1]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        named = [expected(one) for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys(named))
    if origin is typing.Annotated:
        return expected(arguments[0])
    if origin is Literal:
        return " or ".join(repr(one) for one in arguments)
    kind = origin or hint
    return _expected_class(kind, arguments) if inspect.isclass(kind) else "a value"


def _expected_class(kind: type, arguments: tuple[Any, ...]) -> str:
    if issubclass(kind, PurePath):
        return "a path"
    if issubclass(kind, Enum):
        return " or ".join(repr(one.value) for one in kind)
    if issubclass(kind, Mapping):
        return "a mapping"
    if kind is not object and issubclass(kind, Iterable):
        names = {"text": "texts", "a whole number": "whole numbers", "a number": "numbers"}
        item = names.get(expected(arguments[0]), "") if arguments else ""
        return f"a list of {item}" if item else "a list"
    return "a value"


def _got(value: Json) -> str:
    if isinstance(value, str):
        return f"the text {clip(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"

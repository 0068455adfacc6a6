"""What stands behind a callable: the def with its annotations, its docstring, its context.

Partials, methods and objects with `__call__` are tools as well as functions are.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from bottega.annotations import resolve
from bottega.errors import InputError


def context_parameter(function: Callable[..., Any]) -> str | None:
    """Return the name of the parameter that receives the `ToolContext`, if there is one."""
    plain = plain_function(function)
    for name, annotation in getattr(plain, "__annotations__", {}).items():
        if "ToolContext" in str(annotation) and name != "return":
            hint = resolve(annotation, plain, f"{plain.__name__}: parameter {name!r}")
            if is_context(hint):
                return str(name)
    return None


def docstring(function: Callable[..., Any]) -> str | None:
    """Return the docstring that describes the call."""
    if isinstance(function, functools.partial):
        return docstring(function.func)
    if isinstance(function, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)):
        return function.__doc__
    return type(function).__call__.__doc__ or type(function).__doc__


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the def that the annotations belong to."""
    if isinstance(function, functools.partial):
        return plain_function(function.func)
    if inspect.ismethod(function):
        return plain_function(function.__func__)
    if not inspect.isroutine(function) and not isinstance(function, type):
        return plain_function(type(function).__call__)
    plain: Callable[..., Any] = inspect.unwrap(function)
    return plain


def refuse_kind(parameter: inspect.Parameter, where: str) -> None:
    """Raise InputError, beginning with `where`, for a parameter that cannot be given by name."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
        raise InputError(
            f"{where} is {star}{parameter.name}: a model cannot know what to give",
            hint="name every argument, or take one list or dict with a type",
        )
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise InputError(
            f"{where} is positional-only, and models give arguments by name",
            hint="remove the `/` from the parameters",
        )


def is_context(hint: Any) -> bool:
    """Whether the annotation is `ToolContext`, or a union with it."""
    from bottega.tools import ToolContext

    return hint is ToolContext or ToolContext in typing.get_args(hint)

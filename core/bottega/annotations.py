"""The annotations of a tool's parameters: resolving them, and refusing those that say nothing.

A model is told a parameter's type or it guesses; so no parameter is of an unknown type by accident.
What pydantic then makes of the types is `bottega.signature`.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# Values of any type are this file's business.

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bottega.errors import InputError

_NOT_GENERIC: set[Any] = {typing.get_origin(Callable[[], None])}
_UNIONS = (typing.Union, types.UnionType)
_VAGUE: dict[Any, str] = {
    Any: "a type, or pydantic.JsonValue for any JSON",
    object: "a type, or pydantic.JsonValue for any JSON",
    inspect.Parameter.empty: "a type",
    list: "list[str], or whatever it holds",
    dict: "dict[str, int], or whatever it holds",
    tuple: "tuple[int, str], or whatever it holds",
    set: "set[str], or whatever it holds",
    frozenset: "frozenset[str], or whatever it holds",
    abc.Sequence: "list[str], or whatever it holds",
    abc.Iterable: "list[str], or whatever it holds",
    abc.Mapping: "dict[str, int], or whatever it holds",
    typing.get_origin(Callable[[], None]): "a type that JSON can carry",
}


def resolve(annotation: Any, function: Callable[..., Any], where: str) -> Any:
    """Evaluate an annotation that is text, or holds text, where the function was written.

    Raises InputError, beginning with `where`, when a name in it is not there at run time.
    """
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    function = inspect.unwrap(function)
    local = _nonlocals(function)
    spaces: Mapping[str, Any] = getattr(function, "__globals__", {})
    try:
        return _evaluate(holder, spaces, local)
    except NameError:
        pass  # the name may be local to the function in which this one is written
    except Exception as error:  # whatever an annotation does when it is evaluated
        raise InputError(
            f"{where}: the annotation {annotation!r} cannot be read: {error}"
        ) from error
    try:
        return _evaluate(holder, spaces, {**_callers_names(), **local})
    except Exception as error:
        raise InputError(
            f"{where}: the annotation {annotation!r} cannot be read: {error}",
            hint="import the name outside `if TYPE_CHECKING:`",
        ) from error


def _evaluate(holder: Any, spaces: Mapping[str, Any], local: Mapping[str, Any]) -> Any:
    return typing.get_type_hints(holder, dict(spaces), dict(local), include_extras=True)["it"]


def _nonlocals(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what a function takes from those around it, as far as it is bound by now."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    bound: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        with suppress(ValueError):  # an empty cell: bound later, as a function that calls itself is
            bound[name] = cell.cell_contents
    return bound


def _callers_names() -> dict[str, Any]:
    """Return the local names of the functions that are making the tool, the nearest winning."""
    found: dict[str, Any] = {}
    here: Any = inspect.currentframe()
    while here is not None:
        for name, value in here.f_locals.items():
            found.setdefault(name, value)
        here = here.f_back
    return found


def check(annotation: Any, where: str) -> Any:
    """Return the annotation, ready for pydantic. Raises InputError when any part of it is vague."""
    return _Check(where, {}).of(annotation)


class _Check:
    """One walk through an annotation and the classes it names."""

    def __init__(self, where: str, seen: dict[Any, Any]) -> None:
        self._where = where
        self._seen = seen

    def of(self, annotation: Any) -> Any:
        self._refuse_vague(annotation)
        origin: Any = typing.get_origin(annotation)
        if origin is not None and not typing.get_args(annotation):  # a bare typing.List
            self._refuse_vague(origin)
        if origin is not None:
            return self._generic(annotation, origin)
        if isinstance(annotation, type):
            return self._class(annotation)
        return annotation

    def _refuse_vague(self, annotation: Any) -> None:
        try:
            instead = _VAGUE.get(annotation)
        except TypeError:  # not hashable
            return
        if isinstance(annotation, typing.TypeVar):
            instead = "the type itself"
        if instead is None:
            return
        if annotation is inspect.Parameter.empty:
            raise InputError(f"{self._where} has no type", hint=f"write {instead}")
        name = getattr(annotation, "__name__", None) or str(annotation)
        raise InputError(
            f"{self._where} has type {name}, which says too little", hint=f"write {instead}"
        )

    def _generic(self, annotation: Any, origin: Any) -> Any:
        if origin is typing.Literal:
            return annotation
        if origin is typing.Annotated:
            inner, *notes = typing.get_args(annotation)
            return typing.Annotated[(self.of(inner), *notes)]
        if origin in _VAGUE and origin in _NOT_GENERIC:
            self._refuse_vague(origin)
        arguments = typing.get_args(annotation)
        done = tuple(item if item is Ellipsis else self.of(item) for item in arguments)
        if all(new is old for new, old in zip(done, arguments, strict=True)):
            return annotation
        if origin in _UNIONS:
            union: Any = typing.Union  # made at run time, of any number of types
            return union[done]
        made: Any = origin[done]
        return made

    def _class(self, found: type) -> Any:
        """Look into the fields of a class, once."""
        if found in self._seen:
            return self._seen[found]
        self._seen[found] = found
        if typing.is_typeddict(found):
            return self._typed_dict(found)
        if dataclasses.is_dataclass(found) or hasattr(found, "__pydantic_fields__"):
            for name, hint in _hints(found, self._where).items():
                if typing.get_origin(hint) is not typing.ClassVar:
                    self._inside(found, name).of(hint)
        return found

    def _typed_dict(self, found: Any) -> Any:
        """Check the fields; pydantic reads only the TypedDict of typing_extensions before 3.12."""
        import typing_extensions

        hints = _hints(found, self._where)
        done: dict[str, Any] = {}
        for name, hint in hints.items():
            marker = typing.get_origin(hint)
            inside: tuple[Any, ...] = typing.get_args(hint)
            bare = inside[0] if marker in _REQUIREMENTS else hint
            checked = self._inside(found, name).of(bare)
            # before 3.12 a marker inside an annotation that is text is not in `__required_keys__`
            needed = marker is typing.Required or (
                marker is not typing.NotRequired and name in found.__required_keys__
            )
            done[name] = (typing_extensions.Required if needed else typing_extensions.NotRequired)[
                checked
            ]
        if type(found) is not typing._TypedDictMeta:  # type: ignore[attr-defined]
            return found
        make: Any = typing_extensions.TypedDict  # called at run time, as type checkers disallow
        made = make(found.__name__, done)
        made.__doc__, made.__module__ = found.__doc__, found.__module__
        self._seen[found] = made
        return made

    def _inside(self, found: type, name: str) -> _Check:
        return _Check(f"{self._where}: field {name!r} of {found.__name__}", self._seen)


_REQUIREMENTS = (typing.Required, typing.NotRequired)


def _hints(found: type, where: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(found, None, _callers_names(), include_extras=True)
    except Exception as error:
        raise InputError(
            f"{where}: the fields of {found.__name__} cannot be read: {error}"
        ) from error

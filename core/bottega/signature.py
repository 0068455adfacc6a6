"""What a tool takes and gives: a JSON Schema and a validator, made once from a function.

The way from the text that a model wrote to a dict is `bottega.arguments`, how a misfit is put to
the model `bottega.misfit`; which annotations are accepted is `bottega.annotations`.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# Values of any type are this file's business.

from __future__ import annotations

import functools
import inspect
import json
import math
import re
import typing
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bottega.annotations import check, resolve
from bottega.arguments import parse_arguments
from bottega.callables import (
    context_parameter,
    docstring,
    is_context,
    plain_function,
    refuse_kind,
)
from bottega.docstring import Docstring, parse_docstring
from bottega.errors import InputError, ToolArgumentError
from bottega.schema import says_nothing, without_titles

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from bottega.messages import Json

__all__ = ["Signature", "context_parameter", "parse_arguments", "snake_case"]

MAX_SCHEMA = 64_000
"""Characters of a schema as JSON: models pay for every one of them at every step."""

_PLAIN = (str, int, float, bool, type(None), bytes, tuple, frozenset)


def snake_case(name: str) -> str:
    """Return `SearchWeb` as `search_web`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A function's arguments, as models are told of them and as the function takes them."""

    name: str
    description: str
    """The docstring without its sections on arguments, result and errors."""
    schema: Mapping[str, Json]
    """JSON Schema (2020-12) of the arguments: an object that allows no others."""
    _adapter: TypeAdapter[Any] = field(repr=False)
    _returns: Any = field(repr=False)
    _defaults: Mapping[str, Any] = field(repr=False)
    """Defaults that the function must not share between calls, or cannot apply itself."""

    @staticmethod
    def of(function: Callable[..., Any], *, name: str = "") -> Signature:
        """Read a function, method, partial or callable object.

        Raises InputError naming the parameter that has no type, or one that models cannot fill.
        """
        return _Reader(
            function, name or getattr(function, "__name__", type(function).__name__)
        ).read()

    @cached_property
    def _validate(self) -> Callable[[Any], dict[str, Any]]:
        validate: Callable[[Any], dict[str, Any]] = self._adapter.validator.validate_python
        return validate

    @cached_property
    def _nested(self) -> bool:
        """Whether classes are inside, whose own settings may let NaN pass."""
        return "$defs" in self.schema

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return new values as the function takes them, coerced where nothing is lost by it.

        Raises ToolArgumentError saying everything that is wrong, and what is expected.
        """
        from pydantic import ValidationError

        try:
            found = self._validate(arguments)
        except ValidationError as error:
            from bottega.misfit import describe_misfit

            raise ToolArgumentError(
                describe_misfit(self.name, self.schema, arguments, error)
            ) from None
        if self._nested:
            _refuse_non_finite(self.name, found)
        for name, value in self._defaults.items():
            if name not in found:
                found[name] = deepcopy(value)
        return found

    def to_json(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Return validated arguments as JSON that `validate` turns into the same values again."""
        plain: dict[str, Json] = self._adapter.dump_python(
            dict(arguments), mode="json", by_alias=True
        )
        return plain

    @cached_property
    def output_schema(self) -> Mapping[str, Json] | None:
        """JSON Schema of the result; None where the function does not say what it returns."""
        from bottega.tools import Output

        if self._returns in (None, type(None), Any, object, Output, inspect.Signature.empty):
            return None
        from pydantic import TypeAdapter

        try:
            schema = TypeAdapter(self._returns).json_schema(mode="serialization")
        except Exception:  # noqa: BLE001  # any class may be returned; most have no schema
            return None
        return without_titles(schema)


class _Reader:
    """The work of reading one function."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function = function
        self._name = name
        self._defaults: dict[str, Any] = {}

    def read(self) -> Signature:
        function, bound = self._function, frozenset[str]()
        if isinstance(function, functools.partial):
            bound = frozenset(function.keywords)
        doc = parse_docstring(docstring(function))
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError) as error:
            raise InputError(f"{self._name}: its parameters cannot be read: {error}") from error
        fields: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        for parameter in parameters:
            if parameter.name not in bound:
                self._add(parameter, doc, fields, shown)
        adapter = self._adapter(fields)
        return Signature(
            name=self._name,
            description=doc.description,
            schema=self._schema(adapter, shown),
            _adapter=adapter,
            _returns=self._return_type(),
            _defaults=self._defaults,
        )

    def _add(
        self,
        parameter: inspect.Parameter,
        doc: Docstring,
        fields: dict[str, Any],
        shown: dict[str, Any],
    ) -> None:
        """Add a parameter to the fields, and its default to the defaults that are shown."""
        import typing_extensions
        from pydantic.fields import FieldInfo

        where = f"{self._name}: parameter {parameter.name!r}"
        refuse_kind(parameter, where)
        hint = resolve(parameter.annotation, plain_function(self._function), where)
        if is_context(hint):
            return
        default = parameter.default
        if isinstance(default, FieldInfo):
            hint = typing.Annotated[hint, default]
            default = inspect.Parameter.empty if default.is_required() else default.get_default()
            if default is not inspect.Parameter.empty:
                self._defaults[parameter.name] = default
        hint = check(hint, where)
        if default is None and hint is not None:
            hint = hint | None if isinstance(hint, type) else typing.Optional[hint]  # noqa: UP045
        hint = _described(hint, doc.parameters.get(parameter.name, ""))
        if default is inspect.Parameter.empty:
            fields[parameter.name] = typing_extensions.Required[hint]
            return
        fields[parameter.name] = typing_extensions.NotRequired[hint]
        shown[parameter.name] = default
        if not isinstance(default, _PLAIN):
            self._defaults[parameter.name] = default

    def _adapter(self, fields: dict[str, Any]) -> TypeAdapter[Any]:
        import typing_extensions
        from pydantic import ConfigDict, TypeAdapter

        make: Any = typing_extensions.TypedDict  # called at run time, as type checkers disallow
        arguments = make("Arguments", fields)
        arguments.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(arguments)
        except Exception as error:
            raise InputError(
                f"{self._name}: a parameter has a type without a JSON form: {_first_line(error)}"
            ) from error
        return adapter

    def _schema(self, adapter: TypeAdapter[Any], shown: Mapping[str, Any]) -> Mapping[str, Json]:
        try:
            schema = without_titles(adapter.json_schema())
        except Exception as error:
            raise InputError(
                f"{self._name}: a parameter has a type without a JSON Schema: {_first_line(error)}"
            ) from error
        properties = schema.setdefault("properties", {})
        for name, item in properties.items():
            if says_nothing(item):
                raise InputError(
                    f"{self._name}: parameter {name!r} has a type that JSON Schema cannot say",
                    hint="write a type that JSON can carry, or pydantic.JsonValue for any JSON",
                )
        for name, default in shown.items():
            try:
                plain = adapter.dump_python({name: default}, mode="json", warnings=False)[name]
                json.dumps(plain, allow_nan=False)
            except Exception:  # noqa: BLE001, S112  # a default that JSON cannot say is not shown
                continue
            properties[name]["default"] = plain
        size = len(json.dumps(schema))
        if size > MAX_SCHEMA:
            raise InputError(
                f"{self._name}: its schema is {size:,} characters long; at most {MAX_SCHEMA:,}",
                hint="models read it at every step: split the tool, or take simpler arguments",
            )
        return schema

    def _return_type(self) -> Any:
        function = plain_function(self._function)
        annotation = getattr(function, "__annotations__", {}).get("return")
        try:
            return resolve(annotation, function, self._name)
        except InputError:
            return None


def _described(hint: Any, text: str) -> Any:
    """Give the type its description: its own in Annotated or Field, else the docstring's."""
    from pydantic import Field
    from pydantic.fields import FieldInfo

    notes = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
    if any(isinstance(note, FieldInfo) and note.description for note in notes):
        return hint
    own = next((note for note in notes if isinstance(note, str)), text)
    return typing.Annotated[hint, Field(description=own)] if own else hint


def _refuse_non_finite(name: str, value: Any) -> None:
    """Look for NaN and infinities, also in the classes that were made."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ToolArgumentError(f"{name}: {value} is not a number that can be used")
    if isinstance(value, Mapping):
        children: list[Any] = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        children = list(value)
    else:
        kind = type(value)
        names: Any = getattr(kind, "__pydantic_fields__", None)
        if names is None:
            names = getattr(kind, "__dataclass_fields__", ())
        children = [getattr(value, name) for name in names]
    for child in children:
        if not isinstance(child, (str, int)):
            _refuse_non_finite(name, child)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)

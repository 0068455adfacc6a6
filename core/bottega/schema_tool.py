"""Tools that come with a JSON Schema instead of a typed function.

MCP servers, OpenAPI documents and function documents describe their arguments so. The schema is a
stranger's: it is bounded, nothing is fetched for it, and its regular expressions cannot hang. How a
misfit is put to the model is `bottega.schema_misfit`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError, ToolArgumentError
from bottega.loose_schema import as_json_schema
from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.schema import without_titles
from bottega.signature import MAX_SCHEMA
from bottega.tool_name import clean_name
from bottega.tools import Tool, ToolContext

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Call = Callable[[dict[str, Json], ToolContext], Any]
"""Carries out a call, sync or async: takes the arguments as they came, returns what a tool may."""

BACKTRACKS = 100_000
"""Steps back of a regular expression with look-around; others take linear time."""
_OPEN = (
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "$ref",
)
"""Words of a schema that say themselves which other arguments there may be."""


class SchemaTool(Tool):
    """A tool from its name, its description and the JSON Schema of its arguments.

    Arguments that the schema does not name are refused, unless it says otherwise. The keyword
    arguments beyond are the fields of `Tool`: effects, permissions, trust, timeout.
    """

    original: str
    """Its name where it comes from; `name` has letters only that models accept."""

    def __init__(
        self,
        name: str,
        description: str,
        parameters: Mapping[str, Json] | bool | None,
        call: Call,
        **declared: Any,
    ) -> None:
        """Read the schema. Raises InputError where it is none, too long, or points elsewhere."""
        self.original = name
        self.name = clean_name(name)
        self.description = description
        for field_name, value in declared.items():
            setattr(self, field_name, value)
        if self.isolation == "process":
            raise InputError(f"{name}: a tool of a schema cannot run in a process of its own")
        self.run = _runner(call)
        self._schema = _read(name, parameters)
        _ = self._validator  # a schema that cannot be used fails here, not in the middle of a run

    @cached_property
    def spec(self) -> ToolSpec:
        """What models are told."""
        shown = {key: value for key, value in self._schema.items() if key not in ("$schema", "$id")}
        return ToolSpec(
            name=self.name, description=self.description, parameters=without_titles(shown)
        )

    @cached_property
    def _validator(self) -> Validator:
        import jsonschema_rs

        options = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS)
        try:
            return jsonschema_rs.validator_for(
                self._schema, pattern_options=options, offline=True, validate_formats=False
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            problem = str(error).partition("\n")[0]
            raise InputError(
                f"{self.original}: the schema of its arguments cannot be used: {problem[:300]}"
            ) from error

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return a copy of the arguments; a text is made the number or the option that it means.

        Raises ToolArgumentError saying everything that is wrong, and what is expected.
        """
        found = self._copied(arguments)
        if self._fits(found):
            return found
        from bottega.schema_misfit import convert, describe

        errors = list(self._validator.iter_errors(found))
        if convert(found, errors):
            errors = list(self._validator.iter_errors(found))
        if errors:
            raise ToolArgumentError(describe(self.name, self._schema, found, errors))
        return found

    def _copied(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Copy by way of JSON: whatever else is in there would not reach whoever is called."""
        try:
            copied: dict[str, Any] = json.loads(json.dumps(dict(arguments), allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ToolArgumentError(f"{self.name}: the arguments are not JSON: {error}") from None
        return copied

    def _fits(self, arguments: dict[str, Any]) -> bool:
        try:
            return self._validator.is_valid(arguments)
        except ValueError as error:  # nested deeper than the validator follows, or not JSON
            problem = str(error).partition("\n")[0]
            raise ToolArgumentError(f"{self.name}: {problem[:300]}") from None

    def __repr__(self) -> str:
        return f"<tool {self.name}>"


def _read(name: str, parameters: Mapping[str, Json] | bool | None) -> dict[str, Json]:
    """Return the schema of an object that names its arguments."""
    if parameters is None or isinstance(parameters, bool):
        parameters = {}
    try:
        text = json.dumps(dict(parameters))
    except (TypeError, ValueError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        raise InputError(f"{name}: the schema of its arguments is not JSON: {problem}") from error
    if len(text) > MAX_SCHEMA:
        raise InputError(
            f"{name}: the schema of its arguments is {len(text):,} characters long",
            hint=f"models pay for every one of them at every step; at most {MAX_SCHEMA:,} are read",
        )
    read: dict[str, Json] = json.loads(text)
    read.pop("default", None)  # of no argument
    schema: dict[str, Json] = as_json_schema(read)
    schema.setdefault("type", "object")
    if schema["type"] != "object":
        raise InputError(f"{name}: its arguments must be an object, got {schema['type']!r}")
    schema.setdefault("properties", {})
    if not schema.keys() & set(_OPEN):
        schema["additionalProperties"] = False
    return schema


def _runner(call: Call) -> Callable[..., Any]:
    """Return the call as a tool's `run`: it takes the arguments by name, whatever they are."""
    if _is_async(call):

        async def run_async(*, bottega_context: ToolContext, **arguments: Any) -> Any:
            return await call(arguments, bottega_context)

        return run_async

    def run(*, bottega_context: ToolContext, **arguments: Any) -> Any:
        return call(arguments, bottega_context)

    return run


def _is_async(call: Callable[..., Any]) -> bool:
    while isinstance(call, partial):
        call = call.func
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)

"""A Bottega tool as a smolagents tool, for its tool-calling and code agents.

    agent = CodeAgent(tools=[to_smolagents(calculator)], model=model)

Importing this imports smolagents.
"""

from __future__ import annotations

import io
import json
import keyword
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from smolagents import Tool as SmolTool  # type: ignore[import-untyped]  # it has no py.typed

from bottega.calling import call_tool
from bottega.errors import InputError
from bottega.runnable import outside_loop
from bottega.tools import Output, Tool, ToolContext

_KINDS = ("string", "boolean", "integer", "number", "array", "object", "null")
_READ = ("boolean", "integer", "number", "array", "object")
"""Kinds of results that code goes on working with, so that they must not stay text."""


class BottegaTool(SmolTool):  # type: ignore[misc]  # see above
    """A Bottega tool as smolagents' agents call it: by name or by position, in this process.

    What the tool raises, the agent reads as the step's error; its timeout and its own process hold
    here, too. There is no run around it: no journal, no budget, no person to ask. It cannot be
    exported.

    Source: https://github.com/huggingface/smolagents
    """

    skip_forward_signature_validation = True
    name = "bottega_tool"
    description = ""
    inputs: dict[str, dict[str, Any]] = {}  # noqa: RUF012  # declared so by its base
    output_type = "any"

    def __init__(self, tool: Tool) -> None:
        spec, schema = tool.spec, tool.spec.parameters
        self.tool = tool
        self.name = _identifier(spec.name)
        self.description = spec.description
        required = schema.get("required", ())
        self.inputs = {
            name: _input(item, schema, required=name in required)
            for name, item in schema.get("properties", {}).items()
        }
        self.output_type = _output_type(tool)
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  # it takes anything

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tool. Raises ToolError and ToolArgumentError."""
        if len(args) > len(self.inputs):
            raise TypeError(f"{self.name} takes {len(self.inputs)} arguments, got {len(args)}")
        given = {**dict(zip(self.inputs, args, strict=False)), **kwargs}
        required = self.tool.spec.parameters.get("required", ())
        wanted = {k: v for k, v in given.items() if v is not None or k in required}
        arguments = self.tool.validate(wanted)
        output = outside_loop(lambda: call_tool(self.tool, arguments, ToolContext()))
        return self._value(output)

    def _value(self, output: Output) -> Any:
        if output.images and output.images[0].data:
            import PIL.Image

            return PIL.Image.open(io.BytesIO(output.images[0].data))
        if self.output_type in _READ:
            try:
                return json.loads(output.content)
            except ValueError:  # it was cut, or said in words after all
                return output.content
        return output.content

    def to_dict(self) -> NoReturn:
        """Raise InputError: its code is Bottega's, and a wrapper says nothing of it."""
        raise self._unexportable()

    def save(self, *_: object, **__: object) -> NoReturn:
        """Raise InputError, as `to_dict` does, before a file is written."""
        raise self._unexportable()

    def push_to_hub(self, *_: object, **__: object) -> NoReturn:
        """Raise InputError, as `to_dict` does, before anything is sent."""
        raise self._unexportable()

    def _unexportable(self) -> InputError:
        return InputError(
            f"{self.name} cannot be exported: it is a tool of Bottega",
            hint="export the agent without it, and where that is loaded, make it anew: "
            "to_smolagents(TOOL)",
        )


def to_smolagents(tool: Tool) -> BottegaTool:
    """Return the tool for smolagents' agents."""
    return BottegaTool(tool)


def _identifier(name: str) -> str:
    made = re.sub(r"\W", "_", name)
    return f"{made}_" if keyword.iskeyword(made) else made if made.isidentifier() else f"_{made}"


def _input(item: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    """Return a property as smolagents describes an input."""
    kinds = list(dict.fromkeys(_kinds(item, schema)))
    plain = [kind for kind in kinds if kind != "null"] or ["any"]
    made: dict[str, Any] = {
        "type": plain[0] if len(plain) == 1 else plain,
        "description": str(item.get("description", "")),
    }
    for key in ("enum", "items", "default"):
        if key in item:
            made[key] = item[key]
    if not required or "null" in kinds:
        made["nullable"] = True
    return made


def _kinds(item: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> list[str]:
    """Return the types that a schema allows, references and unions resolved."""
    if depth > 8:
        return ["any"]
    if "$ref" in item:
        target = schema.get("$defs", {}).get(str(item["$ref"]).rsplit("/", 1)[-1], {})
        return _kinds(target, schema, depth + 1)
    for key in ("anyOf", "oneOf"):
        if key in item:
            return [kind for each in item[key] for kind in _kinds(each, schema, depth + 1)]
    kinds = item.get("type", "any")
    listed = [kinds] if isinstance(kinds, str) else list(kinds)
    return [kind if kind in _KINDS else "any" for kind in listed]


def _output_type(tool: Tool) -> str:
    """Return the type of what the tool gives, where its function says so."""
    try:
        schema = tool.signature.output_schema or {}
    except InputError:  # it came with a schema, and no annotations
        return "any"
    kinds = [kind for kind in _kinds(schema, schema) if kind != "null"]
    return kinds[0] if len(kinds) == 1 else "any"

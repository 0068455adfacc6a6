"""How tools look from Python: names that are identifiers, signatures, docstrings."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from bottega.messages import Json
from bottega.model import ToolSpec

_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict",
    "array": "list",
}
_DEEPEST = 4
_MOST_CHOICES = 12


def as_functions(specs: Iterable[ToolSpec]) -> dict[str, ToolSpec]:
    """Return the tools by the names that they have as functions, each with its own spec."""
    functions: dict[str, ToolSpec] = {}
    for spec in specs:
        name = function_name(spec.name)
        while name in functions:
            name += "_"
        functions[name] = spec
    return functions


def function_name(name: str) -> str:
    """Return the identifier by which a tool is called: `my-tool` is `my_tool`."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not text or text[0].isdigit():
        text = f"_{text}"
    return f"{text}_" if keyword.iskeyword(text) else text


def renamed(functions: Mapping[str, ToolSpec]) -> tuple[ToolSpec, ...]:
    """Return the specs under their functions' names, as a sandbox takes them."""
    return tuple(
        spec if spec.name == name else replace(spec, name=name) for name, spec in functions.items()
    )


def written(name: str, spec: ToolSpec) -> str:
    """Write a tool as a Python function without a body."""
    properties = _fields(spec.parameters.get("properties"))
    required = {str(one) for one in _items(spec.parameters.get("required"))}
    signature = ", ".join(_parameters(properties, required))
    doc = textwrap.indent(_docstring(spec, properties), "    ").rstrip()
    return f"def {name}({signature}):\n{doc}"


def _parameters(properties: Mapping[str, Json], required: set[str]) -> Iterator[str]:
    """Yield the parameters in order; a needed one after one that may be left out takes its name.

    Those whose names are no identifiers are `**named`: how they are given says the docstring.
    """
    optional = False
    starred = False
    for name, schema in properties.items():
        if not is_identifier(name):
            continue
        kind = _type(schema)
        if name not in required:
            optional = True
            default = _fields(schema).get("default")
            unsaid = default is None and not kind.endswith("None")
            yield f"{name}: {kind}{' | None' if unsaid else ''} = {default!r}"
            continue
        if optional and not starred:
            starred = True
            yield "*"
        yield f"{name}: {kind}"
    if not all(map(is_identifier, properties)):
        yield "**named: object"


def is_identifier(name: str) -> bool:
    """Say whether Python takes it as a parameter's name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _type(schema: Json, depth: int = 0) -> str:
    """Write a JSON Schema as a type, as far as a type says it."""
    fields = _fields(schema)
    choices = _items(fields.get("enum"))
    if depth < _DEEPEST and 0 < len(choices) <= _MOST_CHOICES:
        return f"Literal[{', '.join(map(repr, choices))}]"
    several = _items(fields.get("anyOf")) or _items(fields.get("oneOf"))
    if depth < _DEEPEST and several:
        return " | ".join(dict.fromkeys(_type(one, depth + 1) for one in several))
    kind: Json = fields.get("type")
    kinds = _items(kind)
    if kinds:
        return " | ".join(_TYPES.get(str(one), "object") for one in kinds)
    if depth < _DEEPEST and kind == "array" and fields.get("items"):
        return f"list[{_type(fields['items'], depth + 1)}]"
    return _TYPES.get(str(kind), "object")


def _fields(schema: Json) -> Mapping[str, Json]:
    """Return the keywords of a schema; `true` and `false` are schemas without any."""
    return cast("Mapping[str, Json]", schema) if isinstance(schema, Mapping) else {}


def _items(value: Json) -> Sequence[Json]:
    """Return a list as it is; nothing of what a schema should have a list for and has not."""
    return cast("Sequence[Json]", value) if isinstance(value, list | tuple) else ()


def _docstring(spec: ToolSpec, properties: Mapping[str, Json]) -> str:
    """Write what the tool does, and what is said of its arguments."""
    said = {
        name: " ".join(str(_fields(schema).get("description", "")).split())
        for name, schema in properties.items()
        if _fields(schema).get("description") or not is_identifier(name)
    }
    for name, what in said.items():
        if not is_identifier(name):
            said[name] = f"{what} (given as **{{{name!r}: ...}})".strip()
    text = spec.description.strip()
    if said and "Args:" not in text:
        lines = "\n".join(f"    {name}: {what}" for name, what in said.items())
        text = f"{text}\n\nArgs:\n{lines}"
    text = text.replace('"""', "'''").replace("\\", "\\\\")
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'

"""What one operation of an OpenAPI document takes, and what models are told of it."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# A document is JSON, whose parts are of any type.

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.messages import Json
from bottega.tools import Effects
from bottega_tools.web.openapi.document import OpenApiDocument
from bottega_tools.web.visible import visible

METHODS: Mapping[str, Effects] = {
    "get": "none",
    "head": "none",
    "options": "none",
    "put": "idempotent",
    "delete": "idempotent",
    "post": "once",
    "patch": "once",
}
"""HTTP's own promises (RFC 9110, 9.2)."""
_WORDS = re.compile(r"[A-Za-z0-9]+")
_PLACES = ("path", "query", "header", "cookie")
_NOT_PARAMETERS = frozenset(("accept", "content-type", "authorization"))
"""Headers that the standard wants described elsewhere."""
_LONGEST_DESCRIPTION = 1_000
_LONGEST_HINT = 300


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of an operation."""

    argument: str
    """What the tool's argument is called."""
    name: str
    place: str
    style: str
    explode: bool
    is_json: bool
    """Its value is written as JSON."""
    required: bool
    schema: Json


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation."""

    name: str
    """Its `operationId`, or its method and path."""
    method: str
    path: str
    description: str
    parameters: Sequence[Parameter]
    body_argument: str
    """What the argument with the body is called; empty where nothing is sent."""
    body_type: str
    """The media type of the body."""
    body_schema: Json
    body_required: bool
    definitions: Mapping[str, Json]
    """What the schemas refer to."""
    security: Sequence[Mapping[str, Json]]
    """Ways to be let in, each the schemes that it takes; empty where anyone is."""
    server: str
    """Where it is, as the document says; may be empty or relative."""
    tags: Sequence[str]

    @property
    def arguments(self) -> dict[str, Json]:
        """The JSON Schema of the tool's arguments."""
        properties = {each.argument: each.schema for each in self.parameters}
        required = [each.argument for each in self.parameters if each.required]
        if self.body_argument:
            properties[self.body_argument] = self.body_schema
            required += [self.body_argument] if self.body_required else []
        schema: dict[str, Json] = {"type": "object", "properties": properties}
        schema["additionalProperties"] = False
        if required:
            schema["required"] = required
        if self.definitions:
            schema["$defs"] = dict(self.definitions)
        return schema


def operations(document: OpenApiDocument) -> Iterator[Operation]:
    """Yield every operation. Raises InputError for a fault of the document."""
    paths = document.data.get("paths") or {}
    if not isinstance(paths, Mapping):
        raise document.wrong("its paths are no object")
    for path, item in paths.items():
        found = document.follow(item)
        for method in METHODS:
            if method in found:
                yield _operation(document, str(path), method, found)


def _operation(
    document: OpenApiDocument, path: str, method: str, item: Mapping[str, Any]
) -> Operation:
    found = document.follow(item[method])
    definitions: dict[str, Json] = {}
    parameters = _parameters(document, item, found, definitions)
    body = document.follow(found["requestBody"]) if found.get("requestBody") else {}
    kind, schema = _body(document, body, definitions)
    security = found.get("security", document.data.get("security")) or ()
    tags = found.get("tags") or ()
    return Operation(
        name=str(found.get("operationId") or "_".join((method, *_WORDS.findall(path)))),
        method=method.upper(),
        path=path,
        description=_description(found, method, path),
        parameters=parameters,
        body_argument=_free("body", {each.argument for each in parameters}) if kind else "",
        body_type=kind,
        body_schema=schema,
        body_required=bool(body.get("required")),
        definitions=definitions,
        security=[dict(each) for each in security],
        server=_server(found) or _server(item) or _server(document.data),
        tags=[str(tag) for tag in tags],
    )


def _parameters(
    document: OpenApiDocument,
    item: Mapping[str, Any],
    found: Mapping[str, Any],
    definitions: dict[str, Json],
) -> list[Parameter]:
    """Return the parameters of the path and of the operation, which goes before."""
    named: dict[tuple[str, str], dict[str, Any]] = {}
    for each in (*(item.get("parameters") or ()), *(found.get("parameters") or ())):
        parameter = document.follow(each)
        name, place = str(parameter.get("name", "")), str(parameter.get("in", ""))
        is_left = place == "header" and name.lower() in _NOT_PARAMETERS
        if name and place in _PLACES and not is_left:
            named[place, name] = parameter
    made: list[Parameter] = []
    taken: set[str] = set()
    for (place, name), parameter in named.items():
        argument = _free(name, taken, f"{name}_{place}")
        taken.add(argument)
        made.append(_parameter(document, parameter, argument, definitions))
    return made


def _parameter(
    document: OpenApiDocument,
    found: Mapping[str, Any],
    argument: str,
    definitions: dict[str, Json],
) -> Parameter:
    content = found.get("content")
    inner: Any = next(iter(content.values()), {}) if isinstance(content, Mapping) else found
    schema = document.schema(inner.get("schema", {}), definitions)
    place = str(found["in"])
    style = str(found.get("style") or ("form" if place in ("query", "cookie") else "simple"))
    return Parameter(
        argument=argument,
        name=str(found["name"]),
        place=place,
        style=style,
        explode=bool(found.get("explode", style == "form")),
        is_json=bool(content),
        required=place == "path" or bool(found.get("required")),
        schema=_described(schema, found.get("description")),
    )


def _body(
    document: OpenApiDocument, body: Mapping[str, Any], definitions: dict[str, Json]
) -> tuple[str, Json]:
    """Return the media type that is sent, and the body's schema; an empty type for no body."""
    content = body.get("content")
    if not isinstance(content, Mapping) or not content:
        return "", {}
    kind = min(content, key=_rank)
    if _rank(kind) == _UNKNOWN:
        raise document.wrong(f"a body of the type {kind!r} cannot be sent")
    schema = document.schema(document.follow(content[kind]).get("schema", {}), definitions)
    return str(kind), _described(schema, body.get("description"))


_UNKNOWN = 9


def _rank(kind: str) -> int:
    """Order media types by how well models write them."""
    name = kind.partition(";")[0].strip().lower()
    if name == "application/json":
        return 0
    if name.endswith("+json") or name == "*/*":
        return 1
    if name == "application/x-www-form-urlencoded":
        return 2
    return 3 if name.startswith("text/") or name.endswith("xml") else _UNKNOWN


def _described(schema: Json, description: object) -> Json:
    """Add the description to a schema that has none of its own."""
    text = " ".join(visible(str(description or "")).split())[:_LONGEST_HINT]
    if not text or not isinstance(schema, dict) or "description" in schema:
        return schema
    return {**schema, "description": text}


def _description(found: Mapping[str, Any], method: str, path: str) -> str:
    parts = [str(found.get(key) or "").strip() for key in ("summary", "description")]
    parts = list(dict.fromkeys(part for part in parts if part)) or [f"{method.upper()} {path}"]
    if found.get("deprecated"):
        parts.append("Deprecated.")
    return visible("\n\n".join(parts))[:_LONGEST_DESCRIPTION]


def _server(found: Mapping[str, Any]) -> str:
    """Return the URL of the first server, its variables filled with what they are by default."""
    servers = found.get("servers")
    if not isinstance(servers, list) or not servers or not isinstance(servers[0], Mapping):
        return ""
    url = str(servers[0].get("url") or "")
    variables = servers[0].get("variables")
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        if isinstance(variable, Mapping):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url


def _free(name: str, taken: set[str], other: str = "") -> str:
    """Return the name, or one like it that is not taken."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = other if other and number == 2 else f"{name}_{number}"
    return made

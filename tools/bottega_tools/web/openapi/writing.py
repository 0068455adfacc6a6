"""From the arguments of a call to a request: each parameter where and how its document wants it.

Values are percent-encoded wherever they go, so that none of them ends its part of the URL.
Source: https://spec.openapis.org/oas/v3.1.0#style-values.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arguments are JSON, whose parts are of any type.

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from bottega.addresses import Address, read_url
from bottega.errors import InputError, ToolError
from bottega_tools.web.messages import Request
from bottega_tools.web.openapi.credentials import Credential
from bottega_tools.web.openapi.operation import Operation, Parameter

_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}


def write_request(
    operation: Operation,
    base: Address,
    arguments: Mapping[str, Any],
    credentials: Sequence[Credential],
) -> Request:
    """Return the request of a call whose arguments fit. Raises ToolError for one that cannot be."""
    path, query = operation.path, list[tuple[str, str]]()
    headers: dict[str, str] = {"Accept": "application/json, */*;q=0.5"}
    cookies: list[tuple[str, str]] = []
    for parameter in operation.parameters:
        value = arguments.get(parameter.argument)
        if value is None:
            continue
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", _segment(parameter, value))
        elif parameter.place == "header":
            headers[parameter.name] = _header(parameter, value)
        else:
            (query if parameter.place == "query" else cookies).extend(_pairs(parameter, value))
    for each in credentials:
        if each.place == "header":
            headers[each.name] = each.value
        else:
            (query if each.place == "query" else cookies).append((each.name, each.value))
    if cookies:
        headers["Cookie"] = "; ".join(
            f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in cookies
        )
    body = b""
    if operation.body_argument in arguments:
        body = _body(operation, arguments[operation.body_argument])
        headers["Content-Type"] = operation.body_type.replace("*/*", "application/json")
    target = path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    return Request(
        address=_address(base, target), method=operation.method, headers=headers, body=body
    )


def _address(base: Address, target: str) -> Address:
    folder = base.url.partition("?")[0].rstrip("/")
    try:
        return read_url(f"{folder}/{target.lstrip('/')}")
    except InputError as error:
        raise ToolError(error.message, hint=error.hint) from None


def _segment(parameter: Parameter, value: Any) -> str:
    """Write a value into the path; nothing in it may lead to another part of the API."""
    text = _joined(parameter, value)
    if text in ("", ".", ".."):
        raise ToolError(f"{parameter.argument} cannot be {text!r} in a path")
    prefix = {"label": ".", "matrix": f";{parameter.name}="}.get(parameter.style, "")
    return prefix + quote(text, safe=",")


def _header(parameter: Parameter, value: Any) -> str:
    text = _joined(parameter, value)
    if not text.isprintable():
        raise ToolError(f"{parameter.argument} holds what no header can")
    return text


def _joined(parameter: Parameter, value: Any) -> str:
    if parameter.is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        sign = "=" if parameter.explode else ","
        return ",".join(f"{key}{sign}{_text(item)}" for key, item in value.items())
    return _text(value)


def _pairs(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    name = parameter.name
    if parameter.is_json or not isinstance(value, (list, dict)):
        yield name, _joined(parameter, value)
    elif isinstance(value, dict):
        if parameter.style == "deepObject":
            yield from ((f"{name}[{key}]", _text(item)) for key, item in value.items())
        elif parameter.explode:
            yield from ((key, _text(item)) for key, item in value.items())
        else:
            yield name, ",".join(f"{key},{_text(item)}" for key, item in value.items())
    elif parameter.explode:
        yield from ((name, _text(item)) for item in value)
    else:
        yield name, _SEPARATORS.get(parameter.style, ",").join(map(_text, value))


def _body(operation: Operation, value: Any) -> bytes:
    kind = operation.body_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        fields = value if isinstance(value, dict) else {"value": value}
        return urlencode({key: _text(item) for key, item in fields.items()}).encode()
    if (kind.startswith("text/") or kind.endswith("xml")) and isinstance(value, str):
        return value.encode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)

"""The header block of a text: `Key: value` lines at its very beginning.

As in mail (RFC 822), in PEPs, and between two lines of `---` in Markdown, where it is YAML. YAML
with anchors and aliases is read line by line: eight of them can stand for a billion values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from bottega.messages import Json
from bottega_plugins.knowledge.documents.facts import facts, typed

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,39}):(?:[ \t]+(.*))?$")
_FENCED = re.compile(r"\A---[ \t]*\r?\n(.*?\n)---[ \t]*\r?(?:\n|\Z)", re.DOTALL)
_SOMETHING = re.compile(r"\S")
_MOST_LINES = 100
_MOST_CHARACTERS = 8_000
_TITLES = ("title", "subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a document says about itself."""

    fields: tuple[tuple[str, str], ...]
    start: int
    end: int
    values: Mapping[Any, Any] = field(default_factory=dict[Any, Any], hash=False)
    """The block as YAML; empty where it is none."""

    @property
    def metadata(self) -> dict[str, Json]:
        """The fields as filters take them, without the title."""
        plain = {name: typed(value) for name, value in self.fields if name.lower() not in _TITLES}
        return facts(self.values or plain)

    @property
    def title(self) -> str:
        """The value of `Title` or `Subject`; empty without one."""
        values = {name.lower(): value for name, value in self.fields}
        return next((values[name] for name in _TITLES if values.get(name)), "")


def read_header(text: str) -> Header | None:
    """Return the header block, or None where the text does not begin with one."""
    fenced = _FENCED.match(text[:_MOST_CHARACTERS])
    if fenced:
        fields = _fields(fenced[1].splitlines(), strict=False)
        if not fields:
            return None
        return Header(fields=fields, start=0, end=fenced.end(), values=_yaml(fenced[1]))
    lines, start, end = _first_block(text)
    fields = _fields(lines, strict=True)
    # one line such as `Note: this is old` may well be prose
    if len(fields) > 1 or (fields and fields[0][0].lower() in _TITLES):
        return Header(fields=fields, start=start, end=end)
    return None


_ALIAS = re.compile(r"(?:^|[\s\[,:-])[&*][\w-]", re.MULTILINE)


def _yaml(block: str) -> Mapping[Any, Any]:
    """Return the values of a block of YAML; none if it cannot be read, or not safely."""
    if _ALIAS.search(block):
        return {}
    yaml = import_module("yaml")
    try:
        values = yaml.load(block, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        return {}
    return cast("Mapping[Any, Any]", values) if isinstance(values, dict) else {}


def _first_block(text: str) -> tuple[list[str], int, int]:
    """Return the lines up to the first blank one, and their span; no lines if they are many."""
    first = _SOMETHING.search(text)
    start = position = text.rfind("\n", 0, first.start() if first else 0) + 1
    lines: list[str] = []
    while position < len(text):
        stop = text.find("\n", position, start + _MOST_CHARACTERS)
        line = text[position : stop if stop >= 0 else start + _MOST_CHARACTERS]
        if not line.strip():
            break
        lines.append(line.rstrip("\r"))
        position += len(line) + 1
        if len(lines) > _MOST_LINES or position - start > _MOST_CHARACTERS:
            return [], start, start
    return lines, start, min(position, len(text))


def _fields(lines: list[str], *, strict: bool) -> tuple[tuple[str, str], ...]:
    """Return the fields, continuation lines joined; none if `strict` and a line does not fit."""
    found: list[tuple[str, str]] = []
    for line in lines:
        match = _FIELD.match(line)
        if match:
            found.append((match[1], (match[2] or "").strip()))
        elif found and line[:1] in " \t":
            name, value = found[-1]
            found[-1] = (name, f"{value} {line.strip()}".strip())
        elif strict:
            return ()
    return tuple(_unquoted(found))


def _unquoted(fields: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in fields:
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        yield name, value[1:-1] if quoted else value

"""The header block of a text: `Key: value` lines at its very beginning.

As in mail (RFC 822), in PEPs, and between two lines of `---` in Markdown, where it is YAML. Of YAML
the structure is taken, and values as they are written: `3.10` is no 3.1, `no` is a word. YAML with
anchors and aliases is read line by line: eight of them can stand for a billion values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from bottega.messages import Json
from bottega_plugins.knowledge.documents.facts import as_written, facts, typed

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
    values: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    """The block as YAML; empty where it is none."""

    @property
    def metadata(self) -> dict[str, Json]:
        """The fields as filters take them, without the title."""
        if self.values:
            return facts(self.values)
        title = _title_name(name for name, value in self.fields if value)
        return facts({name: typed(value) for name, value in self.fields if name.lower() != title})

    @property
    def title(self) -> str:
        """The value of `Title` or `Subject`; empty without one."""
        given: dict[str, str] = {name.lower(): value for name, value in self.fields}
        for name, value in self.values.items():
            if isinstance(value, str):  # without quotes, comments and line ends of YAML
                given[name.lower()] = value
        return given.get(_title_name(name for name, value in given.items() if value), "")


def _title_name(names: Iterable[str]) -> str:
    """Return which of the fields is the title, in lower case; empty for none."""
    known = {name.lower() for name in names}
    return next((name for name in _TITLES if name in known), "")


def read_header(text: str) -> Header | None:
    """Return the header block, or None where the text does not begin with one."""
    fenced = _FENCED.match(text[:_MOST_CHARACTERS])
    if fenced:
        fields, values = _fields(fenced[1].splitlines(), strict=False), _yaml(fenced[1])
        if not (fields or values):
            return None
        return Header(fields=fields, start=0, end=fenced.end(), values=values)
    lines, start, end = _first_block(text)
    fields = _fields(lines, strict=True)
    # one line such as `Note: this is old` may well be prose
    if len(fields) > 1 or (fields and fields[0][0].lower() in _TITLES):
        return Header(fields=fields, start=start, end=end)
    return None


_ALIAS = re.compile(r"(?:^|[\s\[,:-])[&*][\w-]", re.MULTILINE)


def _yaml(block: str) -> dict[str, Any]:
    """Return the values of a block of YAML; none if it cannot be read, or not safely."""
    if _ALIAS.search(block):
        return {}
    yaml = import_module("yaml")
    try:
        node = yaml.compose(block, yaml.BaseLoader)
        return _mapping(node) if node is not None and node.id == "mapping" else {}
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return {}


def _mapping(node: Any) -> dict[str, Any]:
    return {key.value: _value(value) for key, value in node.value if key.id == "scalar"}


def _value(node: Any) -> Any:
    """Return what a node of YAML holds. Its tag counts for nothing: text makes no objects here."""
    if node.id == "mapping":
        return _mapping(node)
    if node.id == "sequence":
        return [item.value if item.id == "scalar" else _value(item) for item in node.value]
    return node.value if node.style else as_written(node.value)  # style: quotes, or a block


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

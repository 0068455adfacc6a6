"""Filling a tool's arguments from the words of a task, by type.

Only what the schema requires is filled. A value that the task does not hold is not made up: then
there is no call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bottega.messages import Json
from bottega_plugins.models.embedded.arithmetic import expression_in
from bottega_plugins.models.embedded.schema import DEEPEST, Root, fits, is_list, is_object, resolved
from bottega_plugins.models.embedded.spans import Spans, Wanted
from bottega_plugins.models.embedded.words import fold, shown, stem, words

_EXPRESSION = re.compile(r"\b(?:expression|formula|equation|arithmetic|calculation|sum)\b", re.I)
_WHOLE = re.compile(
    r"\b(?:query|question|task|text|prompt|input|search|message|request|instructions?|sentence|"
    r"content|look for|find out)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]]", re.IGNORECASE)
_ADDRESS_NAME = re.compile(r"(?:^|_)(?:url|uri)$", re.IGNORECASE)
_LONGEST_ITEM = 80
_LONGEST_NUMBER = 30
_NO = re.compile(r"\b(?:no|not|false|off|disable|disabled|without)\b", re.IGNORECASE)


def fill(parameters: Mapping[str, Json], task: str) -> dict[str, Json] | None:
    """Return arguments that satisfy the schema, or None where the task does not give them."""
    source = _Source(shown(task), Root(parameters))
    for value in source.values(parameters, "", 0):
        if is_object(value) and fits(parameters, value):
            return dict(value)
    return None


@dataclass
class _Source:
    """The task that values are taken from. No number or name is used for two arguments."""

    task: str
    root: Root

    def __post_init__(self) -> None:
        self._spans = Spans(self.task)
        self._others: tuple[Wanted, ...] = ()

    def values(self, schema: Json, name: str, depth: int) -> Iterator[Json]:
        """Yield values that may fit the schema, the likeliest first."""
        schema = resolved(schema, self.root)
        if not is_object(schema) or depth > DEEPEST or not self.root.step():
            return
        if "const" in schema:
            yield schema["const"]
            return
        options = schema.get("enum")
        if is_list(options):
            yield from self._named(options)
            return
        for keyword in ("anyOf", "oneOf", "allOf"):
            branches = schema.get(keyword)
            for branch in branches if is_list(branches) else ():
                yield from self.values(branch, name, depth + 1)
        yield from self._typed(schema, name, depth)

    def _typed(self, schema: Mapping[str, Json], name: str, depth: int) -> Iterator[Json]:
        given = schema.get("type")
        kinds: list[Json] = given if is_list(given) else [given]
        for kind in kinds:
            if kind == "object":
                yield from self._objects(schema, depth)
            elif kind == "array":
                yield from self._arrays(schema, name, depth)
            elif kind == "string":
                yield from self._strings(schema, name)
            elif kind in ("integer", "number"):
                yield from self._numbers(schema, name, whole=kind == "integer")
            elif kind == "boolean":
                yield from self._booleans(name)

    def _objects(self, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not is_object(properties) or not is_list(required):
            return
        made: dict[str, Json] = {}
        names = [name for name in required if isinstance(name, str)]
        for name in names:
            inner = properties.get(name)
            self._others = tuple(_wanted(properties.get(n), n) for n in names if n != name)
            value = self._first(inner, name, depth + 1)
            if value is _NOTHING:
                return
            made[name] = value
        yield made

    def _first(self, schema: Json, name: str, depth: int) -> Json:
        for value in self.values(schema, name, depth):
            if fits(schema, value, self.root):
                return value
        return _NOTHING

    def _arrays(self, schema: Mapping[str, Json], name: str, depth: int) -> Iterator[Json]:
        items = schema.get("items", {"type": "string"})
        found: list[Json] = []
        for value in self.values(items, name, depth + 1):
            if fits(items, value, self.root) and value not in found and not _is_long(value):
                found.append(value)
        if found:
            yield found[: _most(schema)]
            yield found[:1]

    def _strings(self, schema: Mapping[str, Json], name: str) -> Iterator[str]:
        told = f"{name.replace('_', ' ')} {_text(schema.get('description'))}"
        expression = expression_in(self.task)
        if _EXPRESSION.search(told):
            yield from [expression] if expression else []
            return
        if _ADDRESS_NAME.search(name) or schema.get("format") == "uri":
            yield from _ADDRESS.findall(self.task)
        meant = name.replace("_", " ") if self._others else told
        if _WHOLE.search(meant) and self.task:
            yield self.task
        yield from self._labelled(name)
        yield from self._spans.texts(_wanted(schema, name), self._others)

    def _labelled(self, name: str) -> Iterator[str]:
        """Find `city: Paris`, `city=Paris` and `city "Paris"`."""
        label = re.escape(name.replace("_", " "))
        match = re.search(rf"\b{label}\s*[:=]?\s*[\"']?([\w.@/-]+)", self.task, re.IGNORECASE)
        if match and re.search(r"[:=\"']", match[0]):
            yield match[1]

    def _numbers(self, schema: Mapping[str, Json], name: str, *, whole: bool) -> Iterator[Json]:
        for text in self._spans.numbers(_wanted(schema, name), self._others):
            digits = text.replace(",", "")
            if len(digits) <= _LONGEST_NUMBER and "." not in digits:
                yield int(digits)
            elif not whole and len(digits) <= _LONGEST_NUMBER:
                yield float(digits)

    def _booleans(self, name: str) -> Iterator[bool]:
        said = {stem(word) for word in words(self.task)}
        if not said & {stem(word) for word in words(name.replace("_", " "))}:
            return
        yield _NO.search(self.task) is None

    def _named(self, options: list[Json]) -> Iterator[Json]:
        """Yield the options that the task says, the longest first."""
        text = f" {' '.join(words(self.task))} "
        said = [o for o in options if isinstance(o, str | int) and f" {_said(o)} " in text]
        yield from sorted(said, key=lambda option: -len(str(option)))


_NOTHING: Json = object()


def _said(option: Json) -> str:
    return " ".join(words(fold(str(option)))) or "\0"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _is_long(value: Json) -> bool:
    return isinstance(value, str) and len(value) > _LONGEST_ITEM


def _wanted(schema: Json, name: str) -> Wanted:
    return Wanted.of(name, _text(schema.get("description")) if is_object(schema) else "")


def _most(schema: Mapping[str, Json]) -> int:
    most = schema.get("maxItems")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 20

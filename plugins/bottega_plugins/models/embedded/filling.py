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
from bottega_plugins.models.embedded.question import quoted_spans
from bottega_plugins.models.embedded.schema import DEEPEST, Root, fits, is_list, is_object, resolved
from bottega_plugins.models.embedded.words import fold, shown, stem, words

_EXPRESSION = re.compile(r"\b(?:expression|formula|equation|arithmetic|calculation|sum)\b", re.I)
_WHOLE = re.compile(
    r"\b(?:query|question|task|text|prompt|input|search|message|request|instructions?|sentence|"
    r"content|look for|find out)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?![\w])(?!\.\d)")
_NAME = re.compile(r"\b[A-Z][\w'.-]*(?:(?: (?:of|de|van|von|der|the))* [A-Z0-9][\w'.-]*)*")
_AFTER = re.compile(
    r"\b(?:in|at|from|to|for|of|on|by|with)\s+([A-Za-z][\w'.-]*(?: [A-Z][\w'.-]*)*)"
)
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
        self._used: set[tuple[int, int]] = set()

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
                yield from self._numbers(whole=kind == "integer")
            elif kind == "boolean":
                yield from self._booleans(name)

    def _objects(self, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not is_object(properties) or not is_list(required):
            return
        made: dict[str, Json] = {}
        for name in required:
            inner = properties.get(name) if isinstance(name, str) else None
            value = self._first(inner, str(name), depth + 1)
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
        if _WHOLE.search(told) and self.task:
            yield self.task
        yield from self._labelled(name)
        for start, end in quoted_spans(self.task):
            if self._take(start, end):
                yield self.task[start + 1 : end - 1]
        for pattern, group in ((_AFTER, 1), (_NAME, 0)):
            for match in pattern.finditer(self.task, 1):
                if self._take(match.start(group), match.end(group)):
                    yield match[group].rstrip(".,")

    def _labelled(self, name: str) -> Iterator[str]:
        """Find `city: Paris`, `city=Paris` and `city "Paris"`."""
        label = re.escape(name.replace("_", " "))
        match = re.search(rf"\b{label}\s*[:=]?\s*[\"']?([\w.@/-]+)", self.task, re.IGNORECASE)
        if match and re.search(r"[:=\"']", match[0]):
            yield match[1]

    def _numbers(self, *, whole: bool) -> Iterator[Json]:
        for match in _NUMBER.finditer(self.task):
            if not self._take(*match.span()):
                continue
            digits = match[0].replace(",", "")
            if len(digits) <= 30 and "." not in digits:
                yield int(digits)
            elif not whole and len(digits) <= 30:
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

    def _take(self, start: int, end: int) -> bool:
        """Mark a span as used; False where it was used before."""
        if any(a < end and start < b for a, b in self._used):
            return False
        self._used.add((start, end))
        return True


_NOTHING: Json = object()


def _said(option: Json) -> str:
    return " ".join(words(fold(str(option)))) or "\0"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _is_long(value: Json) -> bool:
    return isinstance(value, str) and len(value) > _LONGEST_ITEM


_LONGEST_ITEM = 80


def _most(schema: Mapping[str, Json]) -> int:
    most = schema.get("maxItems")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 20

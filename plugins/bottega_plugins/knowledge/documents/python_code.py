"""Python: functions, classes and methods, found by `ast`; the text stays as it is written.

Small neighbours share a section, and so a passage; a long function has a section of its own.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bottega_plugins.knowledge.documents.parsed import Parsed, Section
from bottega_plugins.knowledge.documents.source_code import parse_code

_LINE_END = re.compile(r"\r\n?|\n")
_LONG = 1_200
"""Characters of a function that are worth a section."""
_SMALL_CLASS = 1_600
"""A class of fewer characters is kept together."""
_LONGEST_NAME = 200
_MOST = 1_000_000
"""Characters; a syntax tree takes a hundred times as much."""
_warnings = threading.Lock()

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """A stretch of a file that begins with a definition, or with other statements."""

    above: tuple[str, ...]
    """The class that it is in."""
    name: str
    """Qualified; empty for other statements."""
    start: int
    end: int
    decorators: tuple[str, ...] = ()

    @property
    def heading(self) -> tuple[str, ...]:
        if self.name and self.end - self.start >= _LONG:
            return (*self.above, self.name.rpartition(".")[2])
        return self.above


def parse_python(text: str) -> Parsed:
    """Read a module; as any code where it is no Python, or very long."""
    tree = _tree(text)
    if tree is None:
        return parse_code(text, ".py")
    file = _File(text)
    units = list(file.units(tree.body, "", (), (0, len(text))))
    doc = ast.get_docstring(tree) or ""
    sections = [_section(group) for group in _grouped(units)]
    summary = doc.strip().partition("\n")[0].strip()[:200]
    metadata = {"language": "python"} | ({"summary": summary} if summary else {})
    return Parsed(format="python", text=text, sections=sections, metadata=metadata)


def _tree(text: str) -> ast.Module | None:
    if len(text) > _MOST:
        return None
    try:
        with _warnings, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file's odd escapes are not the reader's business
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _grouped(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    for _, group in groupby(units, key=lambda unit: unit.heading):
        yield list(group)


def _section(group: Sequence[_Unit]) -> Section:
    first = group[0]
    named = [unit for unit in group if unit.name]
    return Section(
        heading=first.heading,
        start=first.start,
        end=group[-1].end,
        breaks=[unit.start for unit in group],
        items={
            "function": [(unit.name,) if unit.name else () for unit in group],
            "decorator": [unit.decorators for unit in group],
        }
        if named
        else {},
        metadata={"class": ".".join(first.above)} if first.above else {},
    )


class _File:
    """A module's text, cut at its definitions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]

    def units(
        self, body: Sequence[ast.stmt], prefix: str, above: tuple[str, ...], span: tuple[int, int]
    ) -> Iterator[_Unit]:
        """Yield what a module or a class consists of, without a gap."""
        position, end = span
        definitions = [node for node in body if isinstance(node, _DEFINITIONS)]
        starts = [max(position, self._start(node)) for node in definitions]
        first = starts[0] if starts else end
        if first > position:
            yield _Unit(above=above, name="", start=position, end=first)
        for index, node in enumerate(definitions):
            start = max(first, starts[index])
            stop = starts[index + 1] if index + 1 < len(starts) else end
            close = min(stop, max(start, self._lines[node.end_lineno or node.lineno]))
            rest = self._text[close:stop].strip()
            yield from self._unit(node, prefix, above, (start, close if rest else stop))
            if rest:
                yield _Unit(above=above, name="", start=close, end=stop)

    def _unit(
        self, node: _Definition, prefix: str, above: tuple[str, ...], span: tuple[int, int]
    ) -> Iterator[_Unit]:
        name = f"{prefix}{node.name}"[:_LONGEST_NAME]
        if isinstance(node, ast.ClassDef) and len(above) < 20:
            inside = (*above, node.name[:_LONGEST_NAME])
            if span[1] - span[0] > _SMALL_CLASS:
                yield from self.units(node.body, f"{name}.", inside, span)
            else:
                yield from self._small_class(node, name, inside, span)
            return
        decorators = tuple(_name(item) for item in node.decorator_list)
        yield _Unit(above=above, name=name, start=span[0], end=span[1], decorators=decorators)

    def _small_class(
        self, node: ast.ClassDef, name: str, inside: tuple[str, ...], span: tuple[int, int]
    ) -> Iterator[_Unit]:
        methods = [item for item in node.body if isinstance(item, _DEFINITIONS)]
        starts = [max(span[0], self._start(item)) for item in methods]
        ends = [*starts, span[1]]
        yield _Unit(above=inside, name="", start=span[0], end=ends[0])
        for method, start, end in zip(methods, starts, ends[1:], strict=True):
            decorators = tuple(_name(item) for item in method.decorator_list)
            yield _Unit(
                above=inside,
                name=f"{name}.{method.name}"[:_LONGEST_NAME],
                start=start,
                end=end,
                decorators=decorators,
            )

    def _start(self, node: _Definition) -> int:
        """Return where a definition begins, with its decorators and the comments above."""
        line = min([node.lineno, *(item.lineno for item in node.decorator_list)]) - 1
        while line > 0 and self._line(line - 1).startswith("#"):
            line -= 1
        return self._lines[line]

    def _line(self, number: int) -> str:
        start = self._lines[number]
        return self._text[start : min(self._lines[number + 1], start + 200)].lstrip()


def _name(decorator: ast.expr) -> str:
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    parts: list[str] = []
    while isinstance(decorator, ast.Attribute):
        parts.append(decorator.attr)
        decorator = decorator.value
    parts.append(decorator.id if isinstance(decorator, ast.Name) else "")
    return ".".join(part for part in reversed(parts) if part)[:_LONGEST_NAME]

"""A YAML file as a tree in which every key and value knows its place.

Built over the parser's event stream with a stack of its own: no constructors, no recursion, nothing
expanded. What could make a small file large or run code (tags, anchors, aliases, merge keys) is
refused, as is what hides a mistake (duplicate keys). What the keys mean is the reader's business.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import yaml

from bottega.spec.findings import Findings, clip
from bottega.spec.model import Mark
from bottega.spec.scalar import Value, resolve
from bottega.spec.syntax import explain

MOST_DEPTH = 32
MOST_NODES = 20_000

_LOADER = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """One word or text."""

    value: Value
    text: str
    """As it was written, without quotes."""
    mark: Mark
    quoted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One key with its value. A key is always text, whatever it looks like."""

    key: str
    mark: Mark
    value: Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A mapping; keys are unique and in the order of the file."""

    entries: tuple[Entry, ...]
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Where something stood that is already among the findings."""

    mark: Mark


Node = Scalar | Items | Table | Refused


def read_document(text: str, findings: Findings) -> Table | None:
    """Return the file's root mapping, or None when there is no use in reading on.

    Whatever is wrong is added to the findings; nothing is raised.
    """
    builder = _Builder(findings=findings)
    try:
        with closing(_events(text)) as events:
            root = builder.build(events)
    except yaml.YAMLError as error:
        findings.add(*explain(error, text))
        return None
    except _Stop:
        return None
    return _root_table(root, findings)


def _events(text: str) -> Generator[yaml.Event, None, None]:
    # closing the generator frees the parser; the stubs only promise an iterator
    return cast("Generator[yaml.Event, None, None]", yaml.parse(text, Loader=_LOADER))


def _root_table(root: Node | None, findings: Findings) -> Table | None:
    if isinstance(root, Table) or root is None:
        if root is None or not root.entries:
            findings.add(Mark(), "the file is empty", "a graph needs nodes and edges")
        return root
    if isinstance(root, Scalar) and root.value is None and not root.quoted:
        findings.add(Mark(), "the file is empty", "a graph needs nodes and edges")
    elif not isinstance(root, Refused):
        got = "a list" if isinstance(root, Items) else f"the text {clip(root.text)}"
        findings.add(root.mark, f"a graph file is a mapping, not {got}", "begin with `nodes:`")
    return None


class _Stop(Exception):
    """Reading on would cost more than it can tell; the reason is among the findings."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is not yet closed."""

    mark: Mark
    is_table: bool
    refused: bool = False
    items: list[Node] = field(default_factory=list[Node])
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    key: Node | None = None


@dataclass(slots=True)
class _Builder:
    """Put events together to a tree."""

    findings: Findings
    _stack: list[_Frame] = field(default_factory=list[_Frame])
    _root: Node | None = None
    _nodes: int = 0
    _documents: int = 0
    _anchors: int = 0

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._begin_document(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.NodeEvent):
                self._take(event)
        return self._root

    def _begin_document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(_mark(event), "a second document begins here", "one graph per file")

    def _take(self, event: yaml.NodeEvent) -> None:
        mark = _mark(event)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(mark, f"the file has more than {MOST_NODES:,} values", "cut it down")
        refused = self._refuse(event, mark)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._stack) >= MOST_DEPTH:
                self._stop(mark, f"nested deeper than {MOST_DEPTH} levels", "flatten the file")
            is_table = isinstance(event, yaml.MappingStartEvent)
            self._stack.append(_Frame(mark=mark, is_table=is_table, refused=refused))
        elif refused or not isinstance(event, yaml.ScalarEvent):
            self._put(Refused(mark=mark))
        else:
            self._put(self._scalar(event, mark))

    def _refuse(self, event: yaml.NodeEvent, mark: Mark) -> bool:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            if not self._anchors:
                message = f"anchors and aliases are not read: {clip(sign + str(event.anchor))}"
                self.findings.add(mark, message, "write the value out, or quote the text")
            self._anchors += 1
            return isinstance(event, yaml.AliasEvent)
        tag = getattr(event, "tag", None)
        if tag is None:
            return False
        message = f"tags are not read: {clip(_short_tag(str(tag)))}"
        self.findings.add(mark, message, _tag_hint(str(tag)))
        return True

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Node:
        text = str(event.value)
        plain = bool(event.implicit[0])
        value = resolve(text) if plain else text
        if isinstance(value, float) and not math.isfinite(value):
            self.findings.add(
                mark, f"{clip(text)} is not a finite number", "write a number, or quote the text"
            )
            return Refused(mark=mark)
        return Scalar(value=value, text=text, mark=mark, quoted=not plain)

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.refused:
            self._put(Refused(mark=frame.mark))
        elif frame.is_table:
            self._put(Table(entries=tuple(frame.entries.values()), mark=frame.mark))
        else:
            self._put(Items(items=tuple(frame.items), mark=frame.mark))

    def _put(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if not frame.is_table:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self._put_entry(frame, frame.key, node)
            frame.key = None

    def _put_entry(self, frame: _Frame, key: Node, value: Node) -> None:
        if isinstance(key, Refused):
            return
        if not isinstance(key, Scalar):
            self.findings.add(key.mark, "a key must be text", _KEY_HINT)
            frame.refused = True
        elif key.text == "<<" and not key.quoted:
            self.findings.add(key.mark, "merge keys are not read: '<<'", "write the values out")
        elif not key.text.strip():
            self.findings.add(key.mark, "a key is empty", "write a name before the colon")
        elif key.text in frame.entries:
            first = frame.entries[key.text].mark.line
            message = f"the key {clip(key.text)} stands here a second time"
            self.findings.add(key.mark, message, f"it stands first on line {first}")
        else:
            frame.entries[key.text] = Entry(key=key.text, mark=key.mark, value=value)

    def _stop(self, mark: Mark, message: str, hint: str) -> None:
        self.findings.add(mark, message, hint, always=True)
        raise _Stop


_KEY_HINT = "put text that begins with '{' or '[' in quotes; nothing is expanded in it"


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _tag_hint(tag: str) -> str:
    if tag.startswith("!include"):
        return "a graph is one file: nothing is included"
    return "a graph holds plain values only; quote text that begins with '!'"


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    assert start is not None  # events of a parser have marks; those made by hand need not
    return Mark(line=start.line + 1, column=start.column + 1)

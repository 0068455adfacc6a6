"""One value of the tree as the type that its field wants; whatever else it is becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bottega.messages import Json
from bottega.spec.document import Entry, Items, Node, Refused, Scalar, Table
from bottega.spec.findings import Findings, clip
from bottega.spec.model import Mark, Reference
from bottega.spec.scalar import resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Which numbers a field takes."""

    least: float
    most: float
    whole: bool = True

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.least:,g} to {self.most:,.12g}"

    def holds(self, value: float) -> bool:
        """Say whether the number may stand there; NaN may not."""
        return self.least <= value <= self.most


def describe(node: Node) -> str:
    """Say what stands there, for "expected a name, got ..."."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Scalar):
        return _describe_scalar(node)
    return "something that is not read"


def _describe_scalar(node: Scalar) -> str:
    if isinstance(node.value, str):
        return f"the text {clip(node.text)}"
    if node.value is None:
        return "nothing"
    return f"{node.text}" if isinstance(node.value, bool) else f"the number {node.text}"


def plain(node: Node) -> Json:
    """Return the value without its place. The tree's depth is bounded, so recursion is."""
    if isinstance(node, Table):
        return {entry.key: plain(entry.value) for entry in node.entries}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Take typed values; None means that a finding was added instead."""

    findings: Findings

    def wrong(self, node: Node, what: str, expected: str, hint: str = "") -> None:
        """Note that a value is not what its field wants."""
        if isinstance(node, Refused):
            return
        self.findings.add(node.mark, f"{what}: expected {expected}, got {describe(node)}", hint)

    def table(self, node: Node, what: str, hint: str = "") -> Table | None:
        """Return a mapping."""
        if isinstance(node, Table):
            return node
        self.wrong(node, what, "a mapping", hint or "write `key: value` lines below it")
        return None

    def text(self, node: Node, what: str, expected: str = "text") -> str | None:
        """Return text that is not blank."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
            return node.value
        hint = ""
        if isinstance(node, Scalar):
            is_number = node.value is not None and not isinstance(node.value, str)
            hint = f"quote it: {clip(node.text)}" if is_number else "leave out what is empty"
        self.wrong(node, what, expected, hint)
        return None

    def number(self, node: Node, what: str, allowed: Range) -> float | None:
        """Return a number of the range."""
        value = node.value if isinstance(node, Scalar) else None
        types = int if allowed.whole else int | float
        if isinstance(value, types) and not isinstance(value, bool) and allowed.holds(value):
            return value
        is_quoted = isinstance(value, str) and not isinstance(resolve(value), str | None)
        hint = "write it without quotes" if is_quoted else ""
        self.wrong(node, what, str(allowed), hint)
        return None

    def whole(self, node: Node, what: str, allowed: Range) -> int | None:
        """Return a whole number of the range."""
        value = self.number(node, what, allowed)
        return None if value is None else int(value)

    def items(self, node: Node, what: str, expected: str) -> tuple[Node, ...] | None:
        """Return the items of a list."""
        if isinstance(node, Items):
            return node.items
        hint = f"write `[{node.text}]`" if isinstance(node, Scalar) and node.text else ""
        self.wrong(node, what, f"a list of {expected}", hint or "write `[one, two]`")
        return None

    def texts(self, node: Node, what: str, expected: str) -> tuple[str, ...] | None:
        """Return a list of texts."""
        items = self.items(node, what, f"{expected}s")
        if items is None:
            return None
        found = (self.text(item, what, f"a {expected}") for item in items)
        return tuple(text for text in found if text is not None)

    def fields(self, table: Table, what: str, known: Iterable[str]) -> dict[str, Node]:
        """Return the values of the known keys; each other key is a finding."""
        names = tuple(known)
        for entry in table.entries:
            if entry.key not in names:
                self.unknown(entry, what, names)
        return {entry.key: entry.value for entry in table.entries if entry.key in names}

    def numbers(
        self, fields: Mapping[str, Node], what: str, ranges: Mapping[str, Range]
    ) -> dict[str, Json]:
        """Return the numbers among the fields, each within its own range."""
        found = {
            key: self.number(node, f"{what}.{key}", ranges[key])
            for key, node in fields.items()
            if key in ranges
        }
        return {key: value for key, value in found.items() if value is not None}

    def reference(self, node: Node | None, what: str) -> Reference | None:
        """Return a registered thing's name, with options when it is a mapping of one key."""
        if node is None:
            return None
        if isinstance(node, Table):
            return self._reference_with_options(node, what)
        name = self.text(node, what, "a name")
        if name is None or not self._is_name(name, node.mark, what):
            return None
        return Reference(name=name, mark=node.mark)

    def _reference_with_options(self, node: Table, what: str) -> Reference | None:
        if len(node.entries) != 1:
            got = f"a mapping of {len(node.entries)} keys"
            message = f"{what}: expected a name, or one name with options, got {got}"
            self.findings.add(node.mark, message, "write `{name: {option: value}}`")
            return None
        entry = node.entries[0]
        if not self._is_name(entry.key, entry.mark, what):
            return None
        if isinstance(entry.value, Scalar) and entry.value.value is None:
            return Reference(name=entry.key, mark=entry.mark)
        options = self.table(entry.value, f"options of {entry.key!r}", _OPTIONS_HINT)
        if options is None:
            return None
        marks = {option.key: option.mark for option in options.entries}
        return Reference(name=entry.key, options=plain(options), mark=entry.mark, marks=marks)

    def _is_name(self, name: str, mark: Mark, what: str) -> bool:
        if name.isprintable() and " " not in name and len(name) <= 200:
            return True
        self.findings.add(mark, f"{what}: {clip(name)} is not a name", "names have no spaces")
        return False

    def references(
        self, node: Node | None, what: str, *, with_options: bool = False
    ) -> tuple[Reference, ...] | None:
        """Return a list of registered things; each may stand once.

        `with_options`: once with the same options, as each MCP server is an `mcp` with others.
        """
        items = None if node is None else self.items(node, what, "names")
        if items is None:
            return None
        found: dict[str, Reference] = {}
        for item in items:
            reference = self.reference(item, what)
            if reference is None:
                continue
            key = repr((reference.name, reference.options if with_options else None))
            if key in found:
                first = found[key].mark.line
                message = f"{what}: {reference.name!r} stands here a second time"
                self.findings.add(reference.mark, message, f"it stands first on line {first}")
            found.setdefault(key, reference)
        return tuple(found.values())

    def unknown(self, entry: Entry, what: str, known: Iterable[str]) -> None:
        """Note a key that nothing reads."""
        names = tuple(known)
        close = get_close_matches(entry.key.lower(), names, n=1, cutoff=0.6)
        if entry.key == "include":
            hint = "a graph is one file: nothing is included"
        elif close:
            hint = f"did you mean {close[0]!r}?"
        else:
            hint = f"known: {', '.join(names)}"
        self.findings.add(entry.mark, f"unknown key {clip(entry.key)} in {what}", hint)


_OPTIONS_HINT = "write `{name: {option: value}}`"

"""What a server says that it can do: read page by page, and compared with what was approved.

A server's descriptions go to the model word for word, so a changed one is a changed instruction. A
catalogue can be written down when a person approves it, and told apart from a later one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bottega.errors import ToolError
from bottega.escape import one_line, unhidden

if TYPE_CHECKING:
    from mcp.client.client import Client

    from bottega.messages import Json

MOST_ENTRIES = 500
"""Tools, and prompts, of one server."""
MOST_PAGES = 100
LONGEST_DESCRIPTION = 8_000
"""Characters; what is beyond is cut."""
_HINTS = ("read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint")

Kind = Literal["tool", "prompt"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One tool or prompt, as its server describes it."""

    kind: Kind
    name: str
    description: str
    """Without what cannot be seen."""
    parameters: Mapping[str, Json] = field(default_factory=dict[str, Any])
    hints: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """What the server says of its effects; nobody has checked it."""
    hidden: int = 0
    """Characters that were taken out of its texts because they cannot be seen."""

    @property
    def key(self) -> str:
        """Its name among all that the server has."""
        return self.name if self.kind == "tool" else f"prompt {self.name}"

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def to_json(self) -> dict[str, Json]:
        """Return it as a JSON object."""
        return {
            "kind": self.kind,
            "description": self.description,
            "parameters": dict(self.parameters),
            "hints": dict(self.hints),
            "hidden": self.hidden,
        }

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Json]) -> Entry:
        """Read what `to_json` wrote."""
        return cls(name=name, **{key: data[key] for key in cls.__dataclass_fields__ if key in data})


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Everything that a server offers and Bottega takes."""

    entries: tuple[Entry, ...] = ()
    resources: bool = False
    """Whether there are resources to list and read."""
    server: str = ""
    """Its name and version, as it gives them."""

    def of(self, kind: Kind) -> tuple[Entry, ...]:
        """Return the entries of a kind."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    @property
    def hidden(self) -> int:
        """Characters taken out because they cannot be seen."""
        return sum(entry.hidden for entry in self.entries)

    def changes(self, later: Catalogue) -> tuple[str, ...]:
        """Say what of this is no longer so; what came new is no change of what there was."""
        found = {entry.key: entry for entry in later.entries}
        told: list[str] = []
        for entry in self.entries:
            other = found.get(entry.key)
            if other is None:
                told.append(f"{entry.kind} {entry.name!r} is gone")
            elif other.digest != entry.digest:
                told.append(f"{entry.kind} {entry.name!r}: {_difference(entry, other)}")
        return tuple(told)

    def to_json(self) -> dict[str, Json]:
        """Return it as a JSON object, with the hash of each entry."""
        entries = {
            entry.key: {"name": entry.name, **entry.to_json(), "sha256": entry.digest}
            for entry in self.entries
        }
        return {"server": self.server, "resources": self.resources, "entries": entries}

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Catalogue:
        """Read what `to_json` wrote; an entry that does not fit its hash is one that changed."""
        entries = [
            Entry.from_json(each["name"], {k: v for k, v in each.items() if k != "name"})
            for each in data["entries"].values()
        ]
        return cls(
            entries=tuple(entries), resources=bool(data["resources"]), server=str(data["server"])
        )


async def read_catalogue(client: Client) -> Catalogue:
    """Ask the server for all of it. Raises ToolError where there is too much."""
    can = client.server_capabilities
    entries: list[Entry] = []
    if can.tools is not None:
        entries += [_tool(each) for each in await _pages(client.list_tools, "tools")]
    if can.prompts is not None:
        entries += [_prompt(each) for each in await _pages(client.list_prompts, "prompts")]
    info = client.server_info
    named = f"{info.name} {info.version}" if info else ""
    return Catalogue(
        entries=_distinct(entries),
        resources=can.resources is not None,
        server=one_line(named, 100),
    )


async def _pages(ask: Callable[..., Any], what: str) -> list[Any]:
    cursor: str | None = None
    items: list[Any] = []
    for _ in range(MOST_PAGES):
        page = await ask(cursor=cursor)
        items += getattr(page, what)
        if len(items) > MOST_ENTRIES:
            raise ToolError(f"it lists more than {MOST_ENTRIES} {what}")
        cursor = page.next_cursor
        if not cursor:
            return items
    raise ToolError(f"its list of {what} has more than {MOST_PAGES} pages")


def _tool(tool: Any) -> Entry:
    text, hidden = _shown(tool.description or tool.title or "")
    schema, more = _clean(tool.input_schema)
    hints = {
        name: value
        for name in _HINTS
        if isinstance(value := getattr(tool.annotations, name, None), bool)
    }
    return Entry(
        kind="tool",
        name=tool.name,
        description=text,
        parameters=schema,
        hints=hints,
        hidden=hidden + more,
    )


def _prompt(prompt: Any) -> Entry:
    text, hidden = _shown(prompt.description or prompt.title or "")
    properties: dict[str, Any] = {}
    for argument in prompt.arguments or ():
        about, more = _shown(argument.description or "")
        properties[argument.name] = {"type": "string", "description": about}
        hidden += more
    required = [argument.name for argument in prompt.arguments or () if argument.required]
    schema = {"type": "object", "properties": properties, "required": required}
    return Entry(
        kind="prompt", name=prompt.name, description=text, parameters=schema, hidden=hidden
    )


def _distinct(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.key in found:
            raise ToolError(f"it lists two {entry.kind}s named {one_line(entry.name, 80)!r}")
        found[entry.key] = entry
    return tuple(found.values())


def _shown(text: str) -> tuple[str, int]:
    clean, hidden = unhidden(text)
    if len(clean) > LONGEST_DESCRIPTION:
        clean = clean[:LONGEST_DESCRIPTION] + " [cut]"
    return clean, hidden


def _clean(value: Any) -> tuple[Any, int]:
    """Take out of a schema what cannot be seen, wherever it stands."""
    if isinstance(value, str):
        return unhidden(value)
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        count = 0
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            key, one = unhidden(str(name))  # pyright: ignore[reportUnknownArgumentType]
            made[key], more = _clean(item)
            count += one + more
        return made, count
    if isinstance(value, list):
        items = [_clean(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return [item for item, _ in items], sum(more for _, more in items)
    return value, 0


def _difference(before: Entry, after: Entry) -> str:
    """Show what was approved beside what is said now, near where they part."""
    parts: list[str] = []
    if before.description != after.description:
        old, new = _around(before.description, after.description)
        parts.append(f"its description was {old!r} and is {new!r}")
    if before.parameters != after.parameters:
        old, new = _around(
            json.dumps(before.parameters, sort_keys=True),
            json.dumps(after.parameters, sort_keys=True),
        )
        parts.append(f"its arguments were {old!r} and are {new!r}")
    if before.hints != after.hints:
        parts.append(f"its hints were {dict(before.hints)} and are {dict(after.hints)}")
    if before.hidden != after.hidden:
        parts.append(f"it hides {after.hidden} characters, {before.hidden} before")
    return "; ".join(parts)


def _around(old: str, new: str) -> tuple[str, str]:
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    same = same or min(len(old), len(new))
    start = max(0, same - 30)
    return tuple(  # type: ignore[return-value]  # two in, two out
        ("…" if start else "") + one_line(text[start:], 90) for text in (old, new)
    )

"""Consent: a stranger's plugin gets a permission once a person has said so, and not before.

What was approved stands in `bottega.lock`: the plugin's version, the hash of its files, and of each
tool the permissions and the hash of its schema. When any of it changes the person is asked again.
It is sealed (`seal`): a lock that came with a stranger's project approves nothing.
Bottega's own tools, and what a program makes or registers itself, need no consent. A plugin is
imported before it is asked about: whoever installs one runs its code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bottega.errors import InputError
from bottega.lockfile import Lock
from bottega.plugin.entry import HOME

if TYPE_CHECKING:
    from bottega.messages import Json
    from bottega.plugin.record import Registered
    from bottega.tools import Tool
    from bottega.toolset import Toolset

SECTION = "plugins"
Standing = Literal["approved", "changed", "not yours", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a plugin wants for one of its tools."""

    plugin: str
    distribution: str
    version: str
    hash: str
    tool: str
    permissions: tuple[str, ...]
    schema: str

    @property
    def entry(self) -> dict[str, Json]:
        """What the lock has of the tool."""
        return {"permissions": list(self.permissions), "schema": self.schema}

    @property
    def origin(self) -> dict[str, Json]:
        """What the lock has of the plugin."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "hash": self.hash,
        }

    def __str__(self) -> str:
        who = f"plugin {self.plugin!r} ({self.distribution} {self.version})"
        return f"tool {self.tool!r} of {who} wants {', '.join(self.permissions)}"


class ConsentError(InputError):
    """A person has to approve a plugin's tool before it can be used."""

    def __init__(self, wish: Wish, why: str, lock: Lock) -> None:
        where = "" if lock.file.parent == Path.cwd() else f" --folder {lock.file.parent}"
        hint = f"look at the plugin, then run `bottega plugins approve {wish.plugin}{where}`"
        super().__init__(f"{wish}: {why}", hint=hint)
        self.wish = wish
        self.lock = lock


def consented(made: Any, registered: Registered, folder: Path) -> Any:
    """Return the tool or toolset that was made, with what holds a stranger's.

    Raises ConsentError when a person has to approve it first.
    """
    from bottega.toolset import is_toolset

    if registered.distribution in ("", HOME):
        return made
    lock = Lock.open(folder)
    if is_toolset(made):
        return _Consented(made, registered, lock)
    return _checked(made, registered, lock)


class _Consented:
    """A stranger's toolset; its tools are looked at when they are asked for."""

    def __init__(self, toolset: Toolset, registered: Registered, lock: Lock) -> None:
        self._toolset = toolset
        self._registered = registered
        self._lock = lock
        self.name = toolset.name

    @property
    def tools(self) -> Sequence[Tool]:
        return [_checked(tool, self._registered, self._lock) for tool in self._toolset.tools]

    async def aclose(self) -> None:
        """Let go of the toolset's connections."""
        if hasattr(self._toolset, "aclose"):
            await self._toolset.aclose()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]


def _checked(tool: Tool, registered: Registered, lock: Lock) -> Tool:
    tool.confined = True
    if tool.permissions:
        wish = wish_of(tool, registered)
        why = _objection(wish, lock)
        if why:
            raise ConsentError(wish, why, lock)
    return tool


def wish_of(tool: Tool, registered: Registered) -> Wish:
    """Return what the tool wants, with the hash of the plugin's files as they are."""
    from bottega.plugin.fingerprint import fingerprint

    schema = json.dumps(tool.spec.parameters, sort_keys=True)
    return Wish(
        plugin=registered.plugin,
        distribution=registered.distribution,
        version=registered.version,
        hash=fingerprint(registered.distribution, registered.version),
        tool=tool.spec.name,
        permissions=tuple(sorted(tool.permissions)),
        schema=f"sha256:{hashlib.sha256(schema.encode()).hexdigest()}",
    )


def _objection(wish: Wish, lock: Lock) -> str:
    """Say why the lock does not have the wish; nothing when it does."""
    kept: Any = lock.get(SECTION, wish.plugin)
    if kept is None:
        return "nobody has approved it"
    if not _is_ours(kept, wish.plugin, lock):
        return f"its approval in {lock.file} was not given by you, in this folder, or was changed"
    for key, value in wish.origin.items():
        if kept.get(key) != value:
            was = f" ({kept.get(key)} was approved)" if key == "version" else ""
            return f"its {key if key != 'hash' else 'files'} changed since it was approved{was}"
    known = kept.get("tools", {}).get(wish.tool)
    if known is None:
        return "nobody has approved this tool of it"
    for key, value in wish.entry.items():
        if known.get(key) != value:
            return f"its {key} changed since it was approved"
    return ""


def approve(wishes: Iterable[Wish], lock: Lock) -> None:
    """Write down that a person approves; what was approved of another version is forgotten."""
    from bottega.seal import sealed

    for wish in wishes:
        kept: Any = lock.get(SECTION, wish.plugin)
        same = _is_ours(kept, wish.plugin, lock) and all(
            kept.get(key) == value for key, value in wish.origin.items()
        )
        tools: dict[str, Json] = kept["tools"] if same else {}
        said: dict[str, Json] = {**wish.origin, "tools": {**tools, wish.tool: wish.entry}}
        lock.set(SECTION, wish.plugin, sealed(lock, SECTION, wish.plugin, said))


def _is_ours(kept: Any, plugin: str, lock: Lock) -> bool:
    from bottega.seal import is_sealed

    return is_sealed(lock, SECTION, plugin, kept)


def standing(plugin: str, distribution: str, version: str, lock: Lock) -> Standing:
    """Say how a plugin stands with the lock, for listings."""
    from bottega.plugin.fingerprint import fingerprint

    kept: Any = lock.get(SECTION, plugin)
    if kept is None or distribution in ("", HOME):
        return "none"
    if not _is_ours(kept, plugin, lock):
        return "not yours"
    now = {"distribution": distribution, "version": version}
    now["hash"] = fingerprint(distribution, version)
    return "approved" if all(kept.get(k) == v for k, v in now.items()) else "changed"

"""Permissions: the words in which a tool says what it needs and a node what its tools may use.

    network[:host]        `example.org`, `*.example.org`, `127.0.0.1`, `10.0.0.0/8`, `[::1]:8080`
    files:read[:path]     the file or folder, with all that is in it
    files:write[:path]
    files[:path]          both of them
    process[:program]     `git`, or `/usr/bin/git`

Without a scope all of it is meant. `*.example.org` means the subdomains and not the host itself. A
call may use what its tool declares *and* its node allows. Tools that take a host or a path ask
`ToolContext.allowed`; whoever does not ask is held by `bottega.confinement`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from bottega.errors import InputError, ToolError, suggest
from bottega.host import checked_host, covers_host, plain_host, with_port

WORDS = ("network", "files:read", "files:write", "process")
PATTERN = r"(network|files:read|files:write|process)(:.+)?|files(:[/.~].*)?"
"""The form of a permission, for schemas; `parse` looks closer."""
_BOTH = {"files": ("files:read", "files:write")}


@dataclass(frozen=True, slots=True)
class Permission:
    """One word and its scope."""

    word: str
    """One of `WORDS`."""
    scope: str = ""
    """Which hosts, files or programs; empty for all. Paths are absolute and without links."""

    def covers(self, other: Permission) -> bool:
        """Say whether everything that the other one permits is permitted by this one."""
        if self.word != other.word:
            return False
        if not self.scope or self.scope == other.scope:
            return True
        if not other.scope:
            return False
        if self.word == "network":
            return covers_host(self.scope, other.scope)
        if self.word == "process":
            return "/" not in self.scope and Path(other.scope).name == self.scope
        return other.scope.startswith(self.scope.rstrip("/") + "/")

    def __str__(self) -> str:
        return f"{self.word}:{self.scope}" if self.scope else self.word


@lru_cache(maxsize=256)
def parse(text: str, folder: str = "") -> tuple[Permission, ...]:
    """Return what the text permits; a relative path begins at the folder, or where the process is.

    Raises InputError, with the nearest word, for one that is no permission.
    """
    word, scope = _split(text)
    if word not in (*WORDS, *_BOTH):
        raise InputError(f"{text!r} is not a permission", hint=_nearest(text))
    if word.startswith("files") and scope:
        scope = os.path.realpath(Path(folder, Path(scope).expanduser()))
    elif word == "network" and scope:
        scope = checked_host(text, scope)
    return tuple(Permission(each, scope) for each in _BOTH.get(word, (word,)))


class Permissions:
    """A set of permissions, and the questions that are asked of it."""

    def __init__(self, granted: Iterable[Permission]) -> None:
        self.granted = frozenset(granted)

    @classmethod
    def of(cls, texts: Iterable[str], folder: Path | str = "") -> Permissions:
        """Read the permissions. Raises InputError."""
        return cls(each for text in texts for each in parse(text, str(folder)))

    @classmethod
    def everything(cls) -> Permissions:
        """Return what limits nothing."""
        return _EVERYTHING

    def meet(self, needed: Permissions) -> Permissions:
        """Return what both permit: the narrower scope of each pair."""
        both = [(a, b) for a in self.granted for b in needed.granted]
        narrow = [b if a.covers(b) else a for a, b in both if a.covers(b) or b.covers(a)]
        return Permissions(narrow)

    def missing(self, needed: Permissions) -> tuple[str, ...]:
        """Return the needs of which nothing at all is granted."""
        lacking = [
            need
            for need in needed.granted
            if not any(one.covers(need) or need.covers(one) for one in self.granted)
        ]
        return tuple(sorted(map(str, lacking)))

    def has(self, word: str) -> bool:
        """Say whether any of it is granted, whatever the scope."""
        return any(each.word == word for each in self.granted)

    def scopes(self, word: str) -> tuple[str, ...] | None:
        """Return the scopes that are granted, in order; None for no limits, `()` for nothing."""
        scopes = {each.scope for each in self.granted if each.word == word}
        return None if "" in scopes else tuple(sorted(scopes))

    def host(self, host: str, port: int | None = None) -> bool:
        """Say whether the host, a name or an address, may be spoken to."""
        if self._all_hosts:
            return True
        return self._covers("network", with_port(plain_host(host), port))

    def read(self, path: Path | str) -> bool:
        """Say whether the file or folder may be read; links are followed first."""
        return self._covers("files:read", os.path.realpath(path))

    def write(self, path: Path | str) -> bool:
        """Say whether the file or folder may be made, changed or removed."""
        return self._covers("files:write", os.path.realpath(path))

    def process(self, program: str) -> bool:
        """Say whether the program may be started."""
        return self._covers("process", program)

    def check_host(self, host: str, port: int | None = None) -> None:
        """Raise ToolError unless the host may be spoken to."""
        if not self.host(host, port):
            raise _refusal("network", host, self.scopes("network"))

    def check_read(self, path: Path | str) -> None:
        """Raise ToolError unless the file or folder may be read."""
        if not self.read(path):
            raise _refusal("files:read", str(path), self.scopes("files:read"))

    def check_write(self, path: Path | str) -> None:
        """Raise ToolError unless the file or folder may be written."""
        if not self.write(path):
            raise _refusal("files:write", str(path), self.scopes("files:write"))

    def texts(self) -> list[str]:
        """Return the permissions as they are written, sorted."""
        return sorted(map(str, self.granted))

    @cached_property
    def _all_hosts(self) -> bool:
        return Permission("network") in self.granted

    def _covers(self, word: str, scope: str) -> bool:
        wanted = Permission(word, scope)
        return any(each.covers(wanted) for each in self.granted)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Permissions) and self.granted == other.granted

    def __hash__(self) -> int:
        return hash(self.granted)

    def __repr__(self) -> str:
        return f"Permissions({', '.join(self.texts())})"


_EVERYTHING = Permissions(Permission(word) for word in WORDS)


def absolute(allow: Iterable[str] | None, folder: Path) -> frozenset[str] | None:
    """Return what a node allows with its paths made absolute; None stays None.

    Raises InputError for a word that is no permission.
    """
    return None if allow is None else frozenset(Permissions.of(allow, folder).texts())


def _refusal(word: str, wanted: str, scopes: tuple[str, ...] | None) -> ToolError:
    may = f"only {', '.join(scopes)}" if scopes else "none"
    return ToolError(f"denied: {word} of {wanted!r} is not allowed here", hint=f"allowed: {may}")


def _split(text: str) -> tuple[str, str]:
    """Tell the word from its scope: `files:read:/tmp` is `files:read` and `/tmp`."""
    for word in WORDS:
        if text == word or (text.startswith(f"{word}:") and len(text) > len(word) + 1):
            return word, text[len(word) + 1 :]
    word, colon, scope = text.partition(":")
    if colon and not scope:
        return text, ""
    is_path = scope.startswith(("/", ".", "~"))  # else `files:raed` would be a folder
    return (word, scope) if not scope or is_path else (text, "")


def _nearest(text: str) -> str:
    """Name the word that was probably meant; the scope may stay."""
    for length in (2, 1):
        word = ":".join(text.split(":")[:length])
        hint = suggest(word, WORDS)
        if hint.startswith("did"):
            return hint
    return f"known: {', '.join(WORDS)}; a scope may follow a colon"

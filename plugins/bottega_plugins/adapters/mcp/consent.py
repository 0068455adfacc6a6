"""A person's consent to an MCP server, kept in `bottega.lock`: how it is started, what it offered.

A lock comes with a project, and a project may come from a stranger. What starts programs is
therefore sealed with a key that never leaves the person's own configuration: an approval counts
where it was given, for the person who gave it, and nobody else's counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError, StorageError
from bottega.home import make_private
from bottega.lockfile import Lock
from bottega_plugins.adapters.mcp.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bottega.messages import Json
    from bottega_plugins.adapters.mcp.server import MCPServer

SECTION = "mcp"
_KEY_BYTES = 32


def approve(lock: Lock, server: MCPServer, catalogue: Catalogue) -> None:
    """Write down that a person agrees. Raises InputError and StorageError."""
    said = {"launch": launch(lock, server), **catalogue.to_json()}
    said["approved"] = time.strftime("%Y-%m-%d")
    lock.set(SECTION, server.name, {**said, "seal": _seal(lock, server.name, said)})


def revoke(lock: Lock, name: str) -> bool:
    """Take the consent back; say whether there was any."""
    return lock.remove(SECTION, name)


def approved(lock: Lock, server: MCPServer) -> Catalogue:
    """Return what a person agreed to. Raises InputError, with what to do, where nobody did."""
    name, entry = server.name, lock.get(SECTION, server.name)
    wanted = launch(lock, server)
    hint = "look at what it starts, then: bottega mcp approve GRAPH"
    if entry is None:
        raise InputError(f"the MCP server {name!r} ({told(wanted)}) is not approved", hint=hint)
    if not _is_sealed(lock, name, entry):
        raise InputError(
            f"the approval of the MCP server {name!r} in {lock.file} was not given by you, in this "
            "folder, or was changed since",
            hint=hint,
        )
    if entry["launch"] != wanted:
        raise InputError(
            f"the MCP server {name!r} was approved as {told(entry['launch'])} and is now "
            f"{told(wanted)}",
            hint=hint,
        )
    return Catalogue.from_json(entry)


def state(lock: Lock, name: str) -> str:
    """Say how an entry of the lock stands: `approved`, or `not yours`."""
    return "approved" if _is_sealed(lock, name, lock.get(SECTION, name)) else "not yours"


def launch(lock: Lock, server: MCPServer) -> dict[str, Json]:
    """Return what a person approves: for a program also where, as `server.py` is many files."""
    if server.url:
        return server.launch
    folder = os.path.relpath(server.folder.resolve(), lock.file.parent.resolve())
    return {**server.launch, "folder": folder}


def told(way: Mapping[str, Json]) -> str:
    """Write what is started or reached, and what it gets of ours."""
    if "url" in way:
        more = [f"{name}: {value}" for name, value in way["headers"].items()]
        more += [f"allow {host}" for host in way["allow"]]
        return ", ".join([way["url"], *more])
    command = json.dumps(way["command"], ensure_ascii=False)
    where = "" if way["folder"] == "." else f" in {way['folder']}"
    return command + where + (f" with {', '.join(way['env'])}" if way["env"] else "")


def _is_sealed(lock: Lock, name: str, entry: Json) -> bool:
    if not isinstance(entry, dict):
        return False
    said: dict[str, Json] = {**entry}
    seal = said.pop("seal", None)
    return isinstance(seal, str) and hmac.compare_digest(
        seal.encode("utf-8", "replace"), _seal(lock, name, said).encode()
    )


def _seal(lock: Lock, name: str, said: Mapping[str, Json]) -> str:
    folder = str(lock.file.parent.resolve())
    text = json.dumps([folder, name, said], sort_keys=True, ensure_ascii=True)
    return hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    """Return the person's own key, made at first use. Raises StorageError."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    file = Path(base) / "bottega" / "consent.key"
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be used: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StorageError(f"{file} is damaged", hint="delete it, and approve what you use anew")
    return key


def _make_key(file: Path) -> None:
    """Write a key, whole, unless somebody else was quicker. Raises OSError."""
    new = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    make_private(new)
    try:
        new.write_bytes(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):
            os.link(new, file)
    finally:
        new.unlink()

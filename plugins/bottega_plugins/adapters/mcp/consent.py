"""A person's consent to an MCP server, kept in `bottega.lock`: how it is started, what it offered.

An approval is sealed (`bottega.seal`): one that came with a stranger's project counts for nothing.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.lockfile import Lock
from bottega.seal import is_sealed, sealed
from bottega_plugins.adapters.mcp.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bottega.messages import Json
    from bottega_plugins.adapters.mcp.server import MCPServer

SECTION = "mcp"


def approve(lock: Lock, server: MCPServer, catalogue: Catalogue) -> None:
    """Write down that a person agrees. Raises InputError and StorageError."""
    said = {"launch": launch(lock, server), **catalogue.to_json()}
    said["approved"] = time.strftime("%Y-%m-%d")
    lock.set(SECTION, server.name, sealed(lock, SECTION, server.name, said))


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
    if not is_sealed(lock, SECTION, name, entry):
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
    return "approved" if is_sealed(lock, SECTION, name, lock.get(SECTION, name)) else "not yours"


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

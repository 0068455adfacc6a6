"""The servers that graphs name: made of a tool's options, started only with a person's consent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bottega.lockfile import Lock
from bottega_plugins.adapters.mcp.consent import approved
from bottega_plugins.adapters.mcp.server import MCPServer


def make_approved(folder: Path, options: dict[str, Any]) -> MCPServer:
    """Return the server, held to what was approved. Raises InputError where nobody approved it."""
    server = make_server(folder, options)
    server.approved = approved(Lock.open(folder), server)
    return server


def make_server(folder: Path, options: dict[str, Any]) -> MCPServer:
    """Return the server of a graph in that folder; nothing is started. Raises InputError."""
    return MCPServer(folder=folder, **options)

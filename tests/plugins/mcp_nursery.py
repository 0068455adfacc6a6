"""What tests of MCP share: servers to start, an agent that calls them, what they leave behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bottega import Agent
from bottega.testing import ScriptedModel, call
from bottega_plugins.adapters import MCPServer

SERVERS = Path(__file__).parent / "mcp_servers"


def raw(file: Path | str = "", mode: str = "", **options: Any) -> MCPServer:
    """Return the small server with the tools in the file."""
    return MCPServer(command=raw_command(file, mode), **options)


def raw_command(file: Path | str = "", mode: str = "") -> list[str]:
    return [sys.executable, "-S", str(SERVERS / "raw.py"), str(file), mode]


def described(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    """Return a tool as a server lists it."""
    schema = {"type": "object", "properties": properties}
    return {"name": name, "description": description, "inputSchema": schema}


def observed(server: MCPServer, *wanted: Any) -> list[Any]:
    """Have an agent make the calls, and return its observations."""
    model = ScriptedModel(*wanted, "done")
    result = Agent(model=model, tools=[server]).run("go")
    assert result.status == "done", result.events[-1]
    return [event for event in result.events if event.kind == "observation"]


def contents(server: MCPServer, *names: str) -> list[str]:
    return [event.content for event in observed(server, *(call(name) for name in names))]


def is_alive(pid: int) -> bool:
    """Say whether a process is there, and not only its remains."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False

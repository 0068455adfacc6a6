"""An MCP server as a toolset: a command to start, or a URL, and which of its tools an agent gets.

    files = MCPServer(command=["npx", "-y", "@modelcontextprotocol/server-filesystem", "."])
    agent = Agent(model="openai:gpt-5-mini", tools=[files])

Whoever writes this in Python starts the program knowingly. A graph may come from a stranger: there
the server must have been approved (`bottega mcp approve`), and is held to what was approved.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.addresses import read_url
from bottega.destinations import Allowed
from bottega.errors import InputError, NotInstalledError, ToolError, suggest
from bottega.tool_name import clean_name
from bottega.toolset import Choice
from bottega_plugins.adapters.mcp.background import elsewhere, submit
from bottega_plugins.adapters.mcp.connection import Connection, Way
from bottega_plugins.adapters.mcp.remote_tool import Heard, make_tools

if TYPE_CHECKING:
    from mcp.client.client import Client

    from bottega.messages import Json
    from bottega.tools import Output, Tool
    from bottega_plugins.adapters.mcp.catalogue import Catalogue

PROTOCOLS = ("auto", "legacy")
_ENDS = re.compile(r"(@[\d.]+|\.(py|js|mjs|ts|exe))$")
_ANYONES = ("index", "main", "server", "dist", "build", "src", "bin", "lib", "..", ".")
"""Names of files and folders that say nothing of a server."""


@dataclass(kw_only=True)
class MCPServer:
    """Tools of an MCP server. Raises InputError for a server that cannot be named or reached.

    Source: https://modelcontextprotocol.io/specification
    """

    command: Sequence[str] = ()
    """Program and arguments; no shell reads them. Either this or `url`."""
    url: str = ""
    """A server of streamable HTTP."""
    name: str = ""
    """What messages and `bottega.lock` call it; made of the command or the host if empty."""
    only: Sequence[str] = ()
    """Which of its tools; empty for all."""
    prefix: str = ""
    """Put before the names of its tools, with an underscore."""
    rename: Mapping[str, str] = field(default_factory=dict[str, str])
    """New names by the server's own."""
    env: Sequence[str] = ()
    """Variables that the program gets from our environment; otherwise only PATH, HOME, LANG,
    LC_ALL and TMPDIR."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with each request; `$NAME` is a variable of the environment: `Bearer $TOKEN`."""
    allow: Sequence[str] = ()
    """Hosts that may be reached although they are private: `127.0.0.1:8080`."""
    resources: bool = False
    """Give `list_resources` and `read_resource`, too."""
    prompts: bool = False
    """Give its prompts, too: each a tool `prompt_NAME`."""
    trust_hints: bool = False
    """Believe what the server says of its tools' effects; otherwise each call counts as one that
    must not happen twice."""
    timeout: float = 60.0
    """Seconds a call may take."""
    start_seconds: float = 20.0
    """Seconds until it must be ready."""
    protocol: str = "auto"
    """`auto` asks for the newest; `legacy` is for servers that stumble over the question."""
    folder: Path = field(default_factory=Path.cwd)
    """Where the program runs."""
    approved: Catalogue | None = None
    """What it is held to; None for what it says when it is first reached."""

    def __post_init__(self) -> None:
        if find_spec("mcp") is None:
            raise NotInstalledError("mcp", "mcp")
        if isinstance(self.command, str) or bool(self.command) == bool(self.url):
            both = ", not both" if self.command and self.url else ""
            raise InputError(
                f"an MCP server needs a command or a URL{both}",
                hint="write command: [program, argument, ...], or url: https://...",
            )
        if self.protocol not in PROTOCOLS:
            hint = suggest(self.protocol, PROTOCOLS)
            raise InputError(f"there is no protocol {self.protocol!r} of MCP servers", hint=hint)
        if any("\x00" in part for part in self.command):
            raise InputError("the command of an MCP server holds a NUL character")
        if not self.name:
            self.name = read_url(self.url).host if self.url else _name_of(self.command)
        self._allowed = Allowed.read(self.allow)

    @property
    def launch(self) -> dict[str, Json]:
        """What a person approves: what is started or reached, and what it gets of ours."""
        if self.url:
            return {"url": self.url, "headers": dict(self.headers), "allow": list(self.allow)}
        return {"command": list(self.command), "env": list(self.env)}

    @property
    def permissions(self) -> frozenset[str]:
        """What its tools need."""
        if not self.url:
            return frozenset({f"process:{self.command[0]}"})
        address = read_url(self.url)
        host = f"[{address.host}]" if ":" in address.host else address.host
        return frozenset({f"network:{host}:{address.port}"})

    @cached_property
    def tools(self) -> Sequence[Tool]:
        """Its tools: as approved, else as it tells them now. Raises BottegaError."""
        catalogue = self.approved or self.look()
        choice = Choice(only=self.only, prefix=self.prefix, rename=self.rename)
        return choice.of(make_tools(self, catalogue), f"the MCP server {self.name}")

    def look(self) -> Catalogue:
        """Reach the server and return what it offers now. Raises BottegaError."""

        async def nothing(client: Client) -> Catalogue:
            assert self._connection.catalogue is not None
            return self._connection.catalogue

        return submit(self._connection.use(nothing)).result()

    async def use(self, work: Callable[[Client, Heard], Awaitable[Output]]) -> Output:
        """Do something with the connection; what the server says meanwhile is heard."""
        heard = Heard()

        async def listening(client: Client) -> Output:
            self._connection.listeners.add(heard.add)
            try:
                return await work(client, heard)
            finally:
                self._connection.listeners.discard(heard.add)

        return await elsewhere(self._connection.use(listening))

    async def aclose(self) -> None:
        """End the connection and the program; the next call begins anew."""
        if "_connection" in self.__dict__:
            await elsewhere(self._connection.close())

    def close(self) -> None:
        """Do the same where there is no event loop."""
        submit(self._connection.close(always=True)).result()

    @cached_property
    def _connection(self) -> Connection:
        return Connection(
            self.name,
            self._way,
            self._check,
            protocol=self.protocol,
            start_seconds=self.start_seconds,
        )

    def _way(self) -> Way:
        if self.url:
            return _Reached(self)
        from bottega_plugins.adapters.mcp.program import Program

        return Program(self.command, self.env, self.folder)

    def _check(self, catalogue: Catalogue) -> None:
        """Hold the server to what was approved, or else to what it said first."""
        if self.approved is None:
            self.approved = catalogue
            return
        changes = self.approved.changes(catalogue)
        if changes:
            more = f"; and {len(changes) - 5} more" if len(changes) > 5 else ""
            raise ToolError(
                f"the MCP server {self.name} is not what was approved: "
                f"{'; '.join(changes[:5])}{more}",
                hint="look at the changes, then: bottega mcp approve",
            )


class _Reached:
    """A server at a URL."""

    ended = False

    def __init__(self, server: MCPServer) -> None:
        self._server = server

    def transport(self, over: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
        from contextlib import asynccontextmanager

        from mcp.client.streamable_http import streamable_http_client

        from bottega_plugins.adapters.mcp.guarded import LARGEST_ANSWER, checked_url, make_client

        server = self._server
        allowed = server._allowed  # one of this file's own  # pyright: ignore[reportPrivateUsage]

        @asynccontextmanager
        async def opened() -> AsyncGenerator[Any]:
            url = checked_url(server.url, allowed)
            async with (
                make_client(url, server.headers, allowed) as client,
                streamable_http_client(
                    url, http_client=client, max_sse_event_size=LARGEST_ANSWER
                ) as streams,
            ):
                yield streams

        return opened()

    def ending(self) -> str:
        return "closed the connection"


def _name_of(command: Sequence[str]) -> str:
    """Return `server-files` for `npx -y @scope/server-files .`, `tools` for `python tools.py`."""
    words = [word for word in command[1:] if not word.startswith("-")] or [command[0]]
    parts = [_ENDS.sub("", part) for part in re.split(r"[/\\]", words[0]) if part]
    told = [part for part in parts if part not in _ANYONES] or parts or ["server"]
    return clean_name(told[-1])

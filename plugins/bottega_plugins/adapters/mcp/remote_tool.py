"""Tools that stand for what a server offers: each of its tools, its resources, its prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from bottega.errors import InputError
from bottega.schema_tool import SchemaTool
from bottega.tool_name import clean_name
from bottega.tools import Effects, Output, Tool, ToolContext, tool
from bottega.toolset import renamed
from bottega_plugins.adapters.mcp.content import prompt_output, resource_output, result_output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from mcp.client.client import Client

    from bottega.messages import Json
    from bottega_plugins.adapters.mcp.catalogue import Catalogue, Entry

MOST_PRINTED = 50
"""Lines of progress and logging kept of one call."""
MOST_LISTED = 200
"""Resources, and templates, that are listed."""


class Server(Protocol):
    """What the tools of a server need of it."""

    @property
    def permissions(self) -> frozenset[str]: ...

    @property
    def timeout(self) -> float: ...

    @property
    def only(self) -> Sequence[str]: ...

    @property
    def prompts(self) -> bool: ...

    @property
    def resources(self) -> bool: ...

    @property
    def trust_hints(self) -> bool: ...

    async def use(self, work: Callable[[Client, Heard], Awaitable[Output]]) -> Output: ...


class Heard:
    """What a server says while a call is under way."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Keep a line, while there is room."""
        if len(self.lines) < MOST_PRINTED:
            self.lines.append(line)

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Keep a notice of progress."""
        share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
        self.add(f"progress {share}" + (f": {message[:200]}" if message else ""))


def make_tools(server: Server, catalogue: Catalogue) -> list[Tool]:
    """Return the tools of everything that is in the catalogue and wanted.

    Raises InputError for one whose schema cannot be used, unless it is left out.
    """
    entries = [(_tool, entry, entry.name) for entry in catalogue.of("tool")]
    if server.prompts:
        entries += [(_prompt, entry, f"prompt_{entry.name}") for entry in catalogue.of("prompt")]
    made: list[Tool] = []
    for make, entry, name in entries:
        try:
            made.append(_distinct(make(server, entry), made))
        except InputError as error:
            if server.only and name not in server.only:
                continue
            hint = "leave it out: name the others in `only`"
            raise InputError(f"{entry.kind} {error.message}", hint=hint) from error
    if server.resources and catalogue.resources:
        made += [_distinct(each(server), made) for each in (_list_resources, _read_resource)]
    return made


def _distinct(tool: Tool, others: Sequence[Tool]) -> Tool:
    """Return the tool, renamed where two names come to one: `a.b` and `a_b`."""
    return renamed(tool, clean_name(tool.spec.name, [other.spec.name for other in others]))


def _tool(server: Server, entry: Entry) -> Tool:
    async def call(arguments: dict[str, Json], context: ToolContext) -> Output:
        async def work(client: Client, heard: Heard) -> Output:
            result = await client.call_tool(entry.name, arguments, progress_callback=heard.progress)
            return result_output(result, heard.lines)

        return await server.use(work)

    effects = _effects(entry.hints) if server.trust_hints else "once"
    return _made(server, entry, entry.name, call, effects)


def _prompt(server: Server, entry: Entry) -> Tool:
    async def call(arguments: dict[str, Json], context: ToolContext) -> Output:
        texts = {name: str(value) for name, value in arguments.items()}

        async def work(client: Client, heard: Heard) -> Output:
            return prompt_output(await client.get_prompt(entry.name, texts), heard.lines)

        return await server.use(work)

    return _made(server, entry, f"prompt_{entry.name}", call, "none")


def _made(server: Server, entry: Entry, name: str, call: Any, effects: Effects) -> Tool:
    return SchemaTool(
        name,
        entry.description,
        entry.parameters,
        call,
        effects=effects,
        permissions=server.permissions,
        timeout=server.timeout,
    )


def _list_resources(server: Server) -> Tool:
    @tool(effects="none", permissions=server.permissions, timeout=server.timeout)
    async def list_resources() -> Output:
        """List what the server has to read: addresses, and templates of addresses."""

        async def work(client: Client, heard: Heard) -> Output:
            lines = await _listed(client.list_resources, "resources", "uri")
            lines += await _listed(
                client.list_resource_templates, "resource_templates", "uri_template"
            )
            return Output(content="\n".join(lines) or "nothing")

        return await server.use(work)

    return list_resources


async def _listed(ask: Any, what: str, where: str) -> list[str]:
    from mcp.shared.exceptions import MCPError

    lines: list[str] = []
    cursor: str | None = None
    while len(lines) < MOST_LISTED:
        try:
            page = await ask(cursor=cursor)
        except MCPError:  # a server without templates need not know the question
            break
        for item in getattr(page, what):
            about = f": {item.description[:200]}" if item.description else ""
            lines.append(f"{getattr(item, where)} ({item.name}){about}")
        cursor = page.next_cursor
        if not cursor:
            return lines[:MOST_LISTED]
    return [*lines[:MOST_LISTED], "[there is more]"] if cursor else lines


def _read_resource(server: Server) -> Tool:
    @tool(effects="none", permissions=server.permissions, timeout=server.timeout)
    async def read_resource(uri: str) -> Output:
        """Read something that the server has.

        Args:
            uri: its address, as `list_resources` tells it, or made of a template.
        """

        async def work(client: Client, heard: Heard) -> Output:
            return resource_output(await client.read_resource(uri), heard.lines)

        return await server.use(work)

    return read_resource


def _effects(hints: Mapping[str, bool]) -> Effects:
    """Return what the server's own hints come to; without any, the worst."""
    if hints.get("read_only_hint"):
        return "none"
    return "idempotent" if hints.get("idempotent_hint") else "once"

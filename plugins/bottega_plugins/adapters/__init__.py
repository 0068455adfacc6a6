"""Tools from elsewhere: smolagents, LangChain, MCP; and Bottega tools for them.

Only the offers stand here; what they make is imported when it is made, and so are the names that
programs use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bottega.lazy import lazy_names
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    import click

    from bottega.plugin.context import FactoryContext
    from bottega_plugins.adapters.mcp.server import MCPServer

__all__ = ["MCPServer"]

__getattr__ = lazy_names(__name__, {"MCPServer": "mcp.server"})


def _mcp(  # noqa: PLR0913  # the options of a graph
    context: FactoryContext,
    *,
    command: list[str] | None = None,
    url: str = "",
    name: str = "",
    only: list[str] | None = None,
    prefix: str = "",
    rename: dict[str, str] | None = None,
    env: list[str] | None = None,
    headers: dict[str, str] | None = None,
    allow: list[str] | None = None,
    resources: bool = False,
    prompts: bool = False,
    trust_hints: bool = False,
    timeout: float = 60.0,
    start_seconds: float = 20.0,
    protocol: str = "auto",
) -> MCPServer:
    options = {key: value for key, value in locals().items() if value is not None}
    del options["context"]
    from bottega_plugins.adapters.mcp.offer import make_approved

    return make_approved(context.folder, options)


def _mcp_command(context: FactoryContext) -> click.Command:
    from bottega_plugins.adapters.mcp.command import make_command

    return make_command(context)


@hookimpl
def bottega_tools() -> Iterable[Offer]:
    """Offer tools of other frameworks and protocols."""
    summary = "Tools of an MCP server: a command that was approved, or a URL."
    return [Offer(name="mcp", summary=summary, factory=_mcp, extra="mcp")]


@hookimpl
def bottega_commands() -> Iterable[Offer]:
    """Offer the command that approves MCP servers."""
    summary = "See, approve and revoke the MCP servers of graphs."
    return [Offer(name="mcp", summary=summary, factory=_mcp_command)]

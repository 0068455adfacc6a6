"""Tools from elsewhere: smolagents, LangChain, MCP; and Bottega tools for them.

Only the offers stand here; what they make is imported when it is made, and so are the names that
programs use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bottega.lazy import lazy_names
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    import click

    from bottega.plugin.context import FactoryContext
    from bottega.tools import Tool
    from bottega.toolset import Toolset
    from bottega_plugins.adapters.langchain.incoming import from_langchain
    from bottega_plugins.adapters.langchain.outgoing import to_langchain
    from bottega_plugins.adapters.mcp.server import MCPServer
    from bottega_plugins.adapters.smolagents.incoming import from_smolagents, load_smolagents
    from bottega_plugins.adapters.smolagents.outgoing import to_smolagents

__all__ = [
    "MCPServer",
    "from_langchain",
    "from_smolagents",
    "load_smolagents",
    "to_langchain",
    "to_smolagents",
]

__getattr__ = lazy_names(
    __name__,
    {
        "MCPServer": "mcp.server",
        "from_langchain": "langchain.incoming",
        "from_smolagents": "smolagents.incoming",
        "load_smolagents": "smolagents.incoming",
        "to_langchain": "langchain.outgoing",
        "to_smolagents": "smolagents.outgoing",
    },
)


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


def _smolagents(context: FactoryContext) -> Callable[[Any], Tool | Toolset]:
    from bottega_plugins.adapters.smolagents.incoming import from_smolagents

    return from_smolagents


def _langchain(context: FactoryContext) -> Callable[[Any], Tool | Toolset]:
    from bottega_plugins.adapters.langchain.incoming import from_langchain

    return from_langchain


@hookimpl
def bottega_adapters() -> Iterable[Offer]:
    """Offer what makes tools of other frameworks' tools."""
    return [
        Offer(name="smolagents", summary="Tools of smolagents.", factory=_smolagents),
        Offer(name="langchain_core", summary="Tools of LangChain.", factory=_langchain),
    ]


@hookimpl
def bottega_commands() -> Iterable[Offer]:
    """Offer the command that approves MCP servers."""
    summary = "See, approve and revoke the MCP servers of graphs."
    return [Offer(name="mcp", summary=summary, factory=_mcp_command)]

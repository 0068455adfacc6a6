"""The command `bottega mcp`: which MCP servers may be started, and what they were when approved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_json, show_table
from bottega.errors import InputError, suggest
from bottega.escape import one_line, plain
from bottega.lockfile import Lock
from bottega_plugins.adapters.mcp import consent
from bottega_plugins.adapters.mcp.catalogue import Catalogue

if TYPE_CHECKING:
    from bottega.messages import Json
    from bottega.plugin.context import FactoryContext
    from bottega_plugins.adapters.mcp.server import MCPServer

OFFER = "mcp"
_FOLDER = click.option(
    "--folder", default=".", type=click.Path(path_type=Path), help="Where bottega.lock lies."
)


def make_command(context: FactoryContext) -> click.Command:
    """Return the command."""
    group = click.Group("mcp", help="See, approve and revoke the MCP servers of graphs.")
    for command in (_listing(), _approving(context), _revoking()):
        group.add_command(command)
    return group


def _listing() -> click.Command:
    @click.command("list", help="List the servers that were approved here.")
    @_FOLDER
    @as_json
    def list_(folder: Path, *, as_json: bool) -> None:
        lock = Lock.open(folder)
        found = dict(lock.section(consent.SECTION))
        if as_json:
            show_json({n: {"state": consent.state(lock, n), "lock": e} for n, e in found.items()})
            return
        if not found:
            show("no MCP server is approved here")
            return
        rows = [(name, consent.state(lock, name), *_row(entry)) for name, entry in found.items()]
        show_table(("NAME", "STATE", "TOOLS", "STARTED AS"), rows)

    return list_


def _approving(context: FactoryContext) -> click.Command:
    @click.command("approve", help="Look at the MCP servers that GRAPH names, and approve them.")
    @click.argument("graph", type=click.Path(path_type=Path))
    @click.argument("names", nargs=-1)
    @click.option("--yes", is_flag=True, help="Approve without a question: for scripts.")
    def approve(graph: Path, names: tuple[str, ...], *, yes: bool) -> None:
        servers = _servers(context, graph, names)
        if not servers:
            show(f"{graph} names no MCP server")
        for server in servers:
            _approve(server, Lock.open(server.folder), yes=yes)

    return approve


def _revoking() -> click.Command:
    @click.command("revoke", help="Take back the approval of NAME.")
    @click.argument("name")
    @_FOLDER
    def revoke(name: str, folder: Path) -> None:
        lock = Lock.open(folder)
        known = lock.section(consent.SECTION)
        if not consent.revoke(lock, name):
            raise InputError(f"no MCP server {name!r} is approved here", hint=suggest(name, known))
        show(f"{name} is no longer approved")

    return revoke


def _approve(server: MCPServer, lock: Lock, *, yes: bool) -> None:
    """Ask twice: before the program is started, and when it has said what it offers."""
    show(f"{server.name}: {plain(consent.told(consent.launch(lock, server)))}")
    verb = "reach" if server.url else "start"
    if not _agreed(f"{verb.capitalize()} it to see what it offers?", yes=yes):
        show("not approved")
        return
    server.approved = None
    try:
        catalogue = server.look()
    finally:
        server.close()
    for line in _about(catalogue, _before(lock, server)):
        show(line)
    if not _agreed("Let graphs in this folder use it?", yes=yes):
        show("not approved")
        return
    consent.approve(lock, server, catalogue)
    show(f"approved, written to {lock.file}")


def _row(entry: Json) -> tuple[str, str]:
    try:
        return str(len(entry["entries"])), one_line(consent.told(entry["launch"]), 100)
    except (KeyError, TypeError, AttributeError):  # somebody wrote it by hand
        return "?", "?"


def _before(lock: Lock, server: MCPServer) -> Catalogue | None:
    """Return what an earlier approval says, whoever gave it; it is only shown."""
    entry = lock.get(consent.SECTION, server.name)
    try:
        return None if entry is None else Catalogue.from_json(entry)
    except (KeyError, TypeError, AttributeError):
        return None


def _about(catalogue: Catalogue, before: Catalogue | None) -> list[str]:
    """Show all that a model will read, word for word, and what of it is not as it was."""
    lines: list[str] = []
    for entry in catalogue.entries:
        lines.append(f"  {entry.kind} {one_line(entry.name, 100)}")
        lines += [f"    {plain(line)}" for line in entry.description.splitlines() if line.strip()]
        arguments = entry.parameters.get("properties")
        if arguments:
            lines.append(f"    arguments: {plain(json.dumps(arguments, ensure_ascii=False))}")
        if entry.hidden:
            lines.append(f"    CAREFUL: {entry.hidden} hidden characters were taken out")
    if before is not None:
        known = {entry.key for entry in before.entries}
        lines += [f"  changed: {change}" for change in before.changes(catalogue)]
        added = [entry for entry in catalogue.entries if entry.key not in known]
        lines += [f"  new: {entry.kind} {one_line(entry.name, 100)}" for entry in added]
    return lines


def _agreed(question: str, *, yes: bool) -> bool:
    try:
        return yes or click.confirm(question, default=False, err=True)
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        click.echo(err=True)  # the question stands on a line without an end
        raise InputError(
            "nobody answers, so nothing is approved", hint="ask at a terminal, or say --yes"
        ) from None


def _servers(context: FactoryContext, graph: Path, names: Sequence[str]) -> list[MCPServer]:
    """Return the servers that the graph names, each once. Raises GraphError and InputError."""
    from bottega.plugin.making import check_options
    from bottega.spec.reader import read_graph
    from bottega_plugins.adapters.mcp.offer import make_server

    spec, offered = read_graph(graph), context.plugins.find("tool", OFFER)
    found: dict[str, MCPServer] = {}
    for node in spec.nodes:
        for reference in node.tools:
            if reference.name == OFFER:
                check_options("tool 'mcp'", offered, reference.options)
                server = make_server(spec.folder, dict(reference.options))
                other = found.setdefault(server.name, server)
                if other.launch != server.launch:
                    problem = f"{graph} names two MCP servers {server.name!r}"
                    raise InputError(problem, hint="give one of them another `name`")
    for name in names:
        if name not in found:
            raise InputError(f"{graph} names no MCP server {name!r}", hint=suggest(name, found))
    return [server for name, server in found.items() if not names or name in names]

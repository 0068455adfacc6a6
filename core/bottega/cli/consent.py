"""Asking the person at the terminal whether a stranger's plugin may have what it wants."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bottega.cli.screen import warn
from bottega.consent import ConsentError, Wish, approve, wish_of
from bottega.errors import BottegaError, UnknownNameError
from bottega.escape import plain
from bottega.plugin.context import FactoryContext
from bottega.plugin.making import make_offered, needs_options

if TYPE_CHECKING:
    from bottega.spec.model import Reference

T = TypeVar("T")


def with_consent(make: Callable[[], T]) -> T:
    """Make something; whenever a plugin's tool is not approved, ask, and go on if it is now.

    Raises ConsentError where nobody is at the terminal, or the person says no.
    """
    while True:
        try:
            return make()
        except ConsentError as error:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            click.echo(plain(error.message), err=True)
            if not click.confirm("Approve it?", err=True):
                raise
            approve([error.wish], error.lock)


def wishes_of(name: str, folder: Path, graph: Path | None = None) -> list[Wish]:
    """Return what the tools of the plugin want, those that the graph makes among them.

    Raises UnknownNameError, and GraphError for a graph that cannot be read.
    """
    from bottega.plugin.manager import default_plugins
    from bottega.toolset import is_toolset

    plugins = default_plugins()
    known = [record.name for record in plugins.plugins]
    if name not in known:
        raise UnknownNameError("plugin", name, known)
    uses = _uses(graph) if graph else []
    wishes: list[Wish] = []
    for offered, registered in plugins.offers("tool").items():
        if registered.plugin != name or not registered.distribution:
            continue
        given: list[Mapping[str, Any]] = [
            reference.options for reference in uses if reference.backend == offered
        ]
        if not given and needs_options(registered):
            warn(f"tool {offered!r} is made with options: name a graph that uses it with --graph")
        elif not given:
            given = [{}]
        context = FactoryContext(plugins=plugins, folder=graph.parent if graph else folder)
        for options in given:
            try:
                made = make_offered("tool", registered, context, options)
                tools = made.tools if is_toolset(made) else [made]
            except BottegaError as error:
                warn(f"tool {offered!r} cannot be made: {error}")
                continue
            wishes += [wish_of(tool, registered) for tool in tools if tool.permissions]
    return list(dict.fromkeys(wishes))


def _uses(graph: Path) -> list[Reference]:
    from bottega.spec.reader import read_graph

    return [reference for node in read_graph(graph).nodes for reference in node.tools]

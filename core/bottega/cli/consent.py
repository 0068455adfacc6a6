"""Asking the person at the terminal whether a stranger's plugin may have what it wants."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from bottega.cli.screen import warn
from bottega.consent import ConsentError, Wish, approve, wish_of
from bottega.errors import BottegaError, UnknownNameError
from bottega.escape import plain

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


def wishes_of(name: str, folder: Path) -> list[Wish]:
    """Return what the tools of the plugin want. Raises UnknownNameError."""
    from bottega.plugin.context import FactoryContext
    from bottega.plugin.making import make_offered, needs_options
    from bottega.plugin.manager import default_plugins
    from bottega.toolset import is_toolset

    plugins = default_plugins()
    known = [record.name for record in plugins.plugins]
    if name not in known:
        raise UnknownNameError("plugin", name, known)
    wishes: list[Wish] = []
    for offered, registered in plugins.offers("tool").items():
        if registered.plugin != name or not registered.distribution:
            continue
        if needs_options(registered):
            warn(f"tool {offered!r} is made with options: it is asked about when it is used")
            continue
        context = FactoryContext(plugins=plugins, folder=folder)
        try:
            made = make_offered("tool", registered, context, {})
            tools = made.tools if is_toolset(made) else [made]
        except BottegaError as error:
            warn(f"tool {offered!r} cannot be made: {error}")
            continue
        wishes += [wish_of(tool, registered) for tool in tools if tool.permissions]
    return list(dict.fromkeys(wishes))

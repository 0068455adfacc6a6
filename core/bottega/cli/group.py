"""The command group: commands are offers of plugins, imported only when they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bottega.errors import UnknownNameError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from bottega.plugin.manager import PluginManager


class PluginGroup(click.Group):
    """A group whose commands are what plugins offer under `bottega_commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._plugins().offers("command"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if ctx.resilient_parsing and cmd_name not in self._plugins().offers("command"):
            return None  # a shell asks for completions: no errors there
        from bottega.plugin.context import FactoryContext

        plugins = self._plugins()
        try:
            command = plugins.make("command", cmd_name, FactoryContext(plugins=plugins))
        except UnknownNameError as error:
            raise click.UsageError(f"no such command {cmd_name!r}; {error.hint}", ctx) from error
        assert isinstance(command, click.Command)  # the manager has looked
        _take_debug(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, r.offer.summary) for name, r in self._plugins().offers("command").items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=registered.offer.summary)
            for name, registered in self._plugins().offers("command").items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    @staticmethod
    def _plugins() -> PluginManager:
        from bottega.plugin.manager import default_plugins

        return default_plugins()


def debug_option() -> click.Option:
    """Return the option that shows tracebacks; every command takes it, before or after its name."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
    )


def _take_debug(command: click.Command) -> None:
    """Let the command, and those below it, take `--debug`; `main` reads it from the line itself."""
    taken: Sequence[str] = [opt for param in command.params for opt in param.opts]
    if "--debug" not in taken:
        command.params.append(debug_option())
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _take_debug(child)

"""A tool, a model, a kind of agent and a command: a small plugin with one of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega import Offer, hookimpl

if TYPE_CHECKING:
    import click

    from bottega import Model, Tool
    from bottega.node import NodeKind
    from bottega.plugin.context import FactoryContext

bottega_api = 1


@hookimpl
def bottega_tools() -> list[Offer]:
    """Offer the mirror."""
    return [Offer(name="mirror_text", summary="Turns a text around.", factory=_mirror)]


@hookimpl
def bottega_models() -> list[Offer]:
    """Offer the parrot."""
    return [
        Offer(
            name="parrot",
            summary="Calls its first tool with the task, then says what came back.",
            factory=_parrot,
            details=("not a language model: it repeats", "parrot:NAME is called NAME"),
        )
    ]


@hookimpl
def bottega_agents() -> list[Offer]:
    """Offer the herald."""
    return [Offer(name="herald", summary="Proclaims what was found.", factory=_herald)]


@hookimpl
def bottega_commands() -> list[Offer]:
    """Offer the command."""
    return [Offer(name="atelier", summary="Says that the atelier is open.", factory=_command)]


def _mirror(context: FactoryContext) -> Tool:
    from bottega_atelier.mirror import mirror_text

    return mirror_text


def _parrot(context: FactoryContext) -> Model:
    from bottega_atelier.parrot import Parrot

    return Parrot(context.argument or "parrot")


def _herald(context: FactoryContext, *, greeting: str = "Hear ye") -> NodeKind:
    from bottega_atelier.herald import Herald

    return Herald(greeting=greeting)


def _command(context: FactoryContext) -> click.Command:
    from bottega_atelier.command import atelier

    return atelier

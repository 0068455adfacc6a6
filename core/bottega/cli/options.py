"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar

import click

from bottega.budget import Budget

F = TypeVar("F", bound=Callable[..., Any])


class Running(TypedDict):
    """What the options of a command that runs agents give."""

    model: str | None
    as_json: bool
    quiet: bool
    stream: bool
    thread: str | None
    steps: int | None
    seconds: float | None
    tokens: int | None
    money: float | None
    user: NotRequired[str]


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
quiet = click.option("--quiet", "-q", is_flag=True, help="Print the answer alone.")
model = click.option(
    "--model", help="Model for every agent: embedded, openai:NAME, or any of `bottega models`."
)
stream = click.option(
    "--stream", is_flag=True, help="With --json: each event as a line of JSON as it happens."
)
folder = click.option(
    "--folder",
    default=".",
    type=click.Path(path_type=Path),
    help="Where the graph file lies, unless BOTTEGA_HOME is set.",
)
thread = click.option("--thread", help="Name of a conversation that this run goes on with.")
steps = click.option("--steps", type=int, help="Most steps of all agents together.")
seconds = click.option("--seconds", type=float, help="Most seconds the run may take.")
tokens = click.option("--tokens", type=int, help="Most tokens, in and out.")
money = click.option("--money", type=float, help="Most US dollars; prices must be known.")


def running(command: F) -> F:
    """Add what every command that runs agents takes."""
    for option in (money, tokens, seconds, steps, thread, stream, quiet, as_json, model):
        command = option(command)
    return command


def limits_from(limits: Budget, given: Running) -> Budget:
    """Return the limits with those that the user gave instead. Raises InputError."""
    steps, seconds, tokens, money = (
        given["steps"],
        given["seconds"],
        given["tokens"],
        given["money"],
    )
    return replace(
        limits,
        steps=limits.steps if steps is None else steps,
        seconds=limits.seconds if seconds is None else seconds,
        tokens=limits.tokens if tokens is None else tokens,
        money=limits.money if money is None else money,
    )

"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

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


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
quiet = click.option("--quiet", "-q", is_flag=True, help="Print the answer alone.")
model = click.option(
    "--model", help="Model for every agent: embedded, openai:NAME, or any of `bottega models`."
)
stream = click.option(
    "--stream", is_flag=True, help="With --json: each event as a line of JSON as it happens."
)
thread = click.option("--thread", help="Name of a conversation that this run goes on with.")
steps = click.option("--steps", type=int, help="Most steps of all agents together.")
seconds = click.option("--seconds", type=float, help="Most seconds the run may take.")


def running(command: F) -> F:
    """Add what every command that runs agents takes."""
    for option in (seconds, steps, thread, stream, quiet, as_json, model):
        command = option(command)
    return command


def limits_from(limits: Budget, steps: int | None, seconds: float | None) -> Budget:
    """Return the limits with those that the user gave instead. Raises InputError."""
    return Budget(
        steps=limits.steps if steps is None else steps,
        seconds=limits.seconds if seconds is None else seconds,
        tokens=limits.tokens,
        repeats=limits.repeats,
    )

"""One run on the command line: shown or printed as data, and turned into an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shlex
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import click

from bottega.cli.sigterm import end_on_sigterm
from bottega.errors import ToolError
from bottega.escape import plain
from bottega.events import Event, Failure, RunEnded
from bottega.result import Result
from bottega.runnable import Runnable

EXIT_CODES = {"done": 0, "failed": 1, "budget": 3, "waiting": 3, "cancelled": 130}


@dataclass(frozen=True, kw_only=True)
class Output:
    """What the user wants to see."""

    as_json: bool = False
    """One JSON document, with the events in it; nothing else on standard output."""
    stream: bool = False
    """With `as_json`: each event as a line of JSON as it happens."""
    quiet: bool = False
    """The answer alone."""


INTERRUPTED, TERMINATED = 130, 143


def conduct(
    runnable: Runnable,
    events: AsyncGenerator[Event, None],
    output: Output,
    *,
    kept_in: Path | None = None,
) -> None:
    """Run to the end, show what happens, and exit with the code that says how it ended.

    `kept_in` is the folder in which the run is kept on disk, for one that can be resumed.
    """
    seen: list[Event] = []
    try:
        result = asyncio.run(_follow(runnable, events, output, seen))
    except (KeyboardInterrupt, asyncio.CancelledError) as stopped:
        _say_how_to_go_on(seen, kept_in)
        sys.exit(INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else TERMINATED)
    if output.as_json and not output.stream:
        document = {**result.to_json(), "events": [event.to_json() for event in result.events]}
        click.echo(json.dumps(document, indent=2))
    elif result.status == "waiting":
        _say_how_to_rule(result, kept_in)
    elif not output.as_json and result.answer:
        from bottega.cli.terminal import answer_text

        click.echo(plain(result.answer) if output.quiet else answer_text(result))
    sys.exit(EXIT_CODES[result.status])


def _say_how_to_rule(result: Result, kept_in: Path | None) -> None:
    from bottega.cli.waiting import how_to_rule

    for line in how_to_rule(result.run_id, result.questions, folder_option(kept_in)):
        click.echo(line, err=True)


def folder_option(kept_in: Path | None) -> str:
    """Return the option that names the folder of a run; empty where it is this one."""
    if kept_in is None or kept_in.resolve() == Path.cwd():
        return ""
    return f" --folder {shlex.quote(os.path.relpath(kept_in))}"


def _say_how_to_go_on(seen: list[Event], kept_in: Path | None) -> None:
    if kept_in is None or not seen:
        click.echo("interrupted", err=True)
        return
    where = folder_option(kept_in)
    click.echo(f"interrupted; go on with: bottega resume {seen[0].run_id}{where}", err=True)


async def _follow(
    runnable: Runnable, events: AsyncGenerator[Event, None], output: Output, seen: list[Event]
) -> Result:
    show = _shower(output)
    end_on_sigterm()
    try:
        async with aclosing(events) as stream:
            async for event in stream:
                seen.append(event)
                show(event)
        return Result.from_events(seen)
    finally:
        await runnable.aclose()


def _shower(output: Output) -> Callable[[Event], None]:
    if output.as_json:
        return _print_line if output.stream else _show_nothing
    from rich.console import Console

    from bottega.cli.terminal import Terminal

    terminal = Terminal(Console(stderr=True))
    if not output.quiet:
        return terminal.show
    return lambda event: terminal.show(event) if _is_trouble(event) else None


def _print_line(event: Event) -> None:
    click.echo(event.dumps())


def _show_nothing(event: Event) -> None:
    """Wait for the end."""


def _is_trouble(event: Event) -> bool:
    """Say whether even a quiet user must hear of it: a failure, a limit."""
    if isinstance(event, RunEnded):
        return event.status != "done"
    return isinstance(event, Failure) and event.fatal


_asking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""One lock a loop: there is one terminal, and a lock belongs to the loop that waits for it."""


async def ask_person(question: str) -> str:
    """Put a question on the terminal, one at a time. Raises ToolError when nobody answers.

    What is piped in is read like what somebody types, but nothing is shown where nothing comes.
    """
    async with _asking.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        waits, prompt = _somebody_types(), f"{plain(question)}\n> "
        if waits:
            click.echo(prompt, err=True, nl=False)
        line = await _read_line()
        if line and not waits:
            click.echo(prompt + plain(line.strip()), err=True)
    if not line:
        raise ToolError("nobody is there to answer", hint="go on without, or say what is missing")
    return line.strip()


def _somebody_types() -> bool:
    """Say whether there is somebody to wait for: a terminal, or a pipe with nothing in it yet."""
    if sys.stdin.isatty():
        return True
    try:
        return not select.select([sys.stdin], [], [], 0)[0]
    except (OSError, ValueError):  # no file at all, or a closed one
        return False


async def _read_line() -> str:
    """Wait for a line without a thread, so that Ctrl-C ends the wait at once."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(sys.stdin.fileno(), _wake, ready)
    except (OSError, ValueError):  # a regular file is always ready; a closed one has no number
        return "" if sys.stdin.closed else sys.stdin.readline()
    try:
        await ready
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)

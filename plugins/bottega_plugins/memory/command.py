"""The command `bottega memory`: what is remembered, by whom; its export; its deletion."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_json, show_table
from bottega.escape import one_line
from bottega.memory import Episode, Fact, Memory, export

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext

T = TypeVar("T")
_MEMORY = click.option(
    "--memory",
    "name",
    default="sqlite",
    show_default=True,
    help="Which: sqlite, sqlite:FILE, postgresql, or any other that is installed.",
)
_LIST_LIMIT = 50
_MOST_NAMED = 5
"""Runs that are named on a line."""


def make_command(context: FactoryContext) -> click.Command:
    """Return the command; the memory is opened when it runs."""
    group = click.Group("memory", help="See, export and delete what agents remember.")
    for command in (_listing(context), _exporting(context), _forgetting(context)):
        group.add_command(command)
    return group


def _listing(context: FactoryContext) -> click.Command:
    @click.command("list", help="List facts that hold now, and episodes, the newest first.")
    @click.option("--user", help="Only those of this user.")
    @click.option("--all", "everything", is_flag=True, help="Superseded facts, too.")
    @_MEMORY
    @as_json
    def list_(user: str | None, name: str, *, everything: bool, as_json: bool) -> None:
        async def read(memory: Memory) -> tuple[list[Fact], list[Episode]]:
            facts = [fact for fact in await memory.facts(user) if _wanted(fact, everything)]
            return facts, list(await memory.episodes(user))

        facts, episodes = _with(context, name, read)
        if as_json:
            told = [fact.to_json() for fact in facts]
            show_json({"facts": told, "episodes": [one.to_json() for one in episodes]})
            return
        rows = [_fact_row(fact) for fact in facts] + [_episode_row(one) for one in episodes]
        if not rows:
            show("nothing is remembered")
            return
        newest = sorted(rows, key=lambda row: row[1], reverse=True)
        show_table(("ID", "SINCE", "USER", "KIND", "WHAT"), newest[:_LIST_LIMIT])
        if len(rows) > _LIST_LIMIT:
            show(f"and {len(rows) - _LIST_LIMIT:,} older (--json lists all)")

    return list_


def _exporting(context: FactoryContext) -> click.Command:
    @click.command("export", help="Print all that is remembered of USER, as a JSON document.")
    @click.argument("user")
    @_MEMORY
    def export_(user: str, name: str) -> None:
        show(json.dumps(_with(context, name, lambda memory: export(memory, user)), indent=2))

    return export_


def _forgetting(context: FactoryContext) -> click.Command:
    @click.command("forget", help="Delete all of a user, or one fact or episode: for good.")
    @click.option("--user", help="Whose facts and episodes.")
    @click.option("--id", "entry", help="Which fact (with those it superseded) or run's episode.")
    @click.option(
        "--runs", is_flag=True, help="Remove the user's runs, too, but for those under way."
    )
    @_MEMORY
    @as_json
    def forget(
        user: str | None, entry: str | None, name: str, *, runs: bool, as_json: bool
    ) -> None:
        if runs and not user:
            raise click.UsageError("--runs needs --user NAME")
        count = _with(context, name, lambda memory: memory.forget(user=user, id=entry))
        removed, left = asyncio.run(_runs(context, user, remove=runs)) if user else ((), ())
        if as_json:
            told = {"removed_runs": [*removed], "runs": [*left]} if user else {}
            show_json({"forgotten": count, **told})
            return
        show(f"{count:,} forgotten" + (f"; {len(removed):,} runs removed" if runs else ""))
        if left:
            show(_still_told(user or "", left, removing=runs))

    return forget


async def _runs(
    context: FactoryContext, user: str, *, remove: bool
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the runs of a user that were removed, and those that are there still."""
    from bottega_plugins.memory.said_runs import let_go_of, runs_of

    found = await runs_of(context, user)
    removed = (await let_go_of(context, user)).runs if remove and found else ()
    return removed, await runs_of(context, user) if removed else found


def _still_told(user: str, runs: Sequence[str], *, removing: bool) -> str:
    """Say which runs hold what was said, and how they go."""
    some = ", ".join(runs[:_MOST_NAMED]) + (", ..." if len(runs) > _MOST_NAMED else "")
    many = f"{len(runs):,} of this user's runs"
    if removing:
        return f"{many} not removed, being carried out: {some}"
    command = f"bottega memory forget --user {shlex.quote(user)} --runs"
    return f"{many} left, which tell what was said: {some}\nremove them as well: {command}"


def _with(context: FactoryContext, name: str, use: Callable[[Memory], Awaitable[T]]) -> T:
    """Open the memory, use it, close it."""
    memory: Any = context.make("memory", name)

    async def used() -> T:
        try:
            return await use(memory)
        finally:
            await memory.aclose()

    return asyncio.run(used())


def _wanted(fact: Fact, everything: bool) -> bool:
    return everything or not fact.superseded_by


def _fact_row(fact: Fact) -> tuple[str, str, str, str, str]:
    about = f"{fact.subject}: " if fact.subject else ""
    kind = "superseded" if fact.superseded_by else "fact"
    text = one_line(about + fact.text, 100)
    return fact.id, _when(fact.time), one_line(fact.user, 30), kind, text


def _episode_row(episode: Episode) -> tuple[str, str, str, str, str]:
    text = one_line(f"{episode.status}: {episode.task}", 100)
    return episode.run, _when(episode.time), one_line(episode.user, 30), "episode", text


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

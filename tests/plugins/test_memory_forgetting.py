"""`bottega memory forget --user`: the runs that tell what was said; --runs removes them."""

import asyncio
import json
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result
from memory_team import graph, plugins

from bottega.errors import InputError
from bottega.plugin.context import FactoryContext
from bottega.store import open_register, run_name
from bottega.testing import ScriptedModel, call

WORD = "peanuts-4711"
NOTING = (call("remember", fact=f"Anna is allergic to {WORD}."), f"Noted: {WORD}.")


def said(folder: Path, user: str, *script: object, thread: str | None = None) -> str:
    made, _ = graph(folder, *(script or NOTING), user=user, durable=True)
    return made.run(f"Take a note of {WORD} for {user or 'all'}.", thread=thread).run_id


def forget(folder: Path, *arguments: str) -> Result:
    context = FactoryContext(plugins=plugins(ScriptedModel()), folder=folder)
    return CliRunner().invoke(context.make("command", "memory"), ["forget", *arguments])


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / ".bottega").iterdir() if path.is_file())


def test_what_was_said_in_runs_is_told_and_removed_with_them(tmp_path):
    run_id = said(tmp_path, "anna")
    told = forget(tmp_path, "--user", "anna").output
    assert told.startswith("1 forgotten\n1 of this user's runs left, ")
    assert run_id in told
    assert "bottega memory forget --user anna --runs" in told
    assert WORD.encode() in on_disk(tmp_path)
    assert forget(tmp_path, "--user", "anna", "--runs").output == "0 forgotten; 1 runs removed\n"
    assert WORD.encode() not in on_disk(tmp_path)
    assert forget(tmp_path, "--user", "anna").output == "0 forgotten\n"


def test_runs_of_others_stay(tmp_path):
    others = {said(tmp_path, "bert"), said(tmp_path, "")}
    mine = said(tmp_path, "anna", thread="talk")
    document = json.loads(forget(tmp_path, "--user", "anna", "--runs", "--json").output)
    assert document == {"forgotten": 1, "removed_runs": [mine], "runs": []}

    async def known() -> set[str]:
        async with open_register(tmp_path / ".bottega/bottega.db") as store:
            return {run.run_id for run in await store.register.list(100)}

    assert asyncio.run(known()) == others


def test_a_run_that_waits_goes_too(tmp_path):
    waiting = said(tmp_path, "anna", call("ask_user", question=f"How many {WORD}?"))
    document = json.loads(forget(tmp_path, "--user", "anna", "--runs", "--json").output)
    assert document["removed_runs"] == [waiting]
    assert WORD.encode() not in on_disk(tmp_path)


def test_a_run_under_way_stays_and_is_told(tmp_path):
    run_id = said(tmp_path, "anna")

    async def held() -> Result:
        async with (
            open_register(tmp_path / ".bottega/bottega.db") as store,
            store.hold(run_name(run_id), InputError("busy")),
        ):
            return await asyncio.to_thread(forget, tmp_path, "--user", "anna", "--runs")

    told = asyncio.run(held()).output
    assert told.startswith("1 forgotten; 0 runs removed\n1 of this user's runs not removed")
    assert run_id in told


def test_runs_are_those_of_a_user(tmp_path):
    result = forget(tmp_path, "--id", "x", "--runs")
    assert result.exit_code == UsageError.exit_code
    assert "--runs needs --user NAME" in result.output


@pytest.mark.parametrize("arguments", [(), ("--runs",)])
def test_where_nothing_ran_no_store_is_made(tmp_path, arguments):
    assert forget(tmp_path, "--user", "anna", *arguments).exit_code == 0
    assert not (tmp_path / ".bottega/bottega.db").exists()

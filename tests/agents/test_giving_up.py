"""Runs that nobody will go on with: given up one by one, or pruned by their age."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from test_waiting_commands import held_elsewhere

from bottega.cli.main import bottega
from bottega.errors import BusyError, InputError

GRAPH = """
name: sums
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""


def command(*arguments):
    return CliRunner().invoke(bottega, arguments)


def listed():
    return {run["run_id"]: run for run in json.loads(command("runs", "--json").stdout)}


def break_off(run_id, status="interrupted"):
    """Leave the run as a process leaves it that is told to end, or is killed (`running`)."""
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        connection.execute(
            "UPDATE bottega_runs SET status = ? WHERE run_id = ?",
            (status, run_id),
        )


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.yaml").write_text(GRAPH, "utf-8")
    return tmp_path


@pytest.fixture
def run_id(home):
    """A run that was broken off."""
    found = json.loads(command("run", "sums.yaml", "What is 6 * 7?", "--json").stdout)["run_id"]
    break_off(found)
    return found


def test_a_run_that_is_given_up_is_over(run_id):
    dropped = command("runs", "drop", run_id)
    assert (dropped.exit_code, dropped.stdout) == (0, f"{run_id} is given up\n")
    assert listed()[run_id]["status"] == "cancelled"
    assert "gave the run up" in command("runs", run_id).stdout
    assert command("resume", "--all").exit_code == 0
    assert f"run {run_id} is over: cancelled" in str(command("resume", run_id).exception)
    again = command("runs", "drop", run_id).exception
    assert isinstance(again, InputError)
    assert "is over: cancelled" in again.message
    assert json.loads(command("runs", "prune", "--keep", "0s", "--json").stdout)["runs"] == [run_id]


def test_a_run_that_there_is_not_cannot_be_given_up(run_id):
    assert "there is no run 'nonsense'" in str(command("runs", "drop", "nonsense").exception)


def test_a_run_that_is_under_way_is_not_given_up(home, run_id):
    async def dropped():
        async with held_elsewhere(home, run_id):
            return await asyncio.to_thread(command, "runs", "drop", run_id)

    error = asyncio.run(dropped()).exception
    assert isinstance(error, BusyError)
    assert error.exit_code == 2
    assert listed()[run_id]["status"] == "interrupted"


def test_a_damaged_run_can_be_given_up(run_id):
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        connection.execute("UPDATE bottega_runs SET origin = 'xx'")
    assert listed()[run_id]["status"] == "damaged"
    assert command("runs", "drop", run_id).exit_code == 0
    assert listed()[run_id]["status"] == "cancelled"
    assert json.loads(command("runs", "prune", "--keep", "0s", "--json").stdout)["runs"] == [run_id]


def prune(*arguments):
    return json.loads(command("runs", "prune", "--json", *arguments).stdout)["runs"]


def test_runs_that_were_broken_off_are_pruned_when_that_is_asked_for(run_id):
    killed = json.loads(command("run", "sums.yaml", "What is 6 * 7?", "--json").stdout)["run_id"]
    break_off(killed, "running")
    waiting = json.loads(command("run", "sums.yaml", "What is 6 * 7?", "--json").stdout)["run_id"]
    break_off(waiting, "waiting")
    assert prune("--keep", "0s") == []
    assert prune("--interrupted") == []  # not yet 30 days old
    assert prune("--interrupted", "--keep", "0s", "--dry-run") == [run_id, killed]
    assert set(listed()) == {run_id, killed, waiting}
    assert prune("--interrupted", "--keep", "0s") == [run_id, killed]
    assert set(listed()) == {waiting}


def test_a_run_under_way_is_not_pruned(home, run_id):
    async def pruned():
        async with held_elsewhere(home, run_id):
            return await asyncio.to_thread(prune, "--interrupted", "--keep", "0s", "--dry-run")

    assert asyncio.run(pruned()) == []
    assert set(listed()) == {run_id}

"""Forks that are refused when they have begun: they leave nothing that could be resumed."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from postgres_server import new_store, postgres
from test_graph_inner import build
from test_replay_fork import fork
from test_team import parts, run
from test_threads import line

from bottega.cli.main import bottega
from bottega.errors import InputError
from bottega.recovery import abandoned
from bottega.store import open_register
from bottega.testing import Say, ScriptedModel


@pytest.fixture
def store(tmp_path):
    return tmp_path / "bottega.db"


async def runs_in(store):
    async with open_register(store) as opened:
        return await opened.register.list(), await abandoned(opened)


def refused(store):
    """Fork a run with a graph that goes another way."""
    run(line(parts("a", ScriptedModel("one")), parts("b", ScriptedModel("two"))), **job(store))
    changed = line(parts("a", ScriptedModel()), parts("c", ScriptedModel()), parts("b", never()))
    with pytest.raises(InputError, match="comes to 2:c, where run r never was"):
        fork(changed, store, "b:1")


def job(store):
    return {"run_id": "r", "store": store, "task": "go"}


def never():
    return ScriptedModel()


def test_a_refused_fork_leaves_nothing(store):
    refused(store)
    known, left = asyncio.run(runs_in(store))
    assert ([one.run_id for one in known], left) == (["r"], [])
    with closing(sqlite3.connect(store)) as connection:
        for table, column in [("checkpoints", "thread_id"), ("bottega_logs", "thread")]:
            statement = f"SELECT DISTINCT {column} FROM {table}"
            assert connection.execute(statement).fetchall() == [("r",)]


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=postgres)])
def test_a_refused_fork_leaves_nothing_on_a_server(kind):
    store = new_store()
    refused(store)
    known, left = asyncio.run(runs_in(store))
    assert ([one.run_id for one in known], left) == (["r"], [])


def test_a_fork_that_a_part_of_the_graph_lacks_leaves_nothing(store):
    run(line(parts("a", ScriptedModel("one"))), **job(store))
    with pytest.raises(InputError, match="has no node 'a'"):
        fork(line(parts("b", ScriptedModel())), store, "a:1", prompt="Be kind.")
    known, left = asyncio.run(runs_in(store))
    assert ([one.run_id for one in known], left) == (["r"], [])


def test_a_refused_fork_of_which_a_branch_went_on_is_kept_as_failed(store):
    slow = parts("y", ScriptedModel(Say(text="slow", delay=0.2)))
    before = ["start -> x", "start -> p", "start -> y", "x -> end", "p -> end", "y -> end"]
    run(build(before, x=["quick"], p=["quick"], y=slow), **job(store))
    model = ScriptedModel("anew")
    after = ["start -> p", "start -> y", "p -> end", "y -> w", "w -> end"]
    other = build(after, p=["quick"], y=parts("y", model), w=["never"])
    with pytest.raises(InputError, match="comes to 3:w"):
        fork(other, store, "x:1")
    assert len(model.requests) == 1
    known, left = asyncio.run(runs_in(store))
    assert {one.run_id: one.status for one in known} == {"r": "done", "f": "failed"}
    assert "comes to 3:w" in known[0].reason
    assert left == []


ONE = "nodes:\n  a: {kind: specialist}\nedges: [start -> a, a -> end]\n"
TWO = "nodes:\n  b: {kind: specialist}\n  a: {kind: specialist}\nedges: [start -> b, b -> a]\n"


def test_the_command_line_has_nothing_to_resume_after_a_refused_fork(tmp_path, monkeypatch):
    def command(*arguments):
        return CliRunner().invoke(bottega, arguments)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE, "utf-8")
    (tmp_path / "two.yaml").write_text(TWO.replace("b -> a]", "b -> a, a -> end]"), "utf-8")
    run_id = json.loads(command("run", "one.yaml", "Hello", "--json").stdout)["run_id"]
    done = command("replay", run_id, "--from", "1", "--graph", "two.yaml")
    assert isinstance(done.exception, InputError), done.output
    assert [one["run_id"] for one in json.loads(command("runs", "--json").stdout)] == [run_id]
    assert command("resume", "--all").exit_code == 0

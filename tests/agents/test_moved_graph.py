"""Runs whose graph is not where it was: found beside the store, named, or told to be gone."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bottega.cli.main import bottega
from bottega.errors import GraphError, InputError

GRAPH = """
name: sums
middleware: [{approval: {tools: [calculator]}}]
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""
TASK = "What is 6 * 7?"


def command(*arguments):
    return CliRunner().invoke(bottega, arguments)


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A project with a run that waits."""
    folder = tmp_path / "old"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "sums.yaml").write_text(GRAPH, "utf-8")
    return folder


@pytest.fixture
def run_id(old):
    return json.loads(command("run", "sums.yaml", TASK, "--json").stdout)["run_id"]


def moved(old, monkeypatch):
    new = old.rename(old.with_name("new"))
    monkeypatch.chdir(new)
    return new


def forget_where_it_lay_beside():
    """Make the store one of a version that knew the whole path alone."""
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        ((origin,),) = connection.execute("SELECT origin FROM bottega_runs").fetchall()
        known = json.loads(origin)
        del known["beside"]
        connection.execute("UPDATE bottega_runs SET origin = ?", (json.dumps(known),))


def broken_off():
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        connection.execute("UPDATE bottega_runs SET status = 'interrupted'")


def answer(done):
    assert done.exit_code == 0, done.output or done.exception
    return json.loads(done.stdout)["answer"]


def test_a_project_that_was_moved_goes_on(old, run_id, monkeypatch):
    moved(old, monkeypatch)
    assert "42" in answer(command("resume", run_id, "--approve", "--json"))


def test_a_copy_goes_on_by_itself(old, run_id, monkeypatch):
    copy = shutil.copytree(old, old.with_name("copy"))
    (old / "sums.yaml").write_text(GRAPH.replace("name: sums", "name: others"), "utf-8")
    monkeypatch.chdir(old.parent)
    done = command("resume", run_id, "--approve", "--json", "--folder", str(copy))
    assert "42" in answer(done)


def test_a_graph_is_found_by_its_name_where_the_store_is_of_an_older_version(
    old, run_id, monkeypatch
):
    moved(old, monkeypatch)
    forget_where_it_lay_beside()
    assert "42" in answer(command("resume", run_id, "--approve", "--json"))


def test_a_graph_elsewhere_is_named(old, run_id):
    shutil.move(old / "sums.yaml", old / "other.yaml")
    gone = command("resume", run_id, "--approve").exception
    assert isinstance(gone, InputError)
    assert f"sums.yaml, from which run {run_id} was started, is not there" in gone.message
    assert "--graph FILE" in gone.hint
    assert f"bottega runs drop {run_id}" in gone.hint
    done = command("resume", run_id, "--graph", "other.yaml", "--approve", "--json")
    assert "42" in answer(done)


def test_another_graph_is_refused(old, run_id):
    text = GRAPH.replace("kind: specialist, ", "kind: specialist, description: adds, ")
    Path("other.yaml").write_text(text, "utf-8")
    refused = command("resume", run_id, "--graph", "other.yaml", "--approve").exception
    assert isinstance(refused, InputError)
    assert "is another graph" in refused.message
    Path("none.yaml").write_text("nonsense: here", "utf-8")
    refused = command("resume", run_id, "--graph", "none.yaml", "--approve").exception
    assert isinstance(refused, GraphError)
    assert "nonsense" in refused.message  # the person named it


@pytest.mark.parametrize("arguments", [("resume",), ("replay", "--from", "1")])
def test_a_file_that_only_the_store_names_is_not_shown(old, run_id, arguments):
    secret = old / "secret.txt"
    secret.write_text("root:open-sesame-7:0\n", "utf-8")
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        origin = json.dumps({"graph": str(secret)})
        connection.execute("UPDATE bottega_runs SET origin = ?", (origin,))
    done = command(arguments[0], run_id, *arguments[1:])
    assert isinstance(done.exception, InputError)
    assert str(secret) in done.exception.message
    assert "open-sesame" not in str(done.exception) + done.output


def test_all_runs_of_a_moved_graph_are_taken_up(old, run_id):
    broken_off()
    shutil.move(old / "sums.yaml", old / "other.yaml")
    skipped = command("resume", "--all", "--json")
    assert skipped.exit_code == 2
    (told,) = json.loads(skipped.stdout)
    assert (told["run_id"], told["status"]) == (run_id, "skipped")
    assert f"bottega runs drop {run_id}" in told["reason"]
    taken = command("resume", "--all", "--graph", "other.yaml", "--json")
    assert taken.exit_code == 3
    (again,) = json.loads(taken.stdout)
    assert (again["run_id"], again["status"]) == (run_id, "waiting")


def test_all_runs_of_one_graph_are_no_runs_of_another(old, run_id):
    broken_off()
    text = GRAPH.replace("kind: specialist, ", "kind: specialist, description: adds, ")
    Path("other.yaml").write_text(text, "utf-8")
    done = command("resume", "--all", "--graph", "other.yaml", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])


def test_what_is_given_up_stops_no_later_taking_up(old, run_id):
    broken_off()
    (old / "sums.yaml").unlink()
    assert command("resume", "--all").exit_code == 2
    assert command("runs", "drop", run_id).exit_code == 0
    assert command("resume", "--all").exit_code == 0


def test_a_fork_finds_a_moved_graph(old, run_id, monkeypatch):
    moved(old, monkeypatch)
    done = command("replay", run_id, "--from", "1", "--reply", "Forty-two.", "--json")
    assert answer(done) == "Forty-two."

"""Rows of the register that were damaged, or tampered with: one line that names the run."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from bottega import Graph
from bottega.cli.main import bottega
from bottega.errors import StorageError
from bottega.recovery import recover

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


def change(statement, *values):
    with closing(sqlite3.connect(".bottega/bottega.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.yaml").write_text(GRAPH, "utf-8")
    return tmp_path


@pytest.fixture
def waiting(home):
    """A run that waits for a person."""
    return json.loads(command("run", "sums.yaml", TASK, "--json").stdout)["run_id"]


def told(done, run_id):
    """Return what the error says: one line, the run in it, and what helps."""
    assert isinstance(done.exception, StorageError), done.exception
    assert "\n" not in str(done.exception)
    assert run_id in done.exception.message
    assert "put a copy" in done.exception.hint
    return done.exception.message


ORIGINS = [
    "xx",
    "[]",
    '"text"',
    '{"graph": 7}',
    '{"limits": "nothing"}',
    '{"limits": "[]"}',
    '{"limits": "{\\"tocens\\": 7}"}',
    '{"limits": "{\\"tokens\\": \\"7\\"}"}',
    '{"limits": "{\\"tokens\\": -7}"}',
    '{"limits": "{\\"seconds\\": NaN}"}',
    '{"fork": "{}"}',
    '{"fork": "{\\"run\\": 7}"}',
    "[" * 100_000,
]
QUESTIONS = [
    "{}",
    "hello",
    "7",
    '{"id": "a/1/call-1"}x',
    '{"id": "another"}',
    '{"id": "a/1/call-1", "kind": "burn"}',
    '{"id": "a/1/call-1", "options": "yes"}',
    '{"id": "a/1/call-1", "options": [7]}',
    '{"id": "a/1/call-1", "text": null}',
    '{"id": "a/1/call-1", "texd": ""}',
]
RULINGS = ["{}", "x", '{"verdict": "burn"}', '{"verdict": "approve", "seal": 7}', '{"verdicd": ""}']


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_that_cannot_be_read_is_told(waiting, origin):
    change("UPDATE bottega_runs SET origin = ?", origin)
    for arguments in (["resume", waiting, "--approve"], ["replay", waiting], ["runs", waiting]):
        told(command(*arguments), waiting)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_that_cannot_be_read_is_told(waiting, question):
    change("UPDATE bottega_questions SET question = ?", question)
    for arguments in (["resume", waiting, "--approve"], ["replay", waiting]):
        assert "question 'a/1/call-1'" in told(command(*arguments), waiting)


@pytest.mark.parametrize("ruling", RULINGS)
def test_a_ruling_that_cannot_be_read_is_told(waiting, ruling):
    change("UPDATE bottega_questions SET ruling = ?", ruling)
    assert "ruling on question 'a/1/call-1'" in told(command("resume", waiting), waiting)


@pytest.mark.parametrize(
    "change_to",
    ["status = x'ff'", "task = x'ff'", "created = 'soon'", "created = 9e99", "ended = 'x'"],
)
def test_a_value_of_another_type_is_told(waiting, change_to):
    change(f"UPDATE bottega_runs SET {change_to}")
    told(command("resume", waiting), waiting)
    assert command("runs").exit_code == 0


def test_a_damaged_run_hides_no_other(home, waiting):
    change("UPDATE bottega_runs SET origin = 'xx'")
    whole = json.loads(command("run", "sums.yaml", "Say hello", "--json").stdout)["run_id"]
    listed = command("runs")
    assert listed.exit_code == 0, listed.output
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "damaged" in lines[waiting]
    assert "cannot be read" in lines[waiting]
    assert whole in lines
    by_id = {run["run_id"]: run for run in json.loads(command("runs", "--json").stdout)}
    assert by_id[waiting]["status"] == "damaged"
    kept = json.loads(command("runs", "prune", "--keep", "0s", "--json").stdout)
    assert kept["runs"] == [whole]  # what cannot be read is not thrown away


def test_a_damaged_question_hides_no_run(waiting):
    change("UPDATE bottega_questions SET question = '{}'")
    (listed,) = json.loads(command("runs", "--json").stdout)
    assert (listed["run_id"], listed["status"]) == (waiting, "damaged")
    assert "question" in listed["reason"]


def test_a_damaged_run_stops_no_other_from_being_taken_up(home, waiting):
    change("UPDATE bottega_runs SET origin = 'xx', status = 'running'")
    graph = Graph.from_yaml(home / "sums.yaml", durable=True)
    other = graph.run(TASK).run_id
    change("UPDATE bottega_runs SET status = 'running' WHERE run_id = ?", other)
    found = {one.run.run_id: one for one in asyncio.run(recover(home))}
    assert found[other].status == "waiting"
    assert found[waiting].status == "skipped"
    assert "cannot be read" in found[waiting].problem

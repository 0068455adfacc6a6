"""The main job as a user types it: index, ask, run; on the embedded model and on a hosted one."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import openai_server as server
import pytest

from bottega.cli.main import run as bottega
from bottega.graph import DATABASE
from bottega.runs import RunStore

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "Which PEP introduced data classes, and for which Python version?"
PROGRAM = "from bottega.cli.main import main; main()"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with the research graph and a few documents, indexed."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "peps").mkdir()
    for number in (20, 498, 557, 572):
        shutil.copy(EXAMPLES / "peps" / f"pep-{number:04}.rst", folder / "peps")
    shutil.copy(EXAMPLES / "research.yaml", folder)
    assert bottega(["index", str(folder / "peps"), "--quiet"]) == 0
    return folder


@pytest.fixture
def at_home(house, monkeypatch):
    monkeypatch.chdir(house)
    return house


def run(*arguments, **options):
    """Run the command in a process of its own."""
    env = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=env,
        **options,
    )


def code_of(arguments):
    """Run the command here; return its exit code."""
    try:
        return bottega(arguments)
    except SystemExit as left:
        return left.code


def test_index_finds_nothing_to_do_the_second_time(at_home, capsys):
    assert bottega(["index", "peps", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["nothing_to_do"]
    assert (data["files"], data["embedded"]) == (4, 0)


@pytest.mark.parametrize(
    "command", [["ask", QUESTION, "--docs", "peps"], ["run", "research.yaml", QUESTION]]
)
def test_answers_with_citations(at_home, command, capsys):
    assert code_of(command) == 0
    shown = capsys.readouterr()
    assert "557" in shown.out
    assert "3.7" in shown.out
    assert "[pep-0557.rst:" in shown.out
    for step in ("search_knowledge(", "passages: pep-"):
        assert step in shown.err
    assert "\x1b" not in shown.out


def test_json_is_one_document_and_nothing_else(at_home, capsys):
    assert code_of(["run", "research.yaml", QUESTION, "--json"]) == 0
    shown = capsys.readouterr()
    data = json.loads(shown.out)
    assert data["status"] == "done"
    assert data["citations"][0]["source"] == "pep-0557.rst"
    quote = data["citations"][0]
    text = (at_home / "peps" / "pep-0557.rst").read_text()
    assert text[quote["start"] : quote["end"]] == quote["quote"]
    kinds = {event["kind"] for event in data["events"]}
    assert {"thought", "action", "observation", "message", "decision", "answer"} <= kinds
    assert shown.err == ""


def test_json_can_stream_events(at_home, capsys):
    assert code_of(["ask", QUESTION, "--docs", "peps", "--json", "--stream"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["kind"] == "run_started"
    assert events[-1]["kind"] == "run_ended"


def test_quiet_prints_the_answer_alone(at_home, capsys):
    assert code_of(["ask", QUESTION, "--docs", "peps", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "557" in shown.out
    assert "[pep-0557.rst:" in shown.out
    assert "Sources:" not in shown.out


def test_abstains_on_what_the_documents_do_not_say(at_home, capsys):
    question = "What is the capital of Mongolia?"
    assert code_of(["ask", question, "--docs", "peps", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["abstained"]
    assert data["status"] == "done"


def test_the_same_graph_runs_on_a_hosted_model(at_home, openai_server, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url)
    answer = "Data classes came with PEP 557 for Python 3.7 [{key}]."

    def key(body):
        results = [m["content"] for m in body["messages"] if m["role"] == "tool"]
        return results[-1].partition("[")[2].partition("]")[0]

    openai_server.replies = [
        server.call("librarian", {"task": QUESTION}),
        server.call("search_knowledge", {"query": "data classes"}),
        lambda body: server.text(answer.format(key=key(body))),
        lambda body: server.text(answer.format(key=key(body))),
        server.text('{"verdict": true, "probability": 0.97, "reason": "quoted"}'),
    ]
    assert code_of(["run", "research.yaml", QUESTION, "--model", "openai:test", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["answer"].startswith("Data classes came with PEP 557")
    assert data["citations"][0]["source"] == "pep-0557.rst"
    assert data["usage"]["input_tokens"] > 0


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["run", "nothing.yaml", "go"], "nothing.yaml"),
        (["run", "research.yaml", "  "], "the task is empty"),
        (["ask", "", "--docs", "peps"], "the question is empty"),
        (["ask", "why?", "--docs", "no-such-folder"], "no-such-folder"),
        (["ask", "why?"], "--docs"),
        (["index", "research.yaml"], "not a folder"),
        (["run", "research.yaml", "go", "--model", "opnai:x"], "did you mean 'openai'"),
        (["run", "research.yaml", "go", "--model", "openai:x"], "OPENAI_API_KEY"),
        (["run", "research.yaml", "go", "--steps", "0"], "steps"),
        (["rnu", "research.yaml", "go"], "did you mean 'run'"),
        (["resume", "20000101-000000-00000000"], "there is no run"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(at_home, command, told, capsys, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with closing(sqlite3.connect(_database(at_home))) as connection:
        RunStore(connection)
    assert code_of(command) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def _database(folder):
    (folder / ".bottega").mkdir(exist_ok=True)
    return folder / ".bottega" / DATABASE


def test_an_unreachable_server_fails_the_run(at_home, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    command = ["run", "research.yaml", "go", "--model", "openai:x", "--seconds", "3"]
    assert code_of(command) in (1, 3)
    shown = capsys.readouterr()
    assert "127.0.0.1:9" in shown.err
    assert shown.out == ""


def test_a_missing_index_says_which_command_makes_it(tmp_path, capsys, monkeypatch):
    shutil.copy(EXAMPLES / "research.yaml", tmp_path)
    (tmp_path / "peps").mkdir()
    monkeypatch.chdir(tmp_path)
    assert code_of(["run", "research.yaml", "go"]) == 2
    assert "bottega index" in capsys.readouterr().err


def test_a_limit_exits_with_3(at_home, capsys):
    assert code_of(["run", "research.yaml", QUESTION, "--steps", "1", "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["status"] == "budget"
    assert "1 steps" in data["reason"]


def test_ctrl_c_is_clean_and_the_run_can_be_resumed(house, openai_server, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(house, folder)
    openai_server.replies = [
        server.call("librarian", {"task": QUESTION}),
        server.text("too late", delay=30),
    ]
    env = {**os.environ, "OPENAI_BASE_URL": openai_server.url}
    command = [sys.executable, "-c", PROGRAM, "run", "research.yaml", QUESTION]
    running = subprocess.Popen(
        [*command, "--model", "openai:test"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(openai_server.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "bottega resume" in err

    with RunStore.open(_database(folder)) as register:
        (known,) = register.list(1)
    assert known.status == "interrupted"
    openai_server.replies = [
        server.text("PEP 557, Python 3.7."),
        server.text("PEP 557, Python 3.7."),
        server.text('{"verdict": true}'),
    ]
    before = len(openai_server.requests)
    done = run(
        "resume",
        known.run_id,
        "--json",
        cwd=folder,
        env={"OPENAI_BASE_URL": env["OPENAI_BASE_URL"]},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "PEP 557, Python 3.7."
    assert len(openai_server.requests) - before == 3
    again = run("resume", known.run_id, cwd=folder)
    assert again.returncode == 2
    assert "is over: done" in again.stderr


def test_a_changed_graph_is_not_resumed(tmp_path, capsys, monkeypatch):
    graph = tmp_path / "g.yaml"
    text = "nodes:\n  a: {kind: specialist}\nedges: [start -> a, a -> end]\n"
    graph.write_text(text)
    monkeypatch.chdir(tmp_path)
    assert code_of(["run", "g.yaml", "hello", "--json"]) == 0
    run_id = json.loads(capsys.readouterr().out)["run_id"]
    with RunStore.open(_database(tmp_path)) as register:
        register.finish(run_id, None)
    graph.write_text(f"# a comment changes nothing\n{text}")
    assert code_of(["resume", run_id]) == 0
    capsys.readouterr()
    with RunStore.open(_database(tmp_path)) as register:
        register.finish(run_id, None)
    graph.write_text(text.replace("specialist", "specialist, description: other"))
    assert code_of(["resume", run_id]) == 2
    assert "was changed" in capsys.readouterr().err


def test_runs_are_listed(at_home, capsys):
    assert code_of(["run", "research.yaml", "What is 6 * 7?", "--quiet"]) == 0
    assert "42" in capsys.readouterr().out
    assert code_of(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["task"] == "What is 6 * 7?"

"""Limits on the command line."""

import json

import pytest

from bottega.budget import Budget
from bottega.cli.main import run as bottega
from bottega.cli.options import limits_from

GIVEN = {
    "model": None,
    "as_json": False,
    "quiet": False,
    "stream": False,
    "thread": None,
    "steps": None,
    "seconds": None,
    "tokens": None,
    "money": None,
}


def run(arguments):
    """Run the command here; return its exit code."""
    try:
        return bottega(arguments)
    except SystemExit as left:
        return left.code


@pytest.fixture
def graph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "team.yaml"
    path.write_text(
        "nodes: {lead: {kind: specialist, tools: [calculator]}}\n"
        "edges: [start -> lead, lead -> end]\n"
    )
    return str(path)


def test_what_is_given_takes_the_place_of_what_the_graph_says():
    spec = Budget(steps=7, tokens=100, repeats=3)
    assert limits_from(spec, GIVEN) == spec
    given = {**GIVEN, "tokens": 5, "money": 0.5, "seconds": 2.0}
    assert limits_from(spec, given) == Budget(steps=7, tokens=5, money=0.5, seconds=2.0, repeats=3)


@pytest.mark.parametrize(("option", "value"), [("--tokens", "0"), ("--money", "-1")])
def test_senseless_limits_are_one_line(graph, option, value, capsys):
    assert run(["run", graph, "What is 2 + 2?", option, value]) == 2
    name = option.removeprefix("--")
    assert f"{name} must be a positive number" in capsys.readouterr().err


def test_tokens_end_a_run_with_exit_code_3(graph, capsys):
    assert run(["run", graph, "What is 2 + 2?", "--tokens", "5", "--json"]) == 3
    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["steps"], result["cost"]) == ("budget", 1, 0.0)
    assert "the limit of 5 tokens is reached" in result["reason"]


def test_the_embedded_model_costs_nothing(graph, capsys):
    assert run(["run", graph, "What is 2 + 2?", "--money", "0.01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost"] == 0


def test_money_without_a_price_is_refused_in_one_line(graph, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    given = ["run", graph, "go", "--model", "openai:mine", "--money", "1"]
    assert run(given) == 2
    err = capsys.readouterr().err
    assert "the price of openai:mine is not known" in err
    assert [line.partition(":")[0] for line in err.strip().splitlines()] == ["error", "hint"]


def test_the_last_line_says_what_it_cost():
    from bottega.cli.terminal import Terminal
    from bottega.events import RunEnded, Stuck

    shown: list[str] = []

    class Console:
        def print(self, *what: object, **how: object) -> None:
            shown.append(str(what[0]))

    terminal = Terminal(Console())  # type: ignore[arg-type]
    terminal.show(RunEnded(steps=2, seconds=1.0, input_tokens=5, output_tokens=5, cost=0.0123))
    terminal.show(Stuck(node="a", what="a called look({}) 2 times, and nothing new came of it"))
    assert shown[1].endswith("after 2 steps, 1.0 s, 10 tokens, $0.0123")
    assert "stuck: a called look({}) 2 times" in shown[3]

"""Planned work as a user meets it: the example graphs, real documents, the embedded model."""

import io
import json
import shutil
from pathlib import Path

import pytest

from bottega import Graph
from bottega.cli.main import run as bottega
from bottega.events import PlanMade, TaskChanged
from bottega.plan import Plan

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with the example graphs and a few documents, indexed."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "peps").mkdir()
    for number in (8, 20, 557):
        shutil.copy(EXAMPLES / "peps" / f"pep-{number:04}.rst", folder / "peps")
    for name in ("plan.yaml", "plan_approved.yaml"):
        shutil.copy(EXAMPLES / name, folder)
    assert bottega(["index", str(folder / "peps"), "--quiet"]) == 0
    return folder


@pytest.fixture
def at_home(house, monkeypatch):
    monkeypatch.chdir(house)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there
    return house


def code_of(arguments):
    """Run the command here; return its exit code."""
    try:
        return bottega(arguments)
    except SystemExit as left:
        return left.code


def plan_of(result):
    """The last plan, and how each task ended."""
    made = [event.plan for event in result.events if isinstance(event, PlanMade)][-1]
    ends = {e.task: e.status for e in result.events if isinstance(e, TaskChanged)}
    return Plan.from_json(made), ends


def test_a_goal_is_cut_into_tasks_that_build_on_each_other(house):
    goal = "Which PEP introduced data classes? When was it created? And what is 557 * 2?"
    result = Graph.from_yaml(house / "plan.yaml").run(goal)
    assert result.status == "done", result.reason
    plan, ends = plan_of(result)
    assert [(task.owner, task.after) for task in plan.tasks] == [
        ("librarian", ()),
        ("librarian", ("t1",)),
        ("analyst", ()),
    ]
    assert ends == dict.fromkeys(("t1", "t2", "t3"), "done")
    assert "created on 02-Jun-2017 [pep-0557.rst:1-9]" in result.answer
    assert "557 * 2 = 1114" in result.answer
    assert "pep-0557.rst:1-9" in [citation.key for citation in result.citations]
    began = [e.task for e in result.events if isinstance(e, TaskChanged) and e.status == "running"]
    assert began == ["t1", "t3", "t2"]


def test_a_number_is_handed_on(house):
    goal = "Calculate 17 * 23, then multiply the result by 2"
    result = Graph.from_yaml(house / "plan.yaml").run(goal)
    assert "391 * 2 = 782" in result.answer


def test_what_cannot_be_found_is_said_beside_what_can(house):
    result = Graph.from_yaml(house / "plan.yaml").run(
        "Who wrote PEP 20? And what is the population of Lindvik?"
    )
    assert result.status == "done"
    assert "Tim Peters [pep-0020.rst:1-7]" in result.answer
    assert "Not found out: what is the population of Lindvik?" in result.answer
    assert not result.abstained


def test_nothing_found_at_all_is_an_honest_answer(house):
    result = Graph.from_yaml(house / "plan.yaml").run("What is the population of Lindvik?")
    assert result.abstained
    assert result.answer == "Not found out: What is the population of Lindvik?"


def test_a_plan_is_edited_on_the_command_line(at_home, capsys):
    assert code_of(["run", "plan_approved.yaml", "Who wrote PEP 8?", "--json"]) == 3
    waiting = json.loads(capsys.readouterr().out)
    (question,) = [e["question"] for e in waiting["events"] if e["kind"] == "asked"]
    question["value"]["tasks"][0]["goal"] = "Who wrote PEP 20?"
    edited = json.dumps(question["value"])
    assert code_of(["resume", waiting["run_id"], "--edit", edited, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert "Tim Peters" in done["answer"]
    assert [e["text"] for e in done["events"] if e["kind"] == "message"] == ["Who wrote PEP 20?"]
    assert code_of(["replay", waiting["run_id"]]) == 0
    shown = capsys.readouterr().out.splitlines()
    head = shown.index("lead ☰ plan: 1 task")
    assert shown[head + 1].split() == ["✓", "t1", "librarian", "Who", "wrote", "PEP", "20?"]
    assert "Tim Peters" in shown[head + 2]
    assert code_of(["replay", waiting["run_id"], "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert Plan.from_json(plans["lead"]).tasks[0].status == "done"


def test_a_refused_plan_of_a_model_that_writes_none_can_be_put_right(at_home, capsys):
    assert code_of(["run", "plan_approved.yaml", "Who wrote PEP 8?", "--json"]) == 3
    run_id = json.loads(capsys.readouterr().out)["run_id"]
    assert code_of(["resume", run_id, "--reject", "not today", "--json"]) == 3
    (question,) = json.loads(capsys.readouterr().out)["questions"]
    assert "not today" in question["text"]
    question["value"]["tasks"][0]["goal"] = "Who wrote PEP 20?"
    edited = json.dumps(question["value"])
    assert code_of(["resume", run_id, "--edit", edited, "--json"]) == 0
    assert "Tim Peters" in json.loads(capsys.readouterr().out)["answer"]


def test_a_plan_that_is_refused_twice_ends_the_run_and_a_fork_takes_it_back(at_home, capsys):
    assert code_of(["run", "plan_approved.yaml", "Who wrote PEP 20?", "--json"]) == 3
    run_id = json.loads(capsys.readouterr().out)["run_id"]
    assert code_of(["resume", run_id, "--reject", "not today", "--json"]) == 3
    assert code_of(["resume", run_id, "--reject", "never", "--quiet"]) == 1
    capsys.readouterr()
    assert code_of(["replay", run_id, "--json"]) == 0
    moments = json.loads(capsys.readouterr().out)["moments"]
    ruling = [one["number"] for one in moments if one["kind"] == "ruling"][-1]
    assert code_of(["replay", run_id, "--from", str(ruling), "--approve", "--json"]) == 0
    assert "Tim Peters" in json.loads(capsys.readouterr().out)["answer"]

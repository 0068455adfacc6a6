"""Waiting runs on the command line: what waits is listed, and ruled on one by one."""

import asyncio
import json
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from bottega import Graph, Ruling
from bottega.cli.main import bottega
from bottega.errors import BusyError
from bottega.recovery import abandoned, take_up
from bottega.runs import RunStore
from bottega.store import open_register, run_name

GRAPH = """
name: par
middleware: [{approval: {tools: [calculator]}}]
nodes:
  a: {kind: specialist, tools: [calculator]}
  b: {kind: human, question: "Which colour?"}
edges: [start -> a, start -> b, a -> end, b -> end]
"""
SUMS = """
name: sums
middleware: [{approval: {tools: [calculator]}}]
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""
EXAMPLES = Path(__file__).parents[2] / "examples"
TASK = "What is 6 * 7?"
CALL, COLOUR = "a/1/call-1", "2:b"


def command(*arguments, given=""):
    return CliRunner().invoke(bottega, arguments, input=given)


def program(*arguments, given=""):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bottega", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@asynccontextmanager
async def held_elsewhere(home, run_id):
    """Have the run, as the process that carries it out does."""
    async with (
        open_register(home / ".bottega" / "bottega.db") as store,
        store.hold(run_name(run_id), BusyError("held")),
    ):
        yield


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "par.yaml").write_text(GRAPH, "utf-8")
    (tmp_path / "sums.yaml").write_text(SUMS, "utf-8")
    return tmp_path


def waiting(graph):
    """Start a run that comes to wait; return its id."""
    done = command("run", graph, TASK, "--json")
    assert done.exit_code == 3, done.output
    return json.loads(done.stdout)["run_id"]


def test_several_questions_are_named_with_how_to_rule_on_each(home):
    lines = command("run", "par.yaml", TASK).stderr.splitlines()
    run_id = command("runs").stdout.splitlines()[1].split()[0]
    go_on = f"  bottega resume {run_id} --question"
    assert lines[-3] == "waiting for 2 rulings; go on with one at a time:"
    assert set(lines[-2:]) == {
        f"{go_on} {CALL} --approve | --edit JSON | --reject REASON",
        f"{go_on} {COLOUR} --answer TEXT | --reject REASON",
    }


def test_one_ruling_may_be_for_several_questions(home):
    run_id = waiting("par.yaml")
    said = ["--question", CALL, "--question", COLOUR, "--reject", "not today"]
    assert command("resume", run_id, *said).exit_code != 3
    shown = json.loads(command("replay", run_id, "--json").stdout)
    rulings = [one["told"] for one in shown["moments"] if one["kind"] == "ruling"]
    assert {one["question"]: one["text"] for one in rulings} == dict.fromkeys(
        (CALL, COLOUR), "not today"
    )


MANY = """
name: many
middleware: [{approval: {tools: [calculator]}}]
nodes:
  each: {kind: map, node: a}
  a: {kind: specialist, tools: [calculator]}
edges: [start -> each, each -> end]
"""


@pytest.mark.parametrize("said", [("--approve",), ("--reject", "too many")])
def test_one_ruling_may_be_for_all_questions(home, said):
    (home / "many.yaml").write_text(MANY, "utf-8")
    sums = "\n".join(f"What is {number} * 7?" for number in range(2, 14))
    run_id = json.loads(command("run", "many.yaml", sums, "--json").stdout)["run_id"]
    (before,) = json.loads(command("runs", "--json").stdout)
    assert len(before["questions"]) == 12
    done = command("resume", run_id, *said, "--all-questions", "--json")
    assert done.exit_code == 0
    (after,) = json.loads(command("runs", "--json").stdout)
    assert (after["status"], after["questions"]) == ("done", [])
    assert ("91" in json.loads(done.stdout)["answer"]) == (said == ("--approve",))


def test_a_ruling_for_all_leaves_what_does_not_take_it(home):
    run_id = waiting("par.yaml")
    assert command("resume", run_id, "--approve", "--all-questions").exit_code == 3
    (listed,) = json.loads(command("runs", "--json").stdout)
    assert [question["id"] for question in listed["questions"]] == [COLOUR]
    none = command("resume", run_id, "--approve", "--all-questions").exception
    assert "no open question can be ruled with 'approve'" in str(none)


@pytest.mark.parametrize(
    "said",
    [(), ("--answer", "red"), ("--edit", "{}"), ("--approve", "--question", CALL)],
)
def test_a_ruling_for_all_is_an_approval_or_a_refusal(home, said):
    run_id = waiting("par.yaml")
    refused = command("resume", run_id, "--all-questions", *said)
    assert "--all-questions goes with --approve or --reject alone" in str(refused.exception)


def test_one_question_needs_no_name(home):
    last = command("run", "sums.yaml", TASK).stderr.splitlines()[-1]
    run_id = command("runs").stdout.splitlines()[1].split()[0]
    go_on = f"bottega resume {run_id} --approve | --edit JSON | --reject REASON"
    assert last == f"waiting; go on with: {go_on}"


def test_open_questions_are_listed(home):
    run_id = waiting("par.yaml")
    (listed,) = json.loads(command("runs", "--json").stdout)
    shown = json.loads(command("runs", run_id, "--json").stdout)
    assert listed == shown
    by_id = {question["id"]: question for question in shown["questions"]}
    call, colour = by_id.pop(CALL), by_id.pop(COLOUR)
    assert by_id == {}
    assert (call["kind"], call["tool"]) == ("approve", "calculator")
    assert call["value"] == {"expression": "6 * 7"}
    assert (colour["kind"], colour["text"]) == ("answer", "Which colour?")
    assert command("resume", run_id, "--question", COLOUR, "--answer", "red").exit_code == 3
    (left,) = json.loads(command("runs", run_id, "--json").stdout)["questions"]
    assert left["id"] == CALL
    text = command("runs", "show", run_id).stdout
    assert f"? {CALL}  (approve calculator)" in text
    assert 'value: {"expression": "6 * 7"}' in text
    assert text.splitlines()[-1].startswith(f"waiting; go on with: bottega resume {run_id} --app")


OUTER = """
name: outer
nodes:
  one: {kind: graph, file: sums.yaml}
  two: {kind: graph, file: sums.yaml}
edges: [start -> one, start -> two, one -> end, two -> end]
"""


def test_the_same_question_of_two_graphs_says_who_asks(home):
    (home / "outer.yaml").write_text(OUTER, "utf-8")
    run_id = waiting("outer.yaml")
    (run,) = json.loads(command("runs", "--json").stdout)
    may = 'May calculator(expression="6 * 7") be called?'
    assert set(run["reason"].split(" / ")) == {f"one/a: {may}", f"two/a: {may}"}
    assert {question["node"] for question in run["questions"]} == {"one/a", "two/a"}
    shown = command("runs", run_id).stdout.splitlines()
    assert {"    asked by: one/a", "    asked by: two/a"} <= set(shown)
    typed = command("resume", run_id, given="yes\nyes\n").stderr
    assert typed.count(f"one/a asks: {may}") == typed.count(f"two/a asks: {may}") == 1
    (over,) = json.loads(command("runs", "--json").stdout)
    assert over["status"] == "done"


def test_an_edit_is_checked_for_a_graph_within_the_graph_too(home):
    (home / "outer.yaml").write_text(OUTER, "utf-8")
    run_id = waiting("outer.yaml")
    (run,) = json.loads(command("runs", "--json").stdout)
    name = run["questions"][0]["id"]
    refused = command("resume", run_id, "--question", name, "--edit", '{"sum": "6 * 8"}')
    assert "does not fit calculator: missing 'expression'" in str(refused.exception)


def test_a_replay_shows_what_is_waited_for(home):
    run_id = waiting("sums.yaml")
    lines = command("replay", run_id).stdout.splitlines()
    assert f"? {CALL}  (approve calculator)" in lines
    assert '    value: {"expression": "6 * 7"}' in lines
    (question,) = json.loads(command("replay", run_id, "--json").stdout)["questions"]
    assert question["id"] == CALL


def test_a_run_that_there_is_not_is_one_line(home):
    waiting("sums.yaml")
    assert "there is no run 'nonsense'" in str(command("runs", "nonsense").exception)


def test_an_edit_that_does_not_fit_the_tool_decides_nothing(home):
    run_id = waiting("sums.yaml")
    refused = program("resume", run_id, "--edit", '{"sum": "6 * 8"}')
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"error: the edit of question '{CALL}' does not fit calculator: missing 'expression'; "
        "unknown argument 'sum'; expected: expression (string, required)",
        "hint: nothing is decided; the question stays open",
    ]
    assert len(json.loads(command("runs", run_id, "--json").stdout)["questions"]) == 1
    done = command("resume", run_id, "--edit", '{"expression": "6 * 8"}')
    assert done.exit_code == 0
    assert "48" in done.stdout


def test_a_run_that_is_over_takes_no_ruling(home):
    run_id = waiting("sums.yaml")
    assert command("resume", run_id, "--approve").exit_code == 0
    assert f"run {run_id} is over: done" in str(command("resume", run_id, "--approve").exception)


def test_all_takes_a_folder_and_no_run(home):
    run_id = waiting("sums.yaml")
    refused = command("resume", run_id, "--all").exception
    assert f"{run_id}: there is no such folder (--all takes no run" in str(refused)


def test_a_ruling_on_a_run_that_another_process_carries_out_is_written_down(home):
    run_id = waiting("par.yaml")

    async def held():
        """Rule from other processes while somebody has the run."""
        async with held_elsewhere(home, run_id):
            return [
                await asyncio.to_thread(program, "resume", run_id, *said)
                for said in (("--question", COLOUR, "--answer", "red"), ("--approve", "--json"))
            ]

    told, again = asyncio.run(held())
    assert (told.returncode, told.stdout) == (0, "")
    assert told.stderr.splitlines() == [
        f"run {run_id} is being carried out by another process (the ruling is written down; that "
        "process takes it when the run comes to wait)"
    ]
    assert again.returncode == 0
    assert "is written down" in json.loads(again.stdout)["reason"]
    late = str(command("resume", run_id, "--reject", "no").exception)
    assert f"run {run_id} waits for nobody; ruled on already: " in late
    assert f"{CALL}: approve" in late
    (found,) = json.loads(command("resume", "--all", "--json").stdout)
    assert (found["run_id"], found["status"]) == (run_id, "done")


def test_who_is_second_at_taking_runs_up_is_no_failure(home):
    run_id = waiting("sums.yaml")
    graph = Graph.from_yaml(home / "sums.yaml", durable=True)
    with RunStore.open(home / ".bottega" / "bottega.db") as register:
        register.finish(run_id, None)

    async def whole():
        async with open_register(home / ".bottega" / "bottega.db") as store:
            runs = await abandoned(store)
        async with held_elsewhere(home, run_id):
            return await take_up(runs, lambda run: graph.aresume(run.run_id))

    (found,) = asyncio.run(whole())
    assert (found.run.run_id, found.status) == (run_id, "elsewhere")
    assert found.problem == f"run {run_id} is being carried out by another process"


def test_what_waits_is_ruled_on_in_python(home):
    graph = Graph.from_yaml(home / "par.yaml", durable=True)
    result = graph.run(TASK)
    assert result.status == "waiting"
    said = {"approve": Ruling(verdict="approve"), "answer": Ruling(verdict="answer", text="red")}
    done = graph.resume(result.run_id, {one.id: said[one.kind] for one in result.questions})
    assert (done.status, done.questions) == ("done", ())


def test_the_example_waits_with_each_call(home):
    shutil.copy(EXAMPLES / "approval.yaml", home)
    run_id = waiting("approval.yaml")
    done = command("resume", run_id, "--edit", '{"expression": "17 * 24"}')
    assert done.exit_code == 0
    assert "408" in done.stdout


def test_nothing_is_asked_where_nobody_can_type(home):
    nobody = program("run", "par.yaml", TASK, "--quiet")
    assert nobody.returncode == 3
    assert "> " not in nobody.stderr
    assert "Which colour?" not in nobody.stderr.splitlines()
    assert nobody.stderr.splitlines()[-3].startswith("waiting for 2 rulings")


def test_what_is_piped_in_is_an_answer(home):
    done = program("run", "sums.yaml", TASK, given="yes\n")
    assert done.returncode == 0
    assert "42" in done.stdout
    assert "\n> yes\n" in done.stderr

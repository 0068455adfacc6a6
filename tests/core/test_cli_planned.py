"""Plans in the terminal: a list with states, and nothing in it that could steer the terminal."""

import io

from rich.console import Console

from bottega.cli.terminal import Terminal
from bottega.events import Asked, PlanMade, TaskChanged
from bottega.plan import Plan, PlannedTask
from bottega.questions import Question

PLAN = Plan(
    goal="all",
    number=2,
    tasks=(
        PlannedTask(id="t1", goal="find\nit", owner="librarian", status="done", result="A"),
        PlannedTask(id="total", goal="add \x1b[31mup", owner="ann", after=("t1",)),
        PlannedTask(id="t3", goal="draw", owner="ann", status="skipped"),
    ),
)


def shown(*events):
    console = Console(file=io.StringIO(), width=200)
    for event in events:
        Terminal(console).show(event)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_plan_is_a_list_with_states():
    assert shown(PlanMade(node="lead", plan=PLAN.to_json(), reason="t0 failed")) == [
        "          lead ☰ plan 2: 3 tasks (t0 failed)",
        "                 ✓  t1     librarian  find it",
        "                 ○  total  ann        add \\x1b[31mup  (after t1)",
        "                 ⊘  t3     ann        draw",
    ]


def test_what_becomes_of_a_task_is_a_line():
    event = TaskChanged(node="lead", task="t1", owner="ann", status="failed", text="no\nreport")
    assert shown(event) == ["          lead ✗ t1 failed: no report"]


def test_a_plan_that_waits_is_shown():
    question = Question(id="lead/plan-1", kind="plan", text="Good?\n- t1", value=PLAN.to_json())
    lines = shown(Asked(node="lead", question=question.to_json()))
    assert lines[0] == "          lead ? waits for a person: Good?  [lead/plan-1]"
    assert len(lines) == 4

"""Plans without a model that writes: goals cut into tasks, failed ones given to others."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import PEERS, crew, last_plan, tasks_of
from test_team import run, verdict
from test_threads import final

from bottega import Budget
from bottega.decider import Choice
from bottega.events import Answer, PlanMade
from bottega.plan import problems
from bottega.testing import Say, ScriptedModel
from bottega_agents.planning.splitting import MOST_PARTS, drafted, parts_of


class Names:
    """A decider that chooses who is named in the question, and abstains otherwise."""

    name = "names"

    def __init__(self):
        self.asked = []

    async def choose(self, question, options, *, context=""):
        self.asked.append(question)
        found = [option.name for option in options if option.name in question]
        return Choice(name=found[0] if found else None)


class Reader(ScriptedModel):
    """A model that writes nothing of its own."""

    extractive = True


def reading(librarian, analyst=(), **kind):
    """A planner that plans without a model, over scripted specialists."""
    team = crew(Reader(), librarian, analyst, **kind)
    team.parts["lead"] = replace(team.parts["lead"], decider=Names())
    return team


@pytest.mark.parametrize(
    ("goal", "parts"),
    [
        ("Who wrote PEP 8?", [("Who wrote PEP 8?", None)]),
        (
            "Who wrote PEP 8, and when was it created? And what is 2 * 3?",
            [("Who wrote PEP 8", None), ("when was it created?", 0), ("what is 2 * 3?", None)],
        ),
        (
            "Calculate 17 * 23, then multiply the result by 2, then add 1 to that",
            [("Calculate 17 * 23", None), ("multiply the result by 2", 0), ("add 1 to that", 1)],
        ),
        (
            "PEP 572 is contested. Who wrote it? Who supports that?",
            [("PEP 572 is contested. Who wrote it?", None), ("Who supports that?", 0)],
        ),
        ("Which PEP, and for which version?", [("Which PEP, and for which version?", None)]),
        ('What says "Who? And why?" in it', [('What says "Who? And why?" in it', None)]),
        ("Explain the walrus. Be brief.", [("Explain the walrus. Be brief.", None)]),
        ("good morning", [("good morning", None)]),
        (" ", [("", None)]),
    ],
)
def test_goals_are_cut_at_what_they_ask(goal, parts):
    assert [(part.text, part.after) for part in parts_of(goal)] == parts


@given(st.text(max_size=300))
def test_any_text_is_cut(goal):
    parts = parts_of(goal)
    assert 1 <= len(parts) <= MOST_PARTS
    assert all(part.after is None or part.after < number for number, part in enumerate(parts))


@given(st.lists(st.sampled_from(["who is it?", "Then add it.", "it is", "\n", "What is 2?"])))
def test_what_is_cut_is_a_plan(pieces):
    plan = asyncio.run(drafted(f"Who? {' '.join(pieces)}", PEERS, Names()))
    assert problems(plan.tasks, PEERS) == []


def test_the_results_are_joined_to_the_answer():
    team = reading(["A is found", "so is C"], ["B = 2"])
    events = run(team, task="Does the librarian know A? Is the analyst sure? Who else?")
    assert final(events) == ["A is found\n\nB = 2\n\nso is C"]
    assert team.parts["lead"].model.requests == []
    assert [task["owner"] for task in last_plan(events).plan["tasks"]] == [
        "librarian",
        "analyst",
        "librarian",
    ]


def test_a_task_that_fails_is_given_to_somebody_else():
    unknown = Say(text="I cannot tell.", finish="abstain")
    team = reading([unknown], ["B"])
    events = run(team, task="Does the librarian or the analyst know?")
    assert final(events) == ["B"]
    assert [event.plan["number"] for event in events if isinstance(event, PlanMade)] == [1, 2]


def test_what_nobody_can_do_is_said_and_the_rest_goes_on():
    unknown = Say(text="I cannot tell.", finish="abstain")
    team = reading([unknown], ["B"])
    events = run(team, task="Does the librarian know? Is it so? Is the analyst sure?")
    assert final(events) == ["B\n\nNot found out: Does the librarian know?; Is it so?"]
    assert ("t2", "skipped") in tasks_of(events)


def test_a_budget_that_runs_out_leaves_what_was_found():
    team = reading(["A"], ["never"], at_once=1)
    events = run(team, task="Does the librarian know? Is the analyst sure?", limits=Budget(steps=1))
    assert events[-1].status == "budget"
    (answer,) = [event for event in events if isinstance(event, Answer) and event.final]
    assert (answer.text, answer.partial) == ("A", True)


def test_a_budget_that_just_suffices_is_no_limit():
    task = "Does the librarian know? Is the analyst sure?"
    events = run(reading(["A"], ["B"]), task=task, limits=Budget(steps=2))
    assert events[-1].status == "done"
    assert final(events) == ["A\n\nB"]


def test_a_plan_without_a_model_is_not_made_again(tmp_path):
    from test_threads import interrupt

    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=60))
    team = reading(slow)
    goal = {"task": "Does the librarian know?", "run_id": "r", "store": store}
    asyncio.run(interrupt(team, lambda: slow.requests, **goal))
    again = reading(["A"])
    events = run(again, task="", run_id="r", store=store, resume=True)
    assert final(events) == ["A"]
    assert again.parts["lead"].decider.asked == []


def test_work_that_is_sent_back_is_answered_again():
    from test_planning_changes import reviewed

    team = reviewed(reading(["A"]), ScriptedModel(verdict(False, "thin"), verdict(True)))
    assert final(run(team, task="Does the librarian know?")) == ["A"]

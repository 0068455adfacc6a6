"""Plans that do not go as planned: failures, contradictions, limits, and what comes of the rest."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import NO, YES, asked_of, crew, draft, last_plan, made, tasks_of, told
from test_team import parts, play, run, verdict
from test_threads import final

from bottega import Budget
from bottega.errors import ModelAuthError
from bottega.events import Decision, PlanMade, TaskChanged
from bottega.spec.model import EdgeSpec, NodeSpec
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.roles.critic import Critic

UNKNOWN = Say(text="The files do not say.", finish="abstain")
BROKEN = ModelAuthError("the key was refused")


def begun(events):
    return [task for task, status in tasks_of(events) if status == "running"]


@pytest.mark.parametrize(
    ("report", "reason"),
    [(UNKNOWN, "t1 failed: The files do not say."), (BROKEN, "t1 failed: the key was refused")],
)
def test_a_task_that_fails_changes_the_plan_and_the_rest_goes_on(report, reason):
    first = made(draft("t1"), draft("t2", "analyst"), draft("t3", "analyst", "t1"))
    change = made(draft("t1", "analyst"), reason="the analyst may know")
    lead = ScriptedModel(first, change, "done")
    events = run(crew(lead, [report], ["2", "1", "3"]))
    assert final(events) == ["done"]
    assert reason in asked_of(lead)[1]
    assert begun(events) == ["t1", "t2", "t1", "t3"]
    assert [status for task, status in tasks_of(events) if task == "t2"] == ["running", "done"]
    assert last_plan(events).reason == "the analyst may know"
    assert last_plan(events).plan["number"] == 2


def test_a_result_that_does_not_do_what_it_must_changes_the_plan():
    lead = ScriptedModel(
        made(draft("t1", done_when="a year is named")), made(draft("t1", done_when="ok")), "done"
    )
    decider = ScriptedModel(NO, YES)
    events = run(crew(lead, ["long ago", "in 1931"], decider=decider))
    assert final(events) == ["done"]
    assert (
        "t1 failed: does not do what it was to do (a year is named): not what was asked"
        in (asked_of(lead)[1])
    )
    assert "long ago" in told_of(lead, 1)
    assert [e.verdict for e in events if isinstance(e, Decision)] == ["no", "yes"]
    assert "long ago" in decider.requests[0].messages[-1].text


def test_a_result_that_contradicts_the_plan_changes_it_and_drops_what_is_moot():
    first = made(draft("t1"), draft("t2", "analyst", "t1"), draft("t3", "analyst", "t1"))
    change = made(drop=["t2"], reason="the bridge was never built")
    lead = ScriptedModel(first, change, "done")
    decider = ScriptedModel(verdict(False, "there is no bridge"), YES)
    events = run(crew(lead, ["no bridge"], ["3"], decider=decider))
    assert "there is no bridge" in asked_of(lead)[1]
    (skipped,) = [e for e in events if isinstance(e, TaskChanged) and e.status == "skipped"]
    assert (skipped.task, skipped.text) == ("t2", "the bridge was never built")
    assert begun(events) == ["t1", "t3"]
    assert final(events) == ["done"]


def test_after_the_last_plan_what_waits_for_a_failure_is_skipped_and_told():
    lead = ScriptedModel(made(draft("t1"), draft("t2", "analyst", "t1"), draft("t3")), "partly")
    events = run(crew(lead, [UNKNOWN, "C"], max_plans=1))
    assert final(events) == ["partly"]
    assert ("t2", "skipped") in tasks_of(events)
    assert "it needs the result of t1, which failed" in told(lead)
    assert [tool.name for tool in lead.requests[1].tools] == []


def test_the_model_may_answer_instead_of_changing_the_plan():
    lead = ScriptedModel(made(draft("t1"), draft("t2", "analyst", "t1")), "It cannot be known.")
    events = run(crew(lead, [UNKNOWN]))
    assert final(events) == ["It cannot be known."]
    assert ("t2", "skipped") in tasks_of(events)


def test_a_change_that_waits_for_what_is_lost_goes_back_to_its_model():
    first = made(draft("t1"), draft("t2", "analyst", "t1"))
    bad, good = made(draft("t3", "analyst", "t1")), made(draft("t1"), draft("t3", "analyst", "t1"))
    lead = ScriptedModel(first, bad, good, "done")
    events = run(crew(lead, [UNKNOWN, "A"], ["2", "3"]))
    assert "waits for 't1', which is failed: give it anew, too" in told_of(lead, 2)
    assert final(events) == ["done"]


def told_of(model, number):
    results = [r for message in model.requests[number].messages for r in message.results]
    return results[-1].content


def test_a_finished_task_is_never_done_again():
    lead = ScriptedModel(
        made(draft("t1"), draft("t2", "analyst")), made(draft("t1"), draft("t2")), "done"
    )
    events = run(crew(lead, ["A", "B"], [UNKNOWN]))
    assert begun(events) == ["t1", "t2", "t2"]
    assert final(events) == ["done"]


def test_a_task_that_takes_too_long_fails_alone():
    lead = ScriptedModel(made(draft("t1"), draft("t2", "analyst")), made(draft("t1")), "done")
    slow = ScriptedModel(Say(text="late", delay=60), "in time")
    team = crew(lead, slow, ["B"])
    team.parts["librarian"] = replace(team.parts["librarian"], limits=Budget.only(seconds=0.3))
    events = run(team, limits=Budget(seconds=50))
    assert final(events) == ["done"]
    assert "seconds" in asked_of(lead)[1]
    assert begun(events) == ["t1", "t2", "t1"]


def test_what_a_task_had_when_its_limit_was_reached_is_kept():
    lead = ScriptedModel(made(draft("t1")), "done")
    team = crew(lead, ScriptedModel(call("nothing"), repeat=True), max_plans=1)
    team.parts["librarian"] = replace(team.parts["librarian"], limits=Budget.only(steps=2))
    events = run(team)
    assert ("t1", "failed") in tasks_of(events)
    assert "steps" in told(lead)
    assert events[-1].status == "done"


def test_plans_are_bounded():
    lead = ScriptedModel(*[made(draft("t1"))] * 3, "never found")
    events = run(crew(lead, [UNKNOWN] * 3))
    assert [event.plan["number"] for event in events if isinstance(event, PlanMade)] == [1, 2, 3]
    assert final(events) == ["never found"]


def reviewed(team, reviewer):
    """The team with a critic after its planner."""
    kinds = {**team.kinds, "reviewer": Critic(reviews="lead")}
    made_of = {**team.parts, "reviewer": parts("reviewer", reviewer)}
    edges = (("start", "lead", ""), ("lead", "reviewer", ""))
    edges += (("reviewer", "lead", "revise"), ("reviewer", "end", "accept"))
    spec = replace(
        team.spec,
        nodes=(*team.spec.nodes, NodeSpec(name="reviewer", kind="")),
        edges=tuple(EdgeSpec(source=a, target=b, outcome=word) for a, b, word in edges),
    )
    return replace(team, spec=spec, kinds=kinds, parts=made_of)


def test_work_that_a_critic_sends_back_goes_on_with_the_plan():
    lead = ScriptedModel(made(draft("t1")), "thin", made(draft("t2", "analyst")), "rich")
    reviewer = ScriptedModel(verdict(False, "too thin"), YES)
    events = run(reviewed(crew(lead, ["A"], ["B"]), reviewer))
    assert final(events) == ["rich"]
    assert begun(events) == ["t1", "t2"]
    assert "too thin" in asked_of(lead)[2]
    assert [task["id"] for task in last_plan(events).plan["tasks"]] == ["t1", "t2"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["ok", "unknown", "broken"]), min_size=8, max_size=8))
def test_any_sequence_of_failures_ends(fates):
    reports = {"ok": "fine", "unknown": UNKNOWN, "broken": BROKEN}
    tasks = [draft("t1"), draft("t2"), draft("t3", "librarian", "t1", "t2")]
    again = made(draft("t1"), draft("t2"), draft("t3", "librarian", "t1", "t2"))

    def answer_or_change(request):
        may_plan = "make_plan" in [tool.name for tool in request.tools]
        waits = "does not go as planned" in request.messages[-1].text
        return again if may_plan and waits else "the end"

    lead = ScriptedModel(made(*tasks), answer_or_change, repeat=True)
    team = crew(lead, [reports[fate] for fate in fates] + [BROKEN] * 2)
    events = asyncio.run(play(team))
    assert final(events) == ["the end"]
    assert len([event for event in events if isinstance(event, PlanMade)]) <= 3
    done = [task for task, status in tasks_of(events) if status == "done"]
    assert len(done) == len(set(done))

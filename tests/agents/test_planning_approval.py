"""A plan is shown to a person before it runs: on disk, in any process, or at a terminal."""

import json

import pytest
from plans import asked_of, crew, draft, last_plan, made, tasks_of
from test_team import run
from test_threads import final
from test_waiting import Post, approving, asked, resume

from bottega.errors import InputError
from bottega.events import PlanMade
from bottega.questions import Ruling
from bottega.runs import RunStore
from bottega.testing import Say, ScriptedModel, call

APPROVE = Ruling(verdict="approve")


def begun(events):
    return [task for task, status in tasks_of(events) if status == "running"]


def waiting(store, *plans, **kind):
    """Start a run that comes to wait with its plan."""
    lead = ScriptedModel(*plans)
    events = run(crew(lead, approve=True, **kind), task="go", run_id="r", store=store)
    assert events[-1].status == "waiting"
    assert begun(events) == []
    return asked(events)[-1]


def test_an_approved_plan_is_carried_out_and_not_made_again(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1"), draft("t2", "analyst", "t1")))
    assert question["kind"] == "plan"
    assert "- t2, analyst: do t2 (after t1)" in question["text"]
    assert [task["id"] for task in question["value"]["tasks"]] == ["t1", "t2"]
    with RunStore.open(store) as register:
        assert register.get("r").status == "waiting"
    lead = ScriptedModel("done")
    team = crew(lead, ["A"], ["B"], approve=True)
    events = resume(team, store, {question["id"]: APPROVE})
    assert final(events) == ["done"]
    assert begun(events) == ["t1", "t2"]
    assert len(lead.requests) == 1


def test_an_edited_plan_is_carried_out_as_edited(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1"), draft("t2")))
    value = json.loads(json.dumps(question["value"]))
    value["tasks"] = [value["tasks"][1] | {"owner": "analyst", "goal": "count them"}]
    team = crew(["done"], analyst=["seven"], approve=True)
    events = resume(team, store, {question["id"]: Ruling(verdict="edit", value=value)})
    assert final(events) == ["done"]
    assert begun(events) == ["t2"]
    assert last_plan(events).plan["tasks"][0]["goal"] == "count them"
    assert asked_of(team.parts["analyst"].model) == ["count them"]


def test_an_edit_that_is_no_plan_is_asked_again_with_what_is_wrong(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1")))
    wrong = {"tasks": [draft("t1", "libraian"), draft("t2", "analyst", "t3")]}
    edit = {question["id"]: Ruling(verdict="edit", value=wrong)}
    events = resume(crew([], approve=True), store, edit)
    assert events[-1].status == "waiting"
    (again,) = asked(events)
    assert again["id"] != question["id"]
    assert "did you mean 'librarian'?" in again["text"]
    assert "waits for 't3', which is no task" in again["text"]
    events = resume(crew(["done"], ["A"], approve=True), store, {again["id"]: APPROVE})
    assert final(events) == ["done"]


def test_a_refused_plan_is_made_anew_with_the_reason(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1")))
    refuse = Ruling(verdict="reject", text="leave the librarian alone")
    lead = ScriptedModel(made(draft("t1", "analyst")))
    events = resume(crew(lead, approve=True), store, {question["id"]: refuse})
    assert "leave the librarian alone" in lead.requests[0].messages[-1].results[-1].content
    (second,) = asked(events)
    assert second["value"]["number"] == 2
    assert second["value"]["tasks"][0]["owner"] == "analyst"
    events = resume(crew(["done"], analyst=["B"], approve=True), store, {second["id"]: APPROVE})
    assert final(events) == ["done"]


def test_a_refusal_after_which_no_plan_is_made_is_asked_about_again(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1")), max_plans=1)
    refuse = Ruling(verdict="reject", text="not the librarian")
    events = resume(crew([], approve=True, max_plans=1), store, {question["id"]: refuse})
    assert events[-1].status == "waiting"
    (again,) = asked(events)
    assert again["id"] != question["id"]
    assert again["text"].startswith("You refused this plan (not the librarian), and no other one")
    edit = Ruling(verdict="edit", value={"tasks": [draft("t1", "analyst")]})
    team = crew(["done"], analyst=["B"], approve=True, max_plans=1)
    events = resume(team, store, {again["id"]: edit})
    assert final(events) == ["done"]
    assert asked_of(team.parts["analyst"].model) == ["do t1"]


def test_a_plan_that_is_refused_for_good_ends_the_run(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1")), max_plans=1)
    refuse = Ruling(verdict="reject", text="do not")
    events = resume(crew([], approve=True, max_plans=1), store, {question["id"]: refuse})
    (again,) = asked(events)
    refuse = Ruling(verdict="reject")
    events = resume(crew([], approve=True, max_plans=1), store, {again["id"]: refuse})
    assert events[-1].status == "failed"
    assert events[-1].reason == "a person refused the plan: do not"


def test_a_change_is_shown_too_and_what_is_done_stays(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1"), draft("t2", "analyst")))
    lead = ScriptedModel(made(draft("t2")))
    unknown = Say(text="I cannot tell.", finish="abstain")
    team = crew(lead, ["A"], [unknown], approve=True)
    (second,) = asked(resume(team, store, {question["id"]: APPROVE}))
    assert "- t1, librarian: do t1 (done)" in second["text"]
    everything = {"tasks": [draft("t1", "analyst"), draft("t3", "analyst")]}
    edit = {second["id"]: Ruling(verdict="edit", value=everything)}
    events = resume(crew(["done"], analyst=["C"], approve=True), store, edit)
    assert begun(events) == ["t3"]
    assert final(events) == ["done"]


def test_at_a_terminal_the_plan_is_asked_at_once():
    replies = ["maybe", json.dumps({"tasks": [draft("t9", "analyst")]})]
    shown = []

    async def ask(question):
        shown.append(question)
        return replies.pop(0)

    team = crew([made(draft("t1")), "done"], analyst=["B"], approve=True)
    events = run(team, task="go", ask=ask)
    assert final(events) == ["done"]
    assert begun(events) == ["t9"]
    assert "- t1, librarian: do t1" in shown[0]
    assert "neither yes, no nor JSON" in shown[1]


def test_where_nobody_can_be_asked_nothing_is_carried_out():
    events = run(crew([made(draft("t1"))], approve=True))
    assert events[-1].status == "failed"
    assert "nobody is there to answer" in events[-1].reason
    assert [event for event in events if isinstance(event, PlanMade)] == []


def test_a_ruling_that_is_no_plan_is_refused_before_anything_is_kept(tmp_path):
    store = tmp_path / "bottega.db"
    question = waiting(store, made(draft("t1")))
    with pytest.raises(InputError, match="must be a JSON object"):
        resume(crew([], approve=True), store, {question["id"]: Ruling(verdict="edit", value=[1])})


def test_tasks_that_wait_for_a_person_keep_their_own_rulings(tmp_path):
    store, left, right = tmp_path / "bottega.db", Post(), Post()

    def team(lead, librarian, analyst):
        made_of = crew(lead)
        made_of.parts["librarian"] = approving("librarian", ScriptedModel(*librarian), left)
        made_of.parts["analyst"] = approving("analyst", ScriptedModel(*analyst), right)
        return made_of

    plan = made(draft("t1"), draft("t2", "analyst"), draft("t3", "librarian", "t1", "t2"))
    first = team([plan], [call("send", to="ann")], [call("send", to="bob")])
    events = run(first, task="go", run_id="r", store=store)
    ids = {question["node"]: question["id"] for question in asked(events)}
    events = resume(team([], ["A"], []), store, {ids["librarian"]: APPROVE})
    assert events[-1].status == "waiting"
    assert (left.sent, right.sent) == (["ann"], [])
    events = resume(team(["done"], ["C"], ["B"]), store, {ids["analyst"]: APPROVE})
    assert final(events) == ["done"]
    assert (left.sent, right.sent) == (["ann"], ["bob"])
    assert [task for task, status in tasks_of(events) if status == "done"] == ["t1", "t2", "t3"]

"""Plans as data: checked, changed, and carried out in an order that holds whatever happens."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega.events import Event, PlanMade, TaskChanged
from bottega.plan import MOST_TASKS, Plan, PlannedTask, problems


def task(name, *after, **fields):
    fields.setdefault("owner", "ann")
    return PlannedTask(id=name, goal=f"do {name}", after=after, **fields)


def plan(*tasks):
    return Plan(goal="all", tasks=tasks)


def states(made):
    return {one.id: one.status for one in made.tasks}


@st.composite
def plans(draw):
    """Any valid plan: tasks in any order, each after some that were drawn before it."""
    count = draw(st.integers(1, 12))
    tasks = []
    for number in range(count):
        earlier = [one.id for one in tasks]
        after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        tasks.append(task(f"t{number}", *after, priority=draw(st.integers(-3, 3))))
    return plan(*draw(st.permutations(tasks)))


@given(plans(), st.integers(1, 4))
def test_any_plan_is_carried_out_in_an_order_that_holds(made, at_once):
    assert problems(made.tasks, ["ann"]) == []
    order = []
    while made.ready:
        now = made.ready[:at_once]
        left_waiting = made.ready[at_once:]
        alone = [one for one in left_waiting if not any(one.id in t.after for t in made.tasks)]
        assert all(one.priority <= min(_most_urgent(made, t) for t in now) for one in alone)
        order.append([one.id for one in now])
        made = made.started(order[-1])
        for one in now:
            made = made.changed(one.id, status="done", result="x")
    place = {name: number for number, wave in enumerate(order) for name in wave}
    assert len(place) == len(made.tasks) == sum(map(len, order))
    assert all(place[name] < place[one.id] for one in made.tasks for name in one.after)


def _most_urgent(made, one):
    """The priority of a task or the highest of what waits for it, found by walking backwards."""
    behind = [_most_urgent(made, t) for t in made.tasks if t.status == "open" and one.id in t.after]
    return max([one.priority, *behind])


@given(plans(), st.data())
def test_any_sequence_of_failures_and_changes_ends(made, data):
    changes, runs = 3, 0
    while made.ready:
        (now,) = made.ready[:1]
        runs += 1
        status = data.draw(st.sampled_from(["done", "failed"]))
        made = made.changed(now.id, status=status)
        if status == "failed" and changes:
            changes -= 1
            again = data.draw(st.sampled_from(made.tasks))
            drop = data.draw(st.lists(st.sampled_from([t.id for t in made.tasks])))
            made = made.revised([task(again.id, *again.after), task(f"new{changes}")], drop)
        made = made.without_hopeless()
    assert all(one.over for one in made.tasks)
    assert runs <= 12 + 2 * 3


@given(plans())
def test_a_plan_goes_through_json(made):
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_events_of_plans_go_through_json():
    for event in (
        PlanMade(run_id="r", plan=plan(task("a")).to_json(), reason="b failed"),
        TaskChanged(run_id="r", task="a", owner="ann", status="failed", text="no report"),
    ):
        assert Event.from_json(json.loads(event.dumps())) == event


def test_an_urgent_task_pulls_those_that_it_needs():
    made = plan(task("a"), task("b", priority=5), task("c", "a", priority=9))
    assert [one.id for one in made.ready] == ["a", "b"]


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([], "the plan has no tasks"),
        ([task("a"), task("a")], "two tasks have the id 'a'"),
        ([task("a", owner="anna")], "unknown owner 'anna'; did you mean 'ann'?"),
        ([task("a", owner="")], "unknown owner ''; known: ann, bob"),
        ([task("fetch"), task("b", "fetsh")], "which is no task; did you mean 'fetch'?"),
        ([task("a", "a")], "task 'a' waits for itself"),
        ([task("a", "c"), task("b", "a"), task("c", "b")], "tasks wait for each other: a -> c"),
        ([task("a/b")], "an id is up to 40 letters"),
        ([PlannedTask(id="a", goal=" ", owner="ann")], "task 'a' has no goal"),
        ([task(f"t{n}") for n in range(MOST_TASKS + 1)], f"at most {MOST_TASKS}"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_in_a_line(tasks, problem):
    (said,) = problems(tasks, ["ann", "bob"])
    assert problem in said
    assert "\n" not in said


def test_every_problem_is_said():
    said = problems([task("a", "b", owner="x"), task("a"), task("", "a", "")], ["ann"])
    assert len(said) == 5


def test_what_waits_for_a_lost_task_is_skipped_and_the_rest_goes_on():
    made = plan(task("a", status="failed"), task("b", "a"), task("c", "b"), task("d"))
    made = made.without_hopeless()
    assert states(made) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "open"}
    assert made.task("b").reason == "it needs the result of a, which failed"
    assert made.task("c").reason == "it needs the result of b, which was skipped"


def test_a_change_keeps_what_is_done_and_what_it_does_not_name():
    before = plan(
        task("a", status="done", result="A"), task("b", status="failed"), task("c", "b"), task("d")
    )
    after = before.revised([task("b"), task("e", "a"), task("a")], drop=["d"], reason="e is better")
    assert states(after) == {"a": "done", "b": "open", "c": "open", "d": "skipped", "e": "open"}
    assert after.task("a").result == "A"
    assert after.task("d").reason == "e is better"
    assert after.number == 2


def test_a_person_edits_everything_but_what_is_done():
    before = plan(task("a", status="done", result="A"), task("b"), task("c"))
    after = before.edited([task("a", owner="bob"), task("c", "a", priority=3)])
    assert states(after) == {"a": "done", "c": "open"}
    assert after.task("a").owner == "ann"
    assert after.task("c").priority == 3

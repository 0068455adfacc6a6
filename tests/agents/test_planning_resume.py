"""Planned work that is broken off: no plan is made twice, no finished task is done again."""

import asyncio

import pytest
from plans import YES, crew, draft, last_plan, made, tasks_of
from test_team import run, verdict
from test_threads import final, interrupt

from bottega.events import Decision, PlanMade
from bottega.testing import Say, ScriptedModel

LATE = Say(text="late", delay=60)


def broken_off(store, team, until):
    asyncio.run(interrupt(team, until, task="go", run_id="r", store=store))


def resumed(store, team):
    return run(team, task="", run_id="r", store=store, resume=True)


def test_a_plan_that_was_made_is_not_made_again(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(LATE)
    broken_off(store, crew([made(draft("t1"))], slow), lambda: slow.requests)
    lead = ScriptedModel("done")
    events = resumed(store, crew(lead, ["A"]))
    assert final(events) == ["done"]
    assert len(lead.requests) == 1


def test_tasks_that_finished_beside_one_that_was_broken_off_are_not_done_again(tmp_path):
    store = tmp_path / "bottega.db"
    slow, quick = ScriptedModel(LATE), ScriptedModel("B")
    plan = made(draft("t1"), draft("t2", "analyst"), draft("t3", "analyst", "t1", "t2"))
    team = crew([plan], slow, quick)

    def reported():
        return slow.requests and quick.requests and _written(store)

    broken_off(store, team, reported)
    analyst = ScriptedModel("C")
    events = resumed(store, crew(["done"], ["A"], analyst))
    assert final(events) == ["done"]
    assert len(analyst.requests) == 1
    assert [task for task, status in tasks_of(events) if status == "done"] == ["t1", "t2", "t3"]


def _written(store):
    """Whether the reply of the quick one is in the journal."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT value FROM bottega_journal WHERE key LIKE '%/reply'")
        return any('"B"' in value for (value,) in rows.fetchall())


def test_a_judgement_that_was_made_is_not_asked_again(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel(made(draft("t1", done_when="it is A")), LATE)
    broken_off(store, crew(lead, ["A"], decider=[YES]), lambda: len(lead.requests) == 2)
    decider = ScriptedModel(verdict(False))
    events = resumed(store, crew(["done"], decider=decider))
    assert final(events) == ["done"]
    assert decider.requests == []
    assert [event.verdict for event in events if isinstance(event, Decision)] == ["yes"]


@pytest.mark.parametrize("asked", [2, 3])
def test_a_change_that_was_broken_off_goes_on(tmp_path, asked):
    store = tmp_path / "bottega.db"
    unknown = Say(text="I cannot tell.", finish="abstain")
    script = [made(draft("t1"), draft("t2", "analyst")), made(draft("t1", "analyst")), "done"]
    lead = ScriptedModel(*script[: asked - 1], LATE)
    team = crew(lead, [unknown], ["B", "A"])
    broken_off(store, team, lambda: len(lead.requests) == asked)
    fresh = ScriptedModel(*script[asked - 1 :])
    analyst = ScriptedModel(*["A"] * (3 - asked))
    events = resumed(store, crew(fresh, [], analyst))
    assert final(events) == ["done"]
    if asked == 2:
        assert last_plan(events).plan["number"] == 2
    else:
        assert [event for event in events if isinstance(event, PlanMade)] == []

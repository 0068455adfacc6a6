"""What a team keeps between visits, runs and processes, and what it must not keep."""

import asyncio
from itertools import pairwise

import pytest
from test_team import both, parts, play, run, team, verdict

from bottega import Budget, tool
from bottega.engine import Team
from bottega.errors import InputError, ModelRateLimitError
from bottega.events import Answer, Failure, Observation, RunEnded
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.roles.specialist import Specialist


def line(*made):
    """A team of specialists, one after the other."""
    names = [part.name for part in made]
    stops = ["start", *names, "end"]
    edges = tuple(EdgeSpec(source=a, target=b) for a, b in pairwise(stops))
    nodes = tuple(NodeSpec(name=name, kind="specialist") for name in names)
    return Team(
        spec=GraphSpec(name="line", nodes=nodes, edges=edges),
        kinds={name: Specialist() for name in names},
        parts={part.name: part for part in made},
    )


def final(events):
    return [event.text for event in events if isinstance(event, Answer) and event.final]


async def interrupt(crew, until, **job):
    """Start a run and cancel it once `until()` holds."""
    task = asyncio.ensure_future(play(crew, **job))
    async with asyncio.timeout(60):
        while not until():
            assert not task.done(), f"the run ended before it could be stopped: {task}"
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_new_task_on_an_interrupted_thread_is_heard(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=30))
    lead = ScriptedModel(both("first", "first"), "The second answer.")
    crew = team(lead, slow, ScriptedModel("42"), ScriptedModel(verdict(True)))
    asyncio.run(
        interrupt(crew, lambda: slow.requests, task="FIRST", thread="t", run_id="r1", store=store)
    )
    events = run(crew, task="SECOND", thread="t", store=store)
    assert final(events) == ["The second answer."]
    assert lead.requests[1].messages[-1].text == "SECOND"
    with pytest.raises(InputError, match="has gone on since"):
        run(crew, task="", thread="t", run_id="r1", store=store, resume=True)


def test_resuming_what_nobody_started_is_refused(tmp_path):
    crew = line(parts("a", ScriptedModel("x")))
    with pytest.raises(InputError, match="there is no run"):
        run(crew, task="", run_id="nonsense", store=tmp_path / "bottega.db", resume=True)


def test_a_resumed_run_keeps_its_task_and_limits(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=30))
    asyncio.run(
        interrupt(
            line(parts("a", slow)),
            lambda: slow.requests,
            task="THE TASK",
            run_id="r",
            store=store,
            limits=Budget(steps=1),
        )
    )
    again = ScriptedModel(call("nothing"), "never")
    events = run(line(parts("a", again)), task="", run_id="r", store=store, resume=True)
    assert again.requests[0].messages[-1].text == "THE TASK"
    assert events[-1].status == "budget"


def test_threads_of_different_graphs_are_apart(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel("secret")
    run(
        team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True))),
        thread="main",
        store=store,
    )
    other = ScriptedModel("hello")
    run(line(parts("lead", other)), task="hi", thread="main", store=store)
    assert [message.text for message in other.requests[0].messages][1:] == ["hi"]


def test_a_node_sees_what_the_one_before_it_found():
    second = ScriptedModel("done")
    events = run(line(parts("a", ScriptedModel("the draft")), parts("b", second)), task="write")
    assert "So far a has this:\nthe draft" in second.requests[0].messages[-1].text
    assert final(events) == ["done"]


def test_a_critic_that_fails_leaves_the_answer():
    critic = ScriptedModel(ModelRateLimitError("slow down", retry_after=0))
    events = run(team(ScriptedModel("42"), ScriptedModel(), ScriptedModel(), critic))
    assert events[-1].status == "done"
    assert final(events) == ["42"]
    assert [e.fatal for e in events if isinstance(e, Failure)] == [False]


def test_a_critic_keeps_to_the_time_of_the_run():
    critic = ScriptedModel(Say(text=verdict(True), delay=30))
    crew = team(ScriptedModel("42"), ScriptedModel(), ScriptedModel(), critic)
    events = run(crew, limits=Budget(seconds=0.5))
    assert final(events) == ["42"]
    assert events[-1].seconds < 5


def test_an_answer_before_a_failure_is_not_lost():
    failing = ScriptedModel("", "", "")
    events = run(line(parts("a", ScriptedModel("the draft")), parts("b", failing)))
    assert events[-1].status == "failed"
    assert final(events) == ["the draft"]


def test_parallel_specialists_are_counted_once(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel(both(), Say(text="late", delay=30))
    crew = team(lead, ScriptedModel("a"), ScriptedModel("b"), ScriptedModel())
    asyncio.run(interrupt(crew, lambda: len(lead.requests) == 2, run_id="r", store=store))
    fresh = team(
        ScriptedModel("ok"), ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True))
    )
    events = run(fresh, run_id="r", store=store, resume=True)
    assert isinstance(events[-1], RunEnded)
    assert events[-1].steps == 4


def test_call_ids_of_the_model_do_not_disturb_the_journal(tmp_path):
    fired = []

    @tool(effects="once")
    def fire() -> str:
        """Fire."""
        fired.append(1)
        return "fired"

    from bottega.testing import Call

    store = tmp_path / "bottega.db"
    script = [Call(name="fire", arguments={}, id="reply"), Say(text="late", delay=30)]
    dying = ScriptedModel(*script)
    crew = line(parts("a", dying, tools=[fire]))
    asyncio.run(interrupt(crew, lambda: len(dying.requests) == 2, run_id="r", store=store))
    fresh = line(parts("a", ScriptedModel("ok"), tools=[fire]))
    events = run(fresh, run_id="r", store=store, resume=True)
    assert fired == [1]
    assert [e.is_error for e in events if isinstance(e, Observation)] == [False]


def test_a_run_that_is_under_way_is_not_resumed(tmp_path):
    crew = line(parts("a", ScriptedModel(Say(text="slowly", delay=0.3))))
    job = {"run_id": "r", "store": tmp_path / "bottega.db"}

    async def both_at_once():
        first = asyncio.ensure_future(play(crew, **job))
        while not crew.parts["a"].model.requests:
            await asyncio.sleep(0.01)
        with pytest.raises(InputError, match="being carried out by another process"):
            await play(crew, **job, resume=True)
        return await first

    assert final(asyncio.run(both_at_once())) == ["slowly"]

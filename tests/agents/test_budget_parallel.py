"""Limits of nodes beside each other: each may have all that the run has, none starves another."""

import asyncio
from dataclasses import replace

import pytest
from postgres_server import new_store, postgres
from test_budget_nodes import final, limited, look, of, searcher
from test_graph_inner import build
from test_team import parts, run
from test_threads import interrupt

from bottega import Budget
from bottega.events import BudgetReached, NodeEnded
from bottega.model import Usage
from bottega.testing import Say, ScriptedModel, call

SPLIT = ["start -> [a, b]", '"[a, b] -> c"', "c -> end"]


def seeker(name, turns):
    return parts(name, searcher(name, turns), tools=[look])


def statuses(events):
    return {event.node: event.status for event in of(events, NodeEnded)}


@pytest.mark.parametrize("most", [6, 50])
def test_branches_with_limits_as_large_as_the_run_s_share_it(most):
    crew = build(SPLIT, a=seeker("a", 2), b=seeker("b", 1), c=["both"])
    crew = limited(crew, a=Budget.only(steps=most), b=Budget.only(steps=most))
    events = run(crew, limits=Budget(steps=6))
    assert (events[-1].status, events[-1].steps, final(events)) == ("done", 6, ["both"])


def test_what_branches_spend_together_keeps_to_the_run():
    crew = build(SPLIT, a=seeker("a", 9), b=seeker("b", 9), c=["both"])
    events = run(
        limited(crew, a=Budget.only(steps=8), b=Budget.only(steps=8)), limits=Budget(steps=8)
    )
    assert (events[-1].status, events[-1].steps) == ("budget", 8)
    turns = {name: len(crew.parts[name].model.requests) for name in ("a", "b")}
    assert min(turns.values()) >= 3


def test_a_graph_with_the_limits_of_the_run_leaves_its_neighbour_enough():
    inner = build(["start -> w", "w -> end"], "limits: {tokens: 2000, steps: 9}\n", w=["inside"])
    crew = build(SPLIT, a=inner, b=["beside"], c=["both"])
    events = run(crew, limits=Budget(tokens=2000, steps=9))
    assert (events[-1].status, final(events)) == ("done", ["both"])
    assert of(events, BudgetReached) == []


def test_tokens_that_one_branch_has_promised_the_other_waits_for():
    class Costly(ScriptedModel):
        def count_tokens(self, request):
            return 300

    def costly():
        usage = Usage(input_tokens=300, output_tokens=20)
        return Costly(Say(text="found", usage=usage, delay=0.001))

    crew = build(SPLIT, a=parts("a", costly()), b=parts("b", costly()), c=parts("c", costly()))
    crew = limited(crew, a=Budget.only(tokens=1000), b=Budget.only(tokens=1000))
    events = run(crew, limits=Budget(tokens=1000))
    assert (events[-1].status, events[-1].input_tokens) == ("done", 900)


def test_the_limits_of_a_graph_count_on_after_a_crash(tmp_path):
    store = tmp_path / "bottega.db"
    inside = ["start -> first", "first -> second", "second -> end"]

    def crew(first, second):
        inner = build(
            inside,
            "limits: {steps: 4}\n",
            first=first,
            second=parts("second", second, tools=[look]),
        )
        return build(["start -> g", "g -> end"], g=inner)

    slow = ScriptedModel(Say(text="late", delay=30))
    dying = crew(seeker("first", 2), slow)
    asyncio.run(interrupt(dying, lambda: slow.requests, run_id="r", store=store))
    again = crew([], ScriptedModel(call("look", at="x"), "never"))
    events = run(again, task="", run_id="r", store=store, resume=True, limits=Budget(steps=40))
    assert (events[-1].status, events[-1].steps) == ("budget", 4)
    assert "the limit of 4 steps is reached (4 used)" in events[-1].reason


def test_the_lease_of_a_node_inside_a_graph_counts_on_after_a_crash(tmp_path):
    from bottega_agents.roles.coordinator import Coordinator

    store = tmp_path / "bottega.db"

    def crew(*replies):
        lead = (Coordinator(delegates=("helper",)), list(replies))
        inner = build(["start -> lead", "lead -> end"], lead=lead, helper=["helped", "again"])
        inner = limited(inner, lead=Budget.only(steps=3))
        return build(["start -> g", "g -> end"], g=inner)

    dying = crew(call("helper", task="one"), Say(text="late", delay=30))
    model = dying.parts["g"].team.parts["lead"].model
    asyncio.run(interrupt(dying, lambda: model.requests[1:], run_id="r", store=store))
    events = run(
        crew(call("helper", task="two"), "never"), task="", run_id="r", store=store, resume=True
    )
    assert (events[-1].status, events[-1].steps) == ("budget", 3)
    assert "the limit of 3 steps is reached (3 used)" in events[-1].reason


def test_the_time_of_an_open_lease_counts_on_after_a_crash(tmp_path):
    from bottega_agents.roles.coordinator import Coordinator

    store = tmp_path / "bottega.db"

    def crew(*replies, seconds):
        lead = (Coordinator(delegates=("helper",)), list(replies))
        made = build(["start -> lead", "lead -> end"], lead=lead, helper=[Say(text="h", delay=0.3)])
        return limited(made, lead=Budget.only(seconds=seconds))

    dying = crew(call("helper", task="one"), Say(text="late", delay=30), seconds=60)
    model = dying.parts["lead"].model
    asyncio.run(interrupt(dying, lambda: model.requests[1:], run_id="r", store=store))
    events = run(crew("never", seconds=0.3), task="", run_id="r", store=store, resume=True)
    assert events[-1].status == "budget"
    assert "the limit of 0.3 seconds is reached" in events[-1].reason
    assert statuses(events)["lead"] == "budget"


def test_a_delegate_that_hands_its_task_over_keeps_nothing_from_others():
    from bottega_agents.communication.talk import Talk
    from bottega_agents.roles.coordinator import Coordinator
    from bottega_agents.roles.specialist import Specialist

    lead = (Coordinator(delegates=("a", "b")), [call("a", task="one"), call("b", task="two"), "ok"])
    passing = (
        Specialist(talk=Talk(hands_off_to=("b",))),
        [call("handoff", to="b", reason="yours")],
    )
    crew = build(["start -> lead", "lead -> end"], lead=lead, a=passing, b=["did one", "did two"])
    crew = limited(crew, a=Budget.only(steps=6), b=Budget.only(steps=6))
    events = run(replace(crew), limits=Budget(steps=6))
    assert (events[-1].status, events[-1].steps, final(events)) == ("done", 6, ["ok"])


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=postgres)])
def test_panels_beside_each_other_keep_to_the_tokens_of_the_run(tmp_path, store):
    from bottega.deciders import PromptDecider
    from bottega_agents.consensus.judge import Judge

    def wordy(request):
        written = request.sampling.max_tokens or 400
        usage = Usage(input_tokens=100, output_tokens=written)
        return Say(text='{"choice": "a", "probability": 0.9}', usage=usage, delay=0.002)

    asked = []

    def panel(name):
        model = ScriptedModel(wordy, repeat=True)
        asked.append(model)
        return Judge(members=("a", "b")), parts(name, ScriptedModel(), decider=PromptDecider(model))

    names = [f"p{number}" for number in range(6)]
    nodes = {name: panel(name) for name in names}
    member = {name: parts(name, ScriptedModel(Say(text=name), repeat=True)) for name in ("a", "b")}
    split = [f"start -> [{', '.join(names)}]", f'"[{", ".join(names)}] -> c"', "c -> end"]
    crew = build(split, c=["all"], **nodes, **member)
    most, address = 20_000, new_store() if store == "postgresql" else tmp_path / "bottega.db"
    events = run(crew, limits=Budget(tokens=most), store=address)
    assert (events[-1].input_tokens or 0) + (events[-1].output_tokens or 0) <= most
    assert 1 < sum(len(model.requests) for model in asked) <= 6

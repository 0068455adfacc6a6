"""A limit of money needs prices: in teams, in graphs within graphs, and when a run is resumed."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from test_budget_nodes import final, limited, look, of, searcher
from test_graph_inner import build
from test_team import parts, run
from test_threads import interrupt

from bottega import Budget
from bottega.errors import InputError
from bottega.events import RunStarted
from bottega.price import FREE
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.engine import LangGraphEngine
from bottega_agents.flow.human import Human
from bottega_agents.graph.compiler import compile_team, delegated
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.specialist import Specialist

LINE = ["start -> a", "a -> b", "b -> end"]
ONE = ["start -> a", "a -> end"]


def mystery(*replies):
    return ScriptedModel(*replies, name="mystery")


def free(name, *replies):
    return parts(name, ScriptedModel(*replies, price=FREE))


def refused(crew, **job):
    """The error with which a run is refused, before anything is said or kept."""
    seen = []

    async def follow():
        from bottega.engine import Job

        given = {"task": "go", "limits": Budget(money=1), **job}
        async for event in LangGraphEngine().stream(crew, Job(**given)):
            seen.append(event)  # noqa: PERF401  # kept when the next one raises

    with pytest.raises(InputError) as caught:
        asyncio.run(follow())
    assert of(seen, RunStarted) == []
    return caught.value.message


def test_a_team_is_refused_before_anything_runs(tmp_path):
    crew = build(LINE, a=free("a", "A"), b=parts("b", mystery("B")))
    told = refused(crew, store=tmp_path / "bottega.db", run_id="r")
    assert told == "there is a limit of money, and the price of mystery is not known"
    assert crew.parts["a"].model.requests == []
    with pytest.raises(InputError, match="'r'"):
        run(crew, run_id="r", store=tmp_path / "bottega.db", resume=True)


def test_a_graph_within_is_looked_through():
    inner = build(ONE, a=parts("a", mystery("inside")))
    crew = build(["start -> g", "g -> b", "b -> end"], g=inner, b=free("b", "B"))
    assert "the price of mystery" in refused(crew)
    assert final(run(crew)) == ["B"]
    own = build(ONE, "limits: {money: 1}\n", a=parts("a", mystery("inside")))
    around = build(["start -> g", "g -> end"], g=own)
    assert "the price of mystery" in refused(around, limits=Budget())


def test_the_limit_of_a_node_holds_for_those_it_asks():
    lead = (Coordinator(delegates=("helper",)), free("lead", call("helper", task="x"), "done"))
    edges = ["start -> lead", "lead -> z", "z -> end"]
    crew = build(edges, lead=lead, helper=parts("helper", mystery("h")), z=["z"])
    crew = limited(crew, lead=Budget.only(money=1))
    assert "the price of mystery" in refused(crew, limits=Budget())
    known = {**crew.parts, "helper": free("helper", "h")}
    assert final(run(replace(crew, parts=known))) == ["z"]  # z is outside of the limit


def test_a_decider_needs_a_price_too():
    class Dice:
        name = "dice"

    unknown = replace(free("a", "A"), decider=Dice())
    told = refused(build(ONE, a=unknown))
    assert told == "there is a limit of money, and the price of the decider of a is not known"


def test_a_person_has_no_price():
    kind = Human(question="Good?", options=("yes", "no"))
    edges = ["start -> a", "a -> boss", "boss -> end: yes", "boss -> a: no"]
    crew = build(edges, a=free("a", "A"), boss=(kind, parts("boss", mystery())))

    async def yes(text):
        return "yes"

    assert run(crew, limits=Budget(money=1), ask=yes)[-1].status == "done"


def test_a_resumed_run_has_its_own_limits(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=30), price=FREE)
    job = {"run_id": "r", "store": store}
    dying = build(ONE, a=parts("a", slow))
    asyncio.run(interrupt(dying, lambda: slow.requests, limits=Budget(money=1), **job))
    other = build(ONE, a=parts("a", mystery("never")))
    assert "the price of mystery" in refused(other, limits=Budget(), resume=True, **job)
    assert other.parts["a"].model.requests == []
    events = run(build(ONE, a=free("a", "done")), task="", resume=True, **job)
    assert final(events) == ["done"]


def test_a_run_without_a_limit_is_resumed_where_the_graph_has_one_now(tmp_path):
    store = tmp_path / "bottega.db"
    slow = mystery(Say(text="late", delay=30))
    dying = build(ONE, a=parts("a", slow))
    asyncio.run(interrupt(dying, lambda: slow.requests, run_id="r", store=store))
    again = build(ONE, a=parts("a", mystery("done")))
    job = {"run_id": "r", "store": store, "resume": True}
    assert final(run(again, task="", limits=Budget(money=1), **job)) == ["done"]


def test_a_compiled_graph_is_refused_when_it_is_made():
    crew = limited(build(ONE, a=parts("a", mystery("A"))), a=Budget.only(money=1))
    with pytest.raises(InputError, match="the price of mystery"):
        compile_team(crew)


# -- nodes in anybody's StateGraph


def by_hand(**nodes):
    from langgraph.graph import END, START, StateGraph

    from bottega_agents.graph.state import State

    builder = StateGraph(State)
    for name, node in nodes.items():
        builder.add_node(name, node)
    names = [START, *nodes, END]
    for pair in pairwise(names):
        builder.add_edge(*pair)
    return builder.compile()


def test_the_limits_of_a_node_hold_in_a_graph_built_by_hand():
    model = searcher("x", 30)
    made = replace(parts("a", model, tools=[look]), limits=Budget.only(steps=3))
    state = asyncio.run(by_hand(a=Specialist().build(made)).ainvoke({"task": "go"}))
    assert (state["status"], len(model.requests)) == ("budget", 3)
    assert "the limit of 3 steps is reached" in state["reason"]


def test_each_visit_has_them_anew_there():
    from langgraph.graph import END, START, StateGraph

    from bottega_agents.graph.state import State

    lead = ScriptedModel(call("helper", task="x"), call("helper", task="y"), "done")
    made = replace(parts("lead", lead), limits=Budget.only(steps=1))
    builder = StateGraph(State)
    node = Coordinator(delegates=("helper",), then=END).build(made)
    builder.add_node("lead", node, destinations=("helper", END))
    helper = replace(parts("helper", ScriptedModel("h", "i")), limits=Budget.only(steps=1))
    builder.add_node("helper", delegated(Specialist().build(helper)), destinations=("lead",))
    builder.add_edge(START, "lead")
    state = asyncio.run(builder.compile().ainvoke({"task": "go"}))
    assert (state["status"], state["answer"]) == ("done", "done")

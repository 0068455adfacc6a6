"""Limits of nodes in a team: leases, what comes back, what is taken up again."""

import asyncio
from dataclasses import replace

import pytest
from test_communication import crew as talking
from test_team import both, parts, run, team, verdict

from bottega import Budget, Graph, tool
from bottega.engine import Team
from bottega.errors import InputError
from bottega.events import Answer, BudgetReached, Failure, NodeEnded, RunEnded
from bottega.model import Usage
from bottega.price import Price
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.spec.reader import parse_graph
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.communication.talk import Talk
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.specialist import Specialist


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def final(events):
    return [event.text for event in of(events, Answer) if event.final]


def limited(crew, **limits):
    """The team with limits for some of its nodes."""
    made = {
        name: replace(part, limits=limits.get(name, part.limits))
        for name, part in crew.parts.items()
    }
    return replace(crew, parts=made)


def searcher(word, turns):
    """A model that looks things up for so many turns, each time another thing."""
    return ScriptedModel(*[call("look", at=f"{word} {n}") for n in range(turns)], f"{word} done")


@tool(effects="none")
def look(at: str) -> str:
    """Look."""
    return f"seen {at}"


def test_a_node_stops_at_its_own_limit_and_the_team_goes_on():
    lead = ScriptedModel(both(), "Enough.")
    crew = team(lead, searcher("lib", 30), ScriptedModel("42"), ScriptedModel(verdict(True)))
    made = {**crew.parts, "librarian": replace(crew.parts["librarian"], tools=(look,))}
    crew = limited(replace(crew, parts=made), librarian=Budget.only(steps=3))
    events = run(crew)
    assert (events[-1].status, events[-1].steps) == ("done", 2 + 3 + 1)
    (reached,) = of(events, BudgetReached)
    assert (reached.node, reached.limit, reached.allowed) == ("librarian", "steps", 3)
    report = lead.requests[1].messages[-1].results[0]
    assert report.content.startswith("seen lib 2\n(incomplete: the limit of 3 steps is reached")


def test_every_task_of_a_node_has_its_lease_anew():
    lead = ScriptedModel(call("librarian", task="one"), call("librarian", task="two"), "Enough.")
    librarian = ScriptedModel(*[call("look", at=str(n)) for n in range(4)])
    crew = team(lead, librarian, ScriptedModel(), ScriptedModel(verdict(True)))
    made = {**crew.parts, "librarian": replace(crew.parts["librarian"], tools=(look,))}
    events = run(limited(replace(crew, parts=made), librarian=Budget.only(steps=2)))
    assert [e.status for e in of(events, NodeEnded) if e.node == "librarian"] == ["budget"] * 2
    assert len(librarian.requests) == 4


def test_what_delegates_spend_counts_for_the_coordinator():
    lead = ScriptedModel(both(), "never")
    crew = team(lead, ScriptedModel("found"), ScriptedModel("42"), ScriptedModel(verdict(True)))
    events = run(limited(crew, lead=Budget.only(steps=3)), limits=Budget(steps=40))
    assert (events[-1].status, events[-1].steps) == ("budget", 3)
    assert "the limit of 3 steps is reached (3 used)" in events[-1].reason
    assert final(events) == ["42"]


def test_a_lease_that_is_not_spent_comes_back_to_the_run():
    kinds = {"first": Specialist(), "second": Specialist()}
    edges = (("start", "first"), ("first", "second"), ("second", "end"))
    spec = GraphSpec(
        name="line",
        nodes=tuple(NodeSpec(name=name, kind="") for name in kinds),
        edges=tuple(EdgeSpec(source=a, target=b) for a, b in edges),
    )
    made = {
        "first": parts("first", ScriptedModel("one")),
        "second": parts("second", searcher("two", 3), tools=[look]),
    }
    crew = limited(Team(spec=spec, kinds=kinds, parts=made), first=Budget.only(steps=4))
    events = run(crew, limits=Budget(steps=5))
    assert (events[-1].status, events[-1].steps) == ("done", 5)


class Crash(BaseException):
    """Stands for the process dying."""


def test_an_open_lease_is_taken_up_after_a_crash(tmp_path):
    store = str(tmp_path / "bottega.db")

    def crew(*script):
        lead, never = ScriptedModel(*script), ScriptedModel(verdict(True))
        made = team(lead, ScriptedModel("found"), ScriptedModel("42"), never)
        return limited(made, lead=Budget.only(steps=4))

    with pytest.raises(Crash):
        run(crew(both(), Crash()), run_id="r", store=store)
    # three of the four steps are known to the state; the fourth asks for more than there is
    events = run(crew(call("librarian", task="more")), run_id="r", store=store, resume=True)
    assert (events[-1].status, events[-1].steps) == ("budget", 4)
    assert "the limit of 4 steps is reached (4 used)" in events[-1].reason


def test_money_and_time_are_taken_up_after_a_crash(tmp_path):
    store = str(tmp_path / "bottega.db")
    price = Price(input=100_000, output=0)

    def crew(lead):
        return team(lead, ScriptedModel("a", price=price), ScriptedModel(), ScriptedModel())

    with pytest.raises(Crash):
        run(
            crew(ScriptedModel(call("librarian", task="x"), Crash(), price=price)),
            run_id="r",
            store=store,
            limits=Budget(seconds=1000),
        )
    fresh = ScriptedModel(call("analyst", task="y"), "done", price=price)
    crew_again = team(
        fresh,
        ScriptedModel(),
        ScriptedModel("b", price=price),
        ScriptedModel(verdict(True), price=price),
    )
    events = run(crew_again, run_id="r", store=store, resume=True)
    assert events[-1].status == "done"
    assert events[-1].cost == pytest.approx(6.0)  # six replies of ten tokens at a dime each


def test_ten_delegates_at_once_keep_to_the_tokens_of_the_run():
    class Costly(ScriptedModel):
        def count_tokens(self, request):
            return 40

    said = Say(text="word " * 10, usage=Usage(input_tokens=40, output_tokens=60), delay=0.001)
    lead = Costly(both(), "done", "done", "done")
    librarian, analyst = Costly(said, repeat=True), Costly(said, repeat=True)
    crew = team(lead, librarian, analyst, ScriptedModel(verdict(True)))
    events = run(crew, limits=Budget(tokens=250))
    used = (events[-1].input_tokens or 0) + (events[-1].output_tokens or 0)
    assert used <= 250
    assert events[-1].status == "budget"
    assert final(events)
    assert [m.sampling.max_tokens for m in librarian.requests + analyst.requests]


def test_a_critic_pays_and_a_critic_that_cannot_pay_lets_the_answer_stand():
    price = Price(input=100_000, output=100_000)
    critic = ScriptedModel(verdict(True), price=price)
    lead = ScriptedModel("42", price=price)
    events = run(team(lead, ScriptedModel(), ScriptedModel(), critic))
    assert events[-1].cost == pytest.approx(3.0)
    assert events[-1].input_tokens == 20
    poor = team(ScriptedModel("42"), ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    events = run(poor, limits=Budget(tokens=10_000), task="x" * 2_000)
    assert final(events) == ["42"]
    costly = Say(text="42", usage=Usage(input_tokens=2_000, output_tokens=50))
    events = run(
        team(ScriptedModel(costly), ScriptedModel(), ScriptedModel(), ScriptedModel()),
        limits=Budget(tokens=2_600),
        task="X" * 2_000,
    )
    assert final(events) == ["42"]
    assert any("limit of 2,600 tokens" in failure.message for failure in of(events, Failure))


def test_waiting_for_a_person_takes_no_time_of_the_run():
    from bottega_tools.ask_user import ask_user

    async def slow(text):
        await asyncio.sleep(0.6)
        return "the blue one"

    crew = team(
        ScriptedModel(call("librarian", task="x"), "done"),
        ScriptedModel(call("ask_user", question="Which?"), "blue"),
        ScriptedModel(),
        ScriptedModel(verdict(True)),
        tools=[ask_user],
    )
    events = run(crew, limits=Budget(seconds=0.5), ask=slow)
    assert events[-1].status == "done"
    assert events[-1].seconds < 0.5


def test_the_end_of_a_run_says_what_it_cost():
    crew = team(ScriptedModel("42"), ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    assert run(crew)[-1].cost is None
    assert isinstance(run(crew_of_free())[-1], RunEnded)
    assert run(crew_of_free())[-1].cost == 0


def crew_of_free():
    free = Price(input=0, output=0)
    models = [ScriptedModel(text, price=free) for text in ("42", "", "", verdict(True))]
    return team(*models)


def test_who_takes_a_task_over_from_a_delegate_spends_out_of_its_own_limits():
    talk = Talk(hands_off_to=("two",))
    kinds = {"lead": Coordinator(delegates=("one",)), "one": Specialist(talk=talk)}
    lead = ScriptedModel(call("one", task="Count."), call("one", task="Again."), "Both say 2.")
    handing = [call("handoff", to="two", reason="You count better.")] * 2
    models = {"one": ScriptedModel(*handing), "two": ScriptedModel("2", "2")}
    crew = talking(["start -> lead", "lead -> end"], kinds, lead=lead, **models)
    events = run(limited(crew, one=Budget.only(steps=1), two=Budget.only(steps=1)))
    results = [lead.requests[n].messages[-1].results[0].content for n in (1, 2)]
    assert results == ["2", "2"]
    assert events[-1].steps == 7


def test_limits_of_a_node_in_a_file():
    text = """
nodes:
  lead: {kind: specialist, limits: {steps: 10, tokens: 20000, money: 0.5}}
  other: {kind: specialist}
edges: [start -> lead, lead -> other, other -> end]
limits: {steps: 20, money: 2}
"""
    spec = parse_graph(text)
    assert spec.node("lead").limits == Budget.only(steps=10, tokens=20_000, money=0.5)
    assert spec.node("other").limits is None
    assert spec.limits == Budget(steps=20, money=2)


def test_a_graph_with_money_needs_prices():
    text = """
model: {openai:mystery: {base_url: "http://127.0.0.1:9/v1"}}
nodes: {lead: {kind: specialist, limits: {money: 1}}}
edges: [start -> lead, lead -> end]
"""
    graph = Graph(parse_graph(text))
    with pytest.raises(InputError, match="the price of openai:mystery is not known"):
        graph.run("go")


def test_a_replay_counts_what_was_counted_before(tmp_path):
    store = str(tmp_path / "bottega.db")
    dying = ScriptedModel(call("look", at="a"), call("look", at="b"), Crash())

    def crew(model):
        made = team(
            ScriptedModel(call("librarian", task="x"), "done"),
            model,
            ScriptedModel(),
            ScriptedModel(verdict(True)),
            tools=[look],
        )
        return limited(made, librarian=Budget.only(steps=3))

    with pytest.raises(Crash):
        run(crew(dying), run_id="r", store=store)
    fresh = ScriptedModel("found")
    again = crew(fresh)
    lead = ScriptedModel("done")
    again = replace(again, parts={**again.parts, "lead": replace(again.parts["lead"], model=lead)})
    events = run(again, run_id="r", store=store, resume=True)
    assert (events[-1].status, len(fresh.requests)) == ("done", 1)
    assert events[-1].steps == 5

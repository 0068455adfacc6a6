"""Doing the same again, and handing the same to and fro, is noticed within two rounds."""

import json

import pytest
from test_team import parts, run, team, verdict

from bottega import Budget, tool
from bottega.engine import Team
from bottega.events import Answer, Decision, NodeStarted, RunEnded, Stuck
from bottega.repeats import Repeats
from bottega.rounds import Rounds
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import ScriptedModel, call
from bottega_agents.flow.human import Human
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.specialist import Specialist


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def crew(kinds, models, edges):
    """A team of these kinds; `edges` as in a file: `a -> b: word`."""
    made = []
    for text in edges:
        way, _, word = text.partition(": ")
        source, target = way.split(" -> ")
        made.append(EdgeSpec(source=source, target=target, outcome=word))
    spec = GraphSpec(
        name="crew",
        nodes=tuple(NodeSpec(name=name, kind="") for name in kinds),
        edges=tuple(made),
    )
    peers = dict.fromkeys(kinds, "Helps.")
    made_of = {name: parts(name, models.get(name, ScriptedModel()), peers=peers) for name in kinds}
    return Team(spec=spec, kinds=kinds, parts=made_of)


def reviewed(lead, reviewer, *, rounds=9, human=None):
    kinds = {"lead": Specialist(), "reviewer": Critic(reviews="lead", max_rounds=rounds)}
    edges = ["start -> lead", "lead -> reviewer", "reviewer -> lead: revise"]
    edges.append("reviewer -> end: accept")
    if human:
        kinds["boss"] = human
        edges += ["boss -> end: stop", "boss -> lead: more"]
    return crew(kinds, {"lead": lead, "reviewer": reviewer}, edges)


# -- one agent


def test_the_same_delegation_with_the_same_report_is_noticed_across_visits():
    told = []

    def lead(request):
        results = request.messages[-1].results
        if results and "same call gave the same result" in results[0].content:
            told.append(results[0].content)
            return "I cannot find it out."
        return call("librarian", task="find it")

    librarian = ScriptedModel("It is not there.", repeat=True)
    events = run(
        team(
            ScriptedModel(lead, repeat=True),
            librarian,
            ScriptedModel(),
            ScriptedModel(verdict(True)),
        )
    )
    assert len(librarian.requests) == 2
    assert len(told) == 1
    (stuck,) = of(events, Stuck)
    assert stuck.node == "lead"
    assert stuck.what == (
        'lead called librarian({"task": "find it"}) 2 times, and nothing new came of it'
    )
    assert [e.text for e in of(events, Answer) if e.final] == ["I cannot find it out."]


def test_a_coordinator_that_does_not_listen_is_stopped_with_a_reason():
    lead = ScriptedModel(call("librarian", task="find it"), repeat=True)
    librarian = ScriptedModel("It is not there.", repeat=True)
    events = run(team(lead, librarian, ScriptedModel(), ScriptedModel()))
    assert events[-1].status == "budget"
    assert 'lead called librarian({"task": "find it"}) 5 times' in events[-1].reason
    assert len(librarian.requests) == 2
    assert [e.text for e in of(events, Answer) if e.final] == ["It is not there."]


def test_it_is_noticed_after_a_crash_too(tmp_path):
    store = str(tmp_path / "bottega.db")
    asked = []

    def librarian(request):
        asked.append(1)
        return "It is not there."

    def lead(request):
        results = request.messages[-1].results
        if results and results[0].is_error:
            return "I cannot find it out."
        if len(asked) == 2 and not died:
            died.append(1)
            return Death()
        return call("librarian", task="find it")

    class Death(BaseException):
        """The process dies."""

    died: list[int] = []

    def fresh():
        return team(
            ScriptedModel(lead, repeat=True),
            ScriptedModel(librarian, repeat=True),
            ScriptedModel(),
            ScriptedModel(verdict(True)),
        )

    with pytest.raises(Death):
        run(fresh(), run_id="r", store=store)
    events = run(fresh(), run_id="r", store=store, resume=True)
    assert len(asked) == 2
    assert len(of(events, Stuck)) == 1
    assert events[-1].status == "done"


def test_two_calls_in_turn_are_noticed_as_one_is():
    from bottega import Agent

    looked = []

    @tool(effects="none")
    def look(at: str) -> str:
        """Look."""
        looked.append(at)
        return "nothing"

    turn = iter(["left", "right"] * 20)
    model = ScriptedModel(lambda request: call("look", at=next(turn)), repeat=True)
    result = Agent("seer", model=model, tools=[look]).run("Where is it?")
    assert looked == ["left", "right", "left", "right"]
    assert result.status == "budget"
    assert "seer called look" in result.reason
    assert "in 5 turns in a row, and nothing new came of the last 4" in result.reason
    assert "limit: 5 repeats" in result.reason


def test_what_brings_news_may_be_done_again():
    from bottega import Agent

    state = {"edits": 0}

    @tool(effects="none")
    def test() -> str:
        """Run the tests."""
        return "1 failed"

    @tool(effects="none")
    def edit(text: str) -> str:
        """Edit."""
        state["edits"] += 1
        return "saved"

    script = [step for n in range(6) for step in (call("test"), call("edit", text=str(n)))]
    result = Agent("coder", model=ScriptedModel(*script, "done"), tools=[test, edit]).run("go")
    assert (result.status, state["edits"]) == ("done", 6)
    assert of(result.events, Stuck) == []


def test_a_new_question_of_the_person_begins_anew():
    from bottega.dialects.native import Native
    from bottega.messages import ToolCall, ToolResult, assistant, tool_results, user

    again = ToolCall(id="1", name="look", arguments={"at": 1})
    seen = tool_results([ToolResult(call_id="1", name="look", content="x")])
    messages = [user("go"), assistant("", (again,)), seen, assistant("", (again,)), seen]
    assert Repeats.of(messages, Native()).stuck([again])
    assert not Repeats.of([*messages, user("look again")], Native()).stuck([again])


def test_react_repeats_are_read_from_the_conversation():
    from bottega.dialects.react import React
    from bottega.messages import Message, Text, ToolCall, ToolResult, assistant, user

    said = assistant('Thought: look\nAction: look\nAction Input: {"at": 1}')
    result = ToolResult(call_id="c", name="look", content="x")
    heard = Message(role="user", parts=(Text(text="Observation: x"), result))
    repeats = Repeats.of([user("go"), said, heard, said, heard], React())
    assert repeats.stuck([ToolCall(id="z", name="look", arguments={"at": 1})])


def test_repeats_count_in_a_graph_with_limits_of_nodes():
    lead = ScriptedModel(call("librarian", task="find it"), repeat=True)
    librarian = ScriptedModel("It is not there.", repeat=True)
    stuck = team(lead, librarian, ScriptedModel(), ScriptedModel())
    events = run(stuck, limits=Budget(repeats=3))
    assert "(limit: 3 repeats)" in events[-1].reason


# -- two agents


def test_an_answer_that_does_not_change_is_noticed_and_told():
    lead = ScriptedModel("42", "42", "43")
    critic = ScriptedModel(verdict(False, "too short"), verdict(False, "no"), verdict(True))
    events = run(reviewed(lead, critic))
    (stuck,) = of(events, Stuck)
    assert (stuck.node, stuck.times) == ("lead", 2)
    assert stuck.what.startswith("lead handed reviewer the same work 2 times")
    assert "same work 2 times" in "".join(m.text for m in lead.requests[2].messages)
    assert [e.text for e in of(events, Answer) if e.final] == ["43"]
    assert events[-1].status == "done"


def test_nothing_new_after_that_ends_the_run_and_says_who_did_what():
    lead = ScriptedModel("42", repeat=True)
    critic = ScriptedModel(verdict(False, "too short"), repeat=True)
    events = run(reviewed(lead, critic))
    assert (events[-1].status, len(lead.requests)) == ("budget", 3)
    assert events[-1].reason.startswith("lead handed reviewer the same work 3 times")
    (answer,) = [e for e in of(events, Answer) if e.final]
    assert (answer.text, answer.partial) == ("42", True)
    assert of(events, Decision)[-1].verdict == "revise"


def test_repeats_without_a_limit_are_told_and_not_stopped():
    lead = ScriptedModel("42", repeat=True)
    critic = ScriptedModel(verdict(False, "too short"), repeat=True)
    events = run(reviewed(lead, critic, rounds=4), limits=Budget(repeats=None))
    assert events[-1].status == "done"
    assert len(of(events, Stuck)) >= 2


def test_a_person_decides_where_the_graph_has_one():
    asked = []

    async def boss(text):
        asked.append(text)
        return "stop"

    human = Human(question="Shall it go on?", options=("stop", "more"))
    lead = ScriptedModel("42", repeat=True)
    critic = ScriptedModel(verdict(False, "too short"), repeat=True)
    events = run(reviewed(lead, critic, human=human), ask=boss)
    assert len(asked) == 1
    assert "lead handed reviewer the same work 3 times" in asked[0]
    assert events[-1].status == "done"
    assert [e.node for e in of(events, NodeStarted)][-1] == "boss"


def test_an_agent_that_is_stuck_alone_is_put_before_the_person_too(tmp_path):
    kinds = {"lead": Specialist(), "boss": Human(question="What now?", options=("stop", "more"))}
    edges = ["start -> lead", "lead -> end", "boss -> lead: more", "boss -> end: stop"]

    @tool(effects="none")
    def look() -> str:
        """Look."""
        return "nothing"

    made = crew(kinds, {}, edges)
    lead = parts("lead", ScriptedModel(call("look"), repeat=True), tools=[look])
    stuck = Team(spec=made.spec, kinds=kinds, parts={**made.parts, "lead": lead})
    events = run(stuck, run_id="r", store=str(tmp_path / "bottega.db"))
    assert events[-1].status == "waiting"
    assert "lead called look({})" in events[-1].reason


def test_the_way_that_most_went_is_named():
    rounds = Rounds({})
    for _ in range(3):
        rounds.note("a", "b", "x")
    rounds.note("b", "a", "x")
    assert Rounds.busiest(rounds.new) == "a -> b 3 times"
    assert Rounds.busiest({}) == ""


def test_langgraph_s_own_limit_is_told_as_ours(monkeypatch, tmp_path):
    from bottega_agents import engine

    monkeypatch.setattr(engine, "RECURSION_LIMIT", 6)
    lead = ScriptedModel(*[str(n) for n in range(50)])
    critic = ScriptedModel(verdict(False, "too short"), repeat=True)
    events = run(reviewed(lead, critic, rounds=40), store=str(tmp_path / "bottega.db"))
    assert isinstance(events[-1], RunEnded)
    assert events[-1].status == "budget"
    assert "the limit of 6 rounds is reached" in events[-1].reason
    assert "recursion" not in events[-1].reason.lower()
    assert [e.text for e in of(events, Answer) if e.final]


def test_the_event_round_trips():
    from bottega.events import Event

    event = Stuck(run_id="r", node="a", what="a handed b the same", times=2)
    assert Event.from_json(json.loads(event.dumps())) == event

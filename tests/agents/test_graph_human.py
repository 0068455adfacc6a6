"""The kind `human`: asked at once, waiting on disk, in anybody's graph."""

import asyncio

import pytest
from test_graph_branches import asked, broken, crew, started
from test_team import play, run
from test_threads import final
from test_waiting import asked as questions_in

from bottega.errors import InputError
from bottega.events import Decision
from bottega.plugin.manager import PluginManager
from bottega.questions import Ruling
from bottega.spec.check import check_graph
from bottega.spec.reader import parse_graph
from bottega_agents.flow.human import Human
from bottega_agents.graph.compiler import compile_team
from bottega_agents.roles.coordinator import Coordinator

REVIEW = ["start -> a", "a -> ask", "ask -> end: approve", "ask -> a: revise (at most 3)"]
APPROVAL = Human(question="Good?", options=("approve", "revise"))


def review(*replies, kind=APPROVAL, edges=REVIEW):
    return crew(edges, kinds={"ask": kind}, a=list(replies), ask=[])


def replies(*said):
    """Somebody in front of the run; what was asked is in `asked`."""
    left, heard = list(said), []

    async def ask(question):
        heard.append(question)
        return left.pop(0)

    ask.heard = heard
    return ask


def test_a_person_sends_back_and_lets_through():
    team, ask = review("one", "two"), replies("revise: too short", "what?", "yes")
    events = run(team, task="go", ask=ask)
    assert final(events) == ["two"]
    assert "too short" in asked(team, "a", 1)[-1]
    assert "a has this:\none" in ask.heard[0]
    assert "(yes, no and why, or what it should be as text in JSON's quotes)" in ask.heard[0]
    assert ask.heard[2].startswith("'what?' is neither yes, no nor JSON")
    assert [event.verdict for event in events if isinstance(event, Decision)] == [
        "revise",
        "approve",
    ]


def test_a_person_may_edit_the_answer():
    events = run(review("one"), task="go", ask=replies('"better"'))
    assert final(events) == ["better"]


def test_the_run_waits_on_disk_for_each_ruling(tmp_path):
    store = tmp_path / "bottega.db"
    first = run(review("one"), task="go", run_id="r", store=store)
    (question,) = questions_in(first)
    assert first[-1].status == "waiting"
    assert question["options"] == ["approve", "revise"]
    again = {"task": "", "run_id": "r", "store": store, "resume": True}
    sent_back = {question["id"]: Ruling(verdict="reject", text="longer")}
    team = review("two")
    second = run(team, rulings=sent_back, **again)
    assert "longer" in asked(team, "a")[-1]
    (other,) = questions_in(second)
    assert other["id"] != question["id"]
    team = review()
    done = run(team, rulings={other["id"]: Ruling(verdict="approve")}, **again)
    assert final(done) == ["two"]


CHOICE = Human(question="Which?", options=("left", "right", "middle"))
WAYS = ["start -> ask", "ask -> a: left", "ask -> b: right", "ask -> end: middle"]


def choice():
    edges = [*WAYS, "a -> end", "b -> end"]
    return crew(edges, kinds={"ask": CHOICE}, ask=[], a=["went left"], b=["went right"])


def test_a_person_takes_a_way_and_says_why(tmp_path):
    store = tmp_path / "bottega.db"
    (question,) = questions_in(run(choice(), task="go", run_id="r", store=store))
    resume = {"task": "", "run_id": "r", "store": store, "resume": True}
    with pytest.raises(InputError, match="does not answer"):
        run(choice(), rulings={question["id"]: Ruling(verdict="answer", text="up")}, **resume)
    team = choice()
    ruling = Ruling(verdict="answer", text="Right, it is shorter")
    events = run(team, rulings={question["id"]: ruling}, **resume)
    assert final(events) == ["went right"]
    assert "it is shorter" in asked(team, "b")[-1]


def test_what_a_person_says_is_the_answer():
    team = crew(
        ["start -> ask", "ask -> a", "a -> end"],
        kinds={"ask": Human(question="Which colour?")},
        ask=[],
        a=["Painted it red."],
    )
    ask = replies("red")
    events = run(team, task="Paint the door.", ask=ask)
    assert final(events) == ["Painted it red."]
    assert asked(team, "a") == ["Paint the door.\n\nSo far ask has this:\nred"]
    assert ask.heard == ["Which colour?"]


def test_a_failure_is_shown_to_the_person():
    edges = ["start -> a", "a -> end", "a -> ask: if failed", "ask -> end"]
    edges[1] = "a -> end: if not failed"
    team = crew(edges, kinds={"ask": Human(question="What now?")}, a=broken(), ask=[])
    ask = replies("never mind")
    events = run(team, task="go", ask=ask)
    assert events[-1].status == "done"
    assert final(events) == ["never mind"]
    assert "a has failed:\n(failed: " in ask.heard[0]


def test_without_anybody_the_node_fails_and_an_edge_may_speak_of_that():
    events = run(review("one"), task="go")
    assert events[-1].status == "failed"
    assert "nobody is there" in events[-1].reason
    edges = [*REVIEW, "ask -> b: if failed", "b -> end"]
    team = crew(edges, kinds={"ask": APPROVAL}, a=["one"], ask=[], b=["went on"])
    assert final(run(team, task="go")) == ["went on"]


def test_a_coordinator_may_ask_a_person(tmp_path):
    from bottega.testing import call

    kinds = {"lead": Coordinator(delegates=("ask",)), "ask": Human()}
    store = tmp_path / "bottega.db"
    replied = call("ask", task="Which colour?")
    edges = ["start -> lead", "lead -> end"]
    team = crew(edges, kinds=kinds, lead=[replied], ask=[])
    (question,) = questions_in(run(team, task="go", run_id="r", store=store))
    assert question["text"] == "Which colour?"
    team = crew(edges, kinds=kinds, lead=["It is red."], ask=[])
    ruling = {question["id"]: Ruling(verdict="answer", text="red")}
    events = run(team, task="", run_id="r", store=store, resume=True, rulings=ruling)
    assert final(events) == ["It is red."]


def test_two_people_in_branches_each_keep_their_own_answer(tmp_path):
    kinds = {"one": Human(question="First?"), "two": Human(question="Second?")}
    edges = ["start -> [one, two]", '"[one, two] -> c"', "c -> end"]
    store = tmp_path / "bottega.db"

    def team():
        return crew(edges, kinds=kinds, one=[], two=[], c=["both"])

    ids = {q["node"]: q["id"] for q in questions_in(run(team(), task="x", run_id="r", store=store))}
    resume = {"task": "", "run_id": "r", "store": store, "resume": True}
    half = run(team(), rulings={ids["two"]: Ruling(verdict="answer", text="B")}, **resume)
    assert half[-1].status == "waiting"
    whole = team()
    events = run(whole, rulings={ids["one"]: Ruling(verdict="answer", text="A")}, **resume)
    assert final(events) == ["both"]
    assert [text[-3:] for text in asked(whole, "c")[:2]] == ['"A"', '"B"']


def test_in_langgraphs_own_tools_the_interrupt_takes_a_word():
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    graph = compile_team(review("one", "two"), InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}

    async def whole():
        await graph.ainvoke({"task": "go"}, config)
        second = await graph.ainvoke(Command(resume="revise, it is short"), config)
        assert second["__interrupt__"][0].value[0]["value"] == "two"
        return await graph.ainvoke(Command(resume=True), config)

    assert asyncio.run(whole())["answer"] == "two"


def test_the_same_by_invoke():
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    graph = compile_team(review("one"), InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    assert graph.invoke({"task": "go"}, config)["__interrupt__"]
    assert graph.invoke(Command(resume="approve"), config)["answer"] == "one"


def findings(text):
    import bottega_agents.plugin

    manager = PluginManager()
    manager.register(bottega_agents.plugin, "agents")
    return [str(finding) for finding in check_graph(parse_graph(text), manager)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("[approve, revise]", ""),
        ("[approve]", "name at least two different words"),
        ("[approve, Approve]", "name at least two different words"),
        ("[send back, approve]", "'send back' cannot stand on an edge"),
        ("[if, approve]", "'if' cannot stand on an edge"),
    ],
)
def test_options_are_checked(options, expected):
    text = f"nodes: {{ask: {{kind: human, options: {options}}}}}\n"
    text += "edges: [start -> ask, ask -> end: approve, ask -> end: else]\n"
    lines = [line for line in findings(text) if "embedded" not in line]
    assert bool(lines) == bool(expected), lines
    assert not lines or expected in lines[0]


def test_a_persons_way_back_needs_a_bound_like_any_other():
    text = "nodes: {a: {kind: specialist}, ask: {kind: human, options: [yes, no]}}\n"
    text += "edges: [start -> a, a -> ask, ask -> end: yes, ask -> a: no]\n"
    assert any("a cycle without a bound" in line for line in findings(text))


def test_events_name_the_node():
    async def events():
        return await play(review("one"), task="go", ask=replies("approve"))

    assert started(asyncio.run(events())) == ["a", "ask"]

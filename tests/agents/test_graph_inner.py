"""The kind `graph`: a graph file used as one agent, its findings, its events, its resume."""

import asyncio

import pytest
from test_graph_branches import asked
from test_team import parts, run, verdict
from test_threads import final, interrupt
from test_waiting import Post, approving
from test_waiting import asked as questions_in

from bottega import Budget, Graph
from bottega.engine import Team
from bottega.events import Answer, NodeStarted
from bottega.questions import Ruling
from bottega.spec.reader import parse_graph
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.flow.graph import InnerGraph
from bottega_agents.flow.human import Human
from bottega_agents.flow.map import Map
from bottega_agents.graph.compiler import compile_team
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.specialist import Specialist


def build(edges, limits="", /, **nodes):
    """A team; a node is a list of replies, a team, parts, or a pair of a kind and one of these."""
    listed = "".join(f"  - {edge}\n" for edge in edges)
    names = ", ".join(f"{name}: {{kind: x}}" for name in nodes)
    spec = parse_graph(f"nodes: {{{names}}}\nedges:\n{listed}{limits}")
    kinds, made = {}, {}
    for name, node in nodes.items():
        kind, script = node if isinstance(node, tuple) else (Specialist(), node)
        if isinstance(script, Team):
            from dataclasses import replace

            kind = InnerGraph(graph=script.spec)
            made[name] = replace(parts(name, ScriptedModel()), team=script)
        elif isinstance(script, list):
            made[name] = parts(name, ScriptedModel(*script))
        else:
            made[name] = script
        kinds[name] = kind
    return Team(spec=spec, kinds=kinds, parts=made)


INNER = ["start -> first", "first -> second", "second -> end"]


def pair(*replies):
    return build(INNER, first=[replies[0]], second=[replies[1]])


def test_a_graph_is_one_agent_and_its_events_bear_both_names():
    inner = pair("inside 1", "inside 2")
    team = build(["start -> a", "a -> g", "g -> b", "b -> end"], a=["A"], g=inner, b=["B"])
    events = run(team, task="go")
    assert final(events) == ["B"]
    nodes = [event.node for event in events if isinstance(event, NodeStarted)]
    assert nodes == ["a", "g", "g/first", "g/second", "b"]
    assert asked(inner, "first") == ["go\n\nSo far a has this:\nA"]
    assert asked(team, "b") == ["go\n\nSo far g has this:\ninside 2"]
    assert events[-1].steps == 4


def test_a_graph_with_a_coordinator_may_be_a_delegate():
    inner = build(
        ["start -> lead", "lead -> end"],
        lead=(Coordinator(delegates=("helper",)), [call("helper", task="help"), "inner answer"]),
        helper=["helped"],
    )
    lead = [call("team", task="part"), "outer answer"]
    team = build(
        ["start -> lead", "lead -> end"], lead=(Coordinator(delegates=("team",)), lead), team=inner
    )
    events = run(team, task="go")
    assert final(events) == ["outer answer"]
    (result,) = team.parts["lead"].model.requests[1].messages[-1].results
    assert result.content == "inner answer"
    assert "team/helper" in [event.node for event in events if isinstance(event, NodeStarted)]


def test_a_failure_inside_is_a_failure_of_the_node():
    team = build(
        ["start -> g", "g -> end: if not failed", "g -> b: if failed", "b -> end"],
        g=build(INNER, first=["", "", ""], second=[]),
        b=["rescued"],
    )
    assert final(run(team, task="go")) == ["rescued"]


def test_the_limits_of_the_inner_file_hold_inside():
    inner = build(INNER, "limits: {steps: 1}\n", first=["one"], second=["never"])
    team = build(["start -> g", "g -> end"], g=inner)
    events = run(team, task="go", limits=Budget(steps=9))
    assert events[-1].status == "budget"
    assert inner.parts["second"].model.requests == []


def test_sent_back_its_nodes_go_on_with_their_conversations():
    inner = build(["start -> w", "w -> end"], w=["one", "two"])
    critic = (Critic(reviews="g"), [verdict(False, "too short"), verdict(True)])
    edges = ["start -> g", "g -> c", "c -> g: revise", "c -> end: accept"]
    events = run(build(edges, g=inner, c=critic), task="go")
    assert final(events) == ["two"]
    again = asked(inner, "w", 1)
    assert again[:2] == ["go", "one"]
    assert "too short" in again[2]


def test_a_thread_goes_on_inside(tmp_path):
    inner = build(["start -> w", "w -> end"], w=["Rome", "2.8 million"])
    team = build(["start -> g", "g -> end"], g=inner)
    for task in ("Capital of Italy?", "How many live there?"):
        run(team, task=task, thread="t", store=tmp_path / "bottega.db")
    assert asked(inner, "w", 1) == ["Capital of Italy?", "Rome", "How many live there?"]


def test_after_a_crash_what_had_finished_inside_does_not_run_again(tmp_path):
    store = tmp_path / "bottega.db"
    slow, first = ScriptedModel(Say(text="late", delay=30)), ScriptedModel("one")
    inner = build(INNER, first=parts("first", first), second=parts("second", slow))
    dying = build(["start -> g", "g -> end"], g=inner)
    asyncio.run(interrupt(dying, lambda: slow.requests, run_id="r", store=store))
    fresh = build(["start -> g", "g -> end"], g=build(INNER, first=[], second=["two"]))
    events = run(fresh, task="", run_id="r", store=store, resume=True)
    assert final(events) == ["two"]
    assert len(first.requests) == 1
    assert events[-1].steps == 2


def test_a_tool_inside_waits_for_approval_and_is_called_once(tmp_path):
    store, post = tmp_path / "bottega.db", Post()

    def team(*replies):
        inner = build(["start -> w", "w -> end"], w=approving("w", ScriptedModel(*replies), post))
        return build(["start -> [g, h]", '"[g, h] -> b"', "b -> end"], g=inner, h=inner, b=["B"])

    from bottega.testing import calls

    both = [calls([call("send", to="ann")]), calls([call("send", to="ann")])]
    waiting = questions_in(run(team(*both), task="go", run_id="r", store=store))
    ids = [question["id"] for question in waiting]
    assert len(set(ids)) == 2
    rulings = {ids[0]: Ruling(verdict="approve"), ids[1]: Ruling(verdict="reject", text="no")}
    resumed = team("sent", "not sent")
    events = run(resumed, task="", run_id="r", store=store, resume=True, rulings=rulings)
    assert final(events) == ["B"]
    assert post.sent == ["ann"]


def test_a_person_inside_is_asked_anew_in_each_visit(tmp_path):
    kind = Human(question="Good?", options=("approve", "revise"))

    def team(first, check):
        edges = ["start -> w", "w -> ask", "ask -> end: approve", "ask -> w: revise (at most 2)"]
        inner = build(edges, w=first, ask=(kind, []))
        outer = ["start -> g", "g -> c", "c -> g: revise (at most 1)", "c -> end: accept"]
        return build(outer, g=inner, c=(Critic(reviews="g"), check))

    store = tmp_path / "bottega.db"
    (question,) = questions_in(run(team(["1"], []), task="go", run_id="r", store=store))
    resume = {"task": "", "run_id": "r", "store": store, "resume": True}
    approve = Ruling(verdict="approve")
    half = team(["2"], [verdict(False, "no")])
    (other,) = questions_in(run(half, rulings={question["id"]: approve}, **resume))
    assert other["id"] != question["id"]
    done = run(team([], [verdict(True)]), rulings={other["id"]: approve}, **resume)
    assert final(done) == ["2"]


def test_a_map_over_a_graph():
    def reply(request):
        return f"did {request.messages[1].text}"

    inner = build(["start -> w", "w -> end"], w=parts("w", ScriptedModel(reply, repeat=True)))
    team = build(["start -> each", "each -> end"], each=(Map(node="g"), []), g=inner)
    assert final(run(team, task="one\ntwo")) == ["1. did one\n\n2. did two"]


def test_it_is_drawn_and_streamed_as_langgraphs_own_subgraph():
    team = build(["start -> g", "g -> end"], g=pair("x", "y"))
    graph = compile_team(team)
    drawn = graph.get_graph(xray=True).draw_mermaid()
    assert "subgraph g" in drawn
    assert "first" in drawn
    inner = build(["start -> g", "g -> end"], g=pair("x", "y"))

    async def spaces():
        stream = compile_team(inner).astream({"task": "go"}, subgraphs=True, stream_mode="updates")
        return [(len(space), name) async for space, update in stream for name in update]

    assert asyncio.run(spaces()) == [(1, "first"), (1, "second"), (0, "g")]
    assert graph.invoke({"task": "go"})["answer"] == "y"


def test_any_saver_resumes_it_and_keeps_its_conversation():
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    inner = build(
        ["start -> w", "w -> ask", "ask -> end"], w=["one", "two"], ask=(Human(question="?"), [])
    )
    graph = compile_team(build(["start -> g", "g -> end"], g=inner), InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}

    async def whole():
        for task, said in (("go", "A"), ("on", "B")):
            first = await graph.ainvoke({"task": task}, config)
            assert first["__interrupt__"]
            done = await graph.ainvoke(Command(resume=said), config)
            assert done["answer"] == said

    asyncio.run(whole())
    assert asked(inner, "w", 1)[:2] == ["go", "one"]


OUTER = """\
model: embedded
nodes:
  lead: {kind: coordinator, delegates: [team]}
  team: {kind: graph, file: inner.yaml, description: "finds and checks"}
edges: [start -> lead, lead -> end]
"""
INSIDE = """\
nodes:
  w: {kind: specialist, tools: [calculator]}
  c: {kind: critic, reviews: w}
edges: [start -> w, w -> c, "c -> w: revise", "c -> end: accept"]
"""


def write(tmp_path, outer=OUTER, inner=INSIDE):
    (tmp_path / "outer.yaml").write_text(outer)
    (tmp_path / "inner.yaml").write_text(inner)
    return tmp_path / "outer.yaml"


def findings(path):
    from bottega.plugin.manager import default_plugins
    from bottega.spec.check import check_file

    return [str(finding) for finding in check_file(path, default_plugins()).findings]


def test_a_file_names_another(tmp_path):
    path = write(tmp_path)
    assert findings(path) == []
    graph = Graph.from_yaml(path)
    team = graph.team.parts["team"].team
    assert [node.name for node in team.spec.nodes] == ["w", "c"]
    before = graph.digest()
    write(tmp_path, inner=INSIDE.replace("reviews: w", "reviews: w, max_rounds: 3"))
    assert Graph.from_yaml(path).digest() != before


def test_its_findings_have_their_own_file_and_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, OUTER + "limit: 3\n", INSIDE.replace("reviews: w", "reviews: x"))
    found = findings(path)
    assert found[0].startswith(f"{path}:6:1: unknown key 'limit'")
    assert found[1].startswith("inner.yaml:3:30: unknown node 'x'")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("../inner.yaml", "'../inner.yaml' is outside the graph's folder"),
        ("/etc/passwd", "is outside the graph's folder"),
        ("innr.yaml", "there is no such file; did you mean"),
        ("outer.yaml", "graphs hold each other in a circle: outer.yaml -> outer.yaml"),
        ("link.yaml", "is outside the graph's folder"),
    ],
)
def test_only_files_inside_the_folder_are_read(tmp_path, file, expected):
    folder = tmp_path / "graphs"
    folder.mkdir()
    (tmp_path / "other.yaml").write_text(INSIDE)
    (folder / "link.yaml").symlink_to(tmp_path / "other.yaml")
    path = write(folder, OUTER.replace("inner.yaml", file))
    found = findings(path)
    assert any(expected in line for line in found), found


def test_graphs_do_not_hold_each_other(tmp_path):
    inner = "nodes: {o: {kind: graph, file: outer.yaml}}\nedges: [start -> o, o -> end]\n"
    found = findings(write(tmp_path, inner=inner))
    assert len(found) == 1
    assert "in a circle: outer.yaml -> inner.yaml -> outer.yaml" in found[0]
    assert "inner.yaml:1:" in found[0]


def test_nesting_has_an_end(tmp_path):
    for number in range(12):
        nodes = f"nodes: {{g: {{kind: graph, file: g{number + 1}.yaml}}}}\n"
        (tmp_path / f"g{number}.yaml").write_text(nodes + "edges: [start -> g, g -> end]\n")
    assert "nested deeper than 8" in findings(tmp_path / "g0.yaml")[0]


def test_what_hands_on_work_cannot_be_a_delegate_but_a_graph_can(tmp_path):
    text = OUTER.replace("delegates: [team]", "delegates: [team, boss]")
    text = text.replace("edges:", "  boss: {kind: coordinator, delegates: [team]}\nedges:")
    (found,) = findings(write(tmp_path, text))
    assert "'boss' cannot be a delegate" in found
    assert "`kind: graph`" in found


def test_its_answer_event_is_not_the_runs():
    team = build(["start -> g", "g -> end"], g=pair("x", "y"))
    events = run(team, task="go")
    answers = [(event.node, event.final) for event in events if isinstance(event, Answer)]
    assert answers == [("g/first", False), ("g/second", False), ("", True)]

"""Coordinator, specialist and critic on LangGraph: delegation, review, threads, resume."""

import asyncio
import json
from pathlib import Path

import pytest

from bottega import Agent, Budget, Graph, tool
from bottega.engine import Job, Team
from bottega.events import Answer, Decision, MessageSent, NodeStarted, Observation
from bottega.node import AgentParts
from bottega.plugin.manager import PluginManager
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import ScriptedModel, call, calls
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.specialist import Specialist


def parts(name, model, *, tools=(), peers=None, decider=None) -> AgentParts:
    from bottega.deciders import PromptDecider
    from bottega.dialects.native import Native

    return AgentParts(
        name=name,
        model=model,
        decider=decider or PromptDecider(model),
        dialect=Native(),
        tools=tuple(tools),
        peers=peers or {},
    )


def team(lead, librarian, analyst, reviewer, *, max_rounds=2, tools=()) -> Team:
    kinds = {
        "lead": Coordinator(delegates=("librarian", "analyst")),
        "librarian": Specialist(),
        "analyst": Specialist(),
        "reviewer": Critic(reviews="lead", max_rounds=max_rounds),
    }
    peers = {"librarian": "Finds passages.", "analyst": "Calculates."}
    made = {
        "lead": parts("lead", lead, peers=peers),
        "librarian": parts("librarian", librarian, tools=tools),
        "analyst": parts("analyst", analyst),
        "reviewer": parts("reviewer", reviewer),
    }
    edges = (("start", "lead", ""), ("lead", "reviewer", ""))
    edges += (("reviewer", "lead", "revise"), ("reviewer", "end", "accept"))
    spec = GraphSpec(
        name="team",
        nodes=tuple(NodeSpec(name=name, kind="") for name in kinds),
        edges=tuple(EdgeSpec(source=s, target=t, outcome=o) for s, t, o in edges),
    )
    return Team(spec=spec, kinds=kinds, parts=made)


def verdict(value, reason=""):
    return json.dumps({"verdict": value, "probability": 0.9, "reason": reason})


async def play(team, **job):
    from bottega_agents.engine import LangGraphEngine

    job.setdefault("task", "What is the answer?")
    job.setdefault("limits", Budget())
    return [event async for event in LangGraphEngine().stream(team, Job(**job))]


def run(team, **job):
    return asyncio.run(play(team, **job))


def both(a="find it", b="compute it"):
    return calls([call("librarian", task=a), call("analyst", task=b)])


def test_delegates_in_parallel_and_composes():
    lead = ScriptedModel(both(), "Found and computed: 42.")
    events = run(
        team(lead, ScriptedModel("found"), ScriptedModel("42"), ScriptedModel(verdict(True)))
    )
    assert events[-1].status == "done"
    final = [event for event in events if isinstance(event, Answer) and event.final]
    assert [event.text for event in final] == ["Found and computed: 42."]
    assert [(e.node, e.to) for e in events if isinstance(e, MessageSent)] == [
        ("lead", "librarian"),
        ("lead", "analyst"),
    ]
    results = lead.requests[1].messages[-1].results
    assert [(r.name, r.content) for r in results] == [("librarian", "found"), ("analyst", "42")]


def test_a_delegate_sees_only_its_task():
    librarian = ScriptedModel("found")
    lead = ScriptedModel(call("librarian", task="find the lamp"), "ok")
    run(team(lead, librarian, ScriptedModel(), ScriptedModel(verdict(True))))
    assert [m.text for m in librarian.requests[0].messages][1:] == ["find the lamp"]


def test_a_failing_delegate_is_reported_to_the_coordinator():
    lead = ScriptedModel(both(), "The analyst failed.")
    analyst = ScriptedModel("", "", "")
    events = run(team(lead, ScriptedModel("found"), analyst, ScriptedModel(verdict(True))))
    assert events[-1].status == "done"
    results = lead.requests[1].messages[-1].results
    assert [r.is_error for r in results] == [False, True]
    assert "analyst failed" in results[1].content


def test_critic_sends_back_with_reasons_and_bounded_rounds():
    lead = ScriptedModel("first", "second", "third")
    critic = ScriptedModel(
        verdict(False, "too short"), verdict(False, "wrong"), verdict(False, "no")
    )
    events = run(team(lead, ScriptedModel(), ScriptedModel(), critic))
    assert events[-1].status == "done"
    assert [e.verdict for e in events if isinstance(e, Decision)] == ["revise", "revise", "accept"]
    assert "too short" in lead.requests[1].messages[-1].text
    assert [e.text for e in events if isinstance(e, Answer) and e.final] == ["third"]


def test_budget_is_shared_by_the_team():
    lead = ScriptedModel(both(), "never")
    events = run(
        team(lead, ScriptedModel("found"), ScriptedModel("42"), ScriptedModel(verdict(True))),
        limits=Budget(steps=3),
    )
    assert events[-1].status == "budget"
    assert events[-1].steps == 3
    final = [event for event in events if isinstance(event, Answer) and event.final]
    assert final
    assert final[0].partial


def test_a_thread_goes_on_with_the_conversation(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel("Rome", "About 2.8 million")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True), verdict(True)))
    run(crew, task="Capital of Italy?", thread="t", store=store)
    run(crew, task="How many live there?", thread="t", store=store)
    texts = [message.text for message in lead.requests[1].messages]
    assert texts[1:] == ["Capital of Italy?", "Rome", "How many live there?"]


def test_no_class_of_ours_is_in_the_store(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel(both(), "ok")
    run(
        team(lead, ScriptedModel("a"), ScriptedModel("b"), ScriptedModel(verdict(True))),
        store=store,
    )
    data = (
        store.read_bytes() + Path(f"{store}-wal").read_bytes()
        if Path(f"{store}-wal").exists()
        else store.read_bytes()
    )
    assert b"bottega.messages" not in data
    assert b"pickle" not in data


class Crash(BaseException):
    """Stands for the process dying."""


def test_resume_replays_finished_steps_and_never_repeats_a_tool(tmp_path):
    store = tmp_path / "bottega.db"
    counted = []

    @tool
    def count(step: int) -> int:
        """Count."""
        counted.append(step)
        return step

    script = [call("count", step=1), call("count", step=2), Crash()]
    dying = team(
        ScriptedModel(call("librarian", task="count")),
        ScriptedModel(*script),
        ScriptedModel(),
        ScriptedModel(),
        tools=[count],
    )
    with pytest.raises(Crash):
        run(dying, run_id="r1", store=store)
    assert counted == [1, 2]

    librarian = ScriptedModel(call("count", step=3), "counted")
    lead = ScriptedModel("All counted.")
    fresh = team(lead, librarian, ScriptedModel(), ScriptedModel(verdict(True)), tools=[count])
    events = run(fresh, run_id="r1", store=store, resume=True)
    assert events[-1].status == "done"
    assert counted == [1, 2, 3]
    replayed = [e.replayed for e in events if isinstance(e, Observation)]
    assert replayed == [True, True, False]
    assert len(librarian.requests) == 2
    assert len(librarian.requests[0].messages) == 6


def test_an_interrupted_once_tool_is_reported_as_outcome_unknown(tmp_path):
    store = tmp_path / "bottega.db"
    fired = []

    @tool(effects="once")
    async def fire() -> str:
        """Fire."""
        fired.append(1)
        await asyncio.sleep(60)
        return "fired"

    async def die():
        crew = team(
            ScriptedModel(call("librarian", task="fire")),
            ScriptedModel(call("fire")),
            ScriptedModel(),
            ScriptedModel(),
            tools=[fire],
        )
        task = asyncio.ensure_future(play(crew, run_id="r2", store=store))
        while not fired:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(die())
    librarian = ScriptedModel("I cannot tell whether it fired.")
    fresh = team(
        ScriptedModel("Unknown."),
        librarian,
        ScriptedModel(),
        ScriptedModel(verdict(True)),
        tools=[fire],
    )
    events = run(fresh, run_id="r2", store=store, resume=True)
    assert fired == [1]
    (observation,) = [e for e in events if isinstance(e, Observation)]
    assert observation.is_error
    assert "unknown" in observation.content


def test_nodes_work_in_anybodys_graph():
    from typing import TypedDict

    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, StateGraph

    class Mine(TypedDict, total=False):
        task: str
        answer: str
        verdict: str
        mine: str

    def shout(state: Mine) -> Mine:
        return {"mine": state["answer"].upper()}

    specialist = Specialist().build(parts("writer", ScriptedModel("hello", "hello again")))
    critic = Critic(reviews="writer").build(
        parts("critic", ScriptedModel(verdict(False, "more"), verdict(True)))
    )
    from bottega_agents.graph.state import State

    class Both(State, Mine, total=False):
        pass

    builder = StateGraph(Both)
    builder.add_node("writer", specialist)
    builder.add_node("critic", critic)
    builder.add_node("shout", shout)
    builder.add_edge(START, "writer")
    builder.add_edge("writer", "critic")
    builder.add_conditional_edges(
        "critic", lambda s: s["verdict"], {"revise": "writer", "accept": "shout"}
    )
    builder.add_edge("shout", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}

    async def main():
        kinds = [
            chunk["kind"]
            async for chunk in graph.astream({"task": "greet"}, config, stream_mode="custom")
        ]
        return kinds, (await graph.aget_state(config)).values

    kinds, values = asyncio.run(main())
    assert values["mine"] == "HELLO AGAIN"
    assert (values["spent"]["steps"], values["spent"]["tokens"]) == (2, 60)  # the critic's, too
    assert kinds.count("node_started") == 4
    assert "answer" in kinds


def test_a_coordinator_works_in_a_graph_built_by_hand():
    from langgraph.graph import END, START, StateGraph

    from bottega_agents.graph.compiler import delegated
    from bottega_agents.graph.state import State

    lead = ScriptedModel(call("helper", task="help"), "done")
    coordinator = Coordinator(delegates=("helper",), then=END)
    builder = StateGraph(State)
    builder.add_node(
        "lead",
        coordinator.build(parts("lead", lead, peers={"helper": "Helps."})),
        destinations=("helper", END),
    )
    builder.add_node("helper", delegated(Specialist().build(parts("helper", ScriptedModel("42")))))
    builder.add_edge(START, "lead")
    values = asyncio.run(builder.compile().ainvoke({"task": "go"}))
    assert values["answer"] == "done"


def test_the_compiled_graph_is_an_ordinary_one():
    from bottega_agents.graph.compiler import compile_team

    crew = team(ScriptedModel("x"), ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    graph = compile_team(crew)
    drawn = graph.get_graph().draw_mermaid()
    for line in ("lead -.-> librarian", "librarian -.-> lead"):
        assert line in drawn
    assert "reviewer -. &nbsp;revise&nbsp; .-> lead" in drawn
    assert asyncio.run(graph.ainvoke({"task": "go"}))["answer"] == "x"


def test_cancelling_a_team_leaves_no_task():
    from bottega.testing import Say
    from bottega_agents.engine import LangGraphEngine

    crew = team(
        ScriptedModel(Say(text="late", delay=30)), ScriptedModel(), ScriptedModel(), ScriptedModel()
    )

    async def main():
        stream = LangGraphEngine().stream(crew, Job(task="go", limits=Budget()))
        async for event in stream:
            if isinstance(event, NodeStarted):
                break
        await stream.aclose()
        await asyncio.sleep(0.05)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == set()


def test_an_agent_with_a_thread_remembers(tmp_path):
    from bottega import plugin
    from bottega.dialects.native import Native
    from bottega_agents import plugin as agents_plugin

    plugins = PluginManager()
    plugins.register(agents_plugin, "agents")
    model = ScriptedModel("Hello Ada.", "Your name is Ada.")
    agent = Agent("friend", model=model, dialect=Native(), plugins=plugins, folder=tmp_path)
    agent.run("I am Ada.", thread="a")
    assert agent.run("Who am I?", thread="a").answer == "Your name is Ada."
    assert len(model.requests[1].messages) == len(model.requests[0].messages) + 2
    assert plugin
    assert Graph

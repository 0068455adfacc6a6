"""LangGraph's own savers under a compiled graph: each works as it is called, or says why not."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from test_graph_inner import build
from test_team import parts

from bottega import Graph, tool
from bottega.testing import ScriptedModel, call
from bottega_agents.flow.human import Human
from bottega_agents.graph.compiler import compile_team

HERE = {"configurable": {"thread_id": "t"}}


class Crash(BaseException):
    """Stands for the process dying."""


@pytest.fixture
def sqlite(tmp_path):
    from langgraph.checkpoint.sqlite import SqliteSaver

    with closing(sqlite3.connect(tmp_path / "own.db", check_same_thread=False)) as connection:
        yield SqliteSaver(connection)


def sender(sent, *replies):
    @tool(effects="once")
    def send(to: str) -> str:
        """Send."""
        sent.append(to)
        return "sent"

    return build(["start -> a", "a -> end"], a=parts("a", ScriptedModel(*replies), tools=[send]))


def test_a_synchronous_saver_keeps_the_steps_of_a_graph_that_is_invoked(sqlite):
    sent = []
    with pytest.raises(Crash):
        dying = compile_team(sender(sent, call("send", to="ann"), Crash()), sqlite)
        dying.invoke({"task": "go"}, HERE)
    again = compile_team(sender(sent, "It is sent."), sqlite)
    assert again.invoke(None, HERE)["answer"] == "It is sent."
    assert sent == ["ann"]


def test_awaited_it_says_what_to_take_instead(sqlite):
    graph = compile_team(sender([], "never"), sqlite)
    with pytest.raises(NotImplementedError, match="Consider using AsyncSqliteSaver"):
        asyncio.run(graph.ainvoke({"task": "go"}, HERE))


def asking(*replies):
    inner = build(
        ["start -> w", "w -> ask", "ask -> end"], w=list(replies), ask=(Human(question="?"), [])
    )
    return build(["start -> g", "g -> end"], g=inner)


def test_a_graph_within_is_resumed_too(sqlite):
    from langgraph.types import Command

    first = compile_team(asking("one"), sqlite).invoke({"task": "go"}, HERE)
    assert first["__interrupt__"]
    done = compile_team(asking(), sqlite).invoke(Command(resume="A"), HERE)
    assert done["answer"] == "A"


def test_many_graphs_beside_each_other_do_not_wait_for_each_other(sqlite):
    names = [f"g{number}" for number in range(24)]
    nodes = {name: build(["start -> w", "w -> end"], w=[name]) for name in names}
    edges = [f"start -> [{', '.join(names)}]", f'"[{", ".join(names)}] -> z"', "z -> end"]
    state = compile_team(build(edges, z=["all"], **nodes), sqlite).invoke({"task": "go"}, HERE)
    assert state["answer"] == "all"


def test_an_asynchronous_saver_goes_with_invoke_in_another_thread(tmp_path):
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    sent = []

    async def main():
        async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "own.db")) as saver:
            team = sender(sent, call("send", to="ann"), "It is sent.")
            return await asyncio.to_thread(compile_team(team, saver).invoke, {"task": "go"}, HERE)

    assert asyncio.run(main())["answer"] == "It is sent."
    assert sent == ["ann"]


def test_a_graph_file_is_compiled_with_a_saver(tmp_path):
    from langgraph.checkpoint.memory import InMemorySaver

    (tmp_path / "g.yaml").write_text(
        "model: embedded\nnodes: {ask: {kind: human, question: Which?}}\n"
        "edges: [start -> ask, ask -> end]\n"
    )
    graph = Graph.from_yaml(tmp_path / "g.yaml").compile(InMemorySaver())
    assert graph.invoke({"task": "go"}, HERE)["__interrupt__"]


def own_store(file):
    """An engine with a plugin that keeps checkpoints where our stores know nothing of them."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from bottega.offer import Offer
    from bottega.plugin.manager import PluginManager
    from bottega.plugin.spec import hookimpl
    from bottega_agents.engine import LangGraphEngine

    class OwnSaver(AsyncSqliteSaver):
        async def __aenter__(self):
            return self

        async def __aexit__(self, *exception):
            await self.conn.close()

    class Own:
        @hookimpl
        def bottega_checkpointers(self):
            def make(context, *, address):
                return OwnSaver(aiosqlite.connect(file))

            return [Offer(name="own", summary="Its own file.", factory=make)]

    plugins = PluginManager()
    plugins.register(Own(), "own")
    return LangGraphEngine(plugins)


def test_a_plugin_s_saver_without_runs_keeps_steps_and_the_folder_the_runs(tmp_path, monkeypatch):
    from bottega import Budget
    from bottega.engine import Job
    from bottega.result import Result

    monkeypatch.chdir(tmp_path)
    sent = []

    async def play(team, **more):
        job = Job(task="go", limits=Budget(), run_id="r", store="own://here", **more)
        return [event async for event in own_store(tmp_path / "own.db").stream(team, job)]

    with pytest.raises(Crash):
        asyncio.run(play(sender(sent, call("send", to="ann"), Crash())))
    events = asyncio.run(play(sender(sent, "It is sent."), resume=True))
    assert Result.from_events(events).answer == "It is sent."
    assert sent == ["ann"]

"""A run that is to halt: calls under way end and are kept, no other begins, nothing runs twice."""

import asyncio
import threading

from test_budget_nodes import final
from test_graph_inner import build
from test_team import parts, play, run, verdict

from bottega import Agent, tool
from bottega.halt import HALT, Halt
from bottega.testing import Say, ScriptedModel, call, calls
from bottega_agents.roles.critic import Critic


async def halted(crew, when, then=lambda: None, **job):
    """Run until `when` holds, halt, and break the run off once it stands still."""
    halt = Halt()
    HALT.set(halt)
    task = asyncio.ensure_future(play(crew, **job))
    while not when():
        assert not task.done()
        await asyncio.sleep(0.005)
    halt.want()
    asyncio.get_running_loop().call_later(0.05, then)
    come = asyncio.ensure_future(halt.come())
    await asyncio.wait({task, come}, return_when=asyncio.FIRST_COMPLETED)
    assert come.done()
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def resumed(crew, **job):
    return final(run(crew, task="", resume=True, **job))


def test_tools_of_one_turn_end_and_their_results_are_kept(tmp_path):
    ends, seen = threading.Event(), []

    @tool(effects="once")
    def send(to: str) -> str:
        """Send."""
        seen.append(to)
        if to == "bob":
            ends.wait(20)
        return f"sent to {to}"

    def crew(*replies):
        return build(
            ["start -> a", "a -> end"], a=parts("a", ScriptedModel(*replies), tools=[send])
        )

    job = {"run_id": "r", "store": tmp_path / "bottega.db"}
    both = calls([call("send", to="ann"), call("send", to="bob")])

    asyncio.run(halted(crew(both, "never"), lambda: len(seen) == 2, ends.set, **job))
    assert ends.is_set()
    assert resumed(crew("Both are sent."), **job) == ["Both are sent."]
    assert sorted(seen) == ["ann", "bob"]


def test_branches_halt_when_the_last_of_their_calls_has_ended(tmp_path):
    slow = ScriptedModel(Say(text="B", delay=0.3))

    def crew(b, *more):
        edges = ["start -> [a, b]", '"[a, b] -> c"', "c -> end"]
        return build(edges, a=["A"], b=parts("b", b), c=list(more))

    job = {"run_id": "r", "store": tmp_path / "bottega.db"}
    dying = crew(slow, "never")
    asyncio.run(halted(dying, lambda: slow.requests, **job))
    assert dying.parts["c"].model.requests == []
    again = crew(ScriptedModel(), "both")
    assert resumed(again, **job) == ["both"]
    assert not [name for name in ("a", "b") if again.parts[name].model.requests]


def test_an_agent_that_works_within_a_call_is_part_of_it(tmp_path):
    helper = Agent("helper", model=ScriptedModel(call("look"), Say(text="found it", delay=0.1)))

    @tool(effects="none")
    def look() -> str:
        """Look."""
        return "a lamp"

    helper.tools = [look]
    asked = []

    @tool(effects="once")
    async def ask(question: str) -> str:
        """Ask the helper."""
        asked.append(question)
        return (await helper.arun(question)).answer

    def crew(*replies):
        return build(["start -> a", "a -> end"], a=parts("a", ScriptedModel(*replies), tools=[ask]))

    job = {"run_id": "r", "store": tmp_path / "bottega.db"}
    asyncio.run(halted(crew(call("ask", question="where?"), "never"), lambda: asked, **job))
    assert resumed(crew("It is found."), **job) == ["It is found."]
    assert asked == ["where?"]


def test_a_decision_under_way_is_kept(tmp_path):
    checker = ScriptedModel(Say(text=verdict(False, "too short"), delay=0.3))

    def crew(check, *answers):
        edges = ["start -> w", "w -> c", "c -> w: revise", "c -> end: accept"]
        critic = (Critic(reviews="w"), parts("c", check))
        return build(edges, w=list(answers), c=critic)

    job = {"run_id": "r", "store": tmp_path / "bottega.db"}
    asyncio.run(halted(crew(checker, "one"), lambda: checker.requests, **job))
    again = ScriptedModel(verdict(True))
    assert resumed(crew(again, "two"), **job) == ["two"]
    assert len(checker.requests) == len(again.requests) == 1


def test_what_is_not_halted_runs_on():
    async def main():
        HALT.set(Halt())
        return final(await play(build(["start -> a", "a -> end"], a=["done"])))

    assert asyncio.run(main()) == ["done"]

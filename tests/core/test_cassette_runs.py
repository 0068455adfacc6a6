"""Cassettes around lone agents: recorded once, played offline, loud when something differs."""

import asyncio
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bottega import Agent, Budget, Citation, Output, tool
from bottega.cassette import Cassette, CassetteError
from bottega.dialects.native import Native
from bottega.errors import InputError, ModelError, ModelRateLimitError, ToolError
from bottega.events import Observation
from bottega.plugin.manager import PluginManager
from bottega.testing import Call, Say, ScriptedModel, call, calls
from bottega.tools import ToolContext

made = []
"""Calls of tools that were really made."""


@tool(effects="none")
async def wait(number: int) -> str:
    """Wait a little."""
    made.append(number)
    await asyncio.sleep(number / 1000)
    return f"waited {number}"


@tool
def broken() -> str:
    """Fail."""
    raise ToolError("the lamp is out", hint="bring another")


@tool(effects="none")
def cite() -> Output:
    """Return a passage."""
    passage = Citation(key="a:1", source="a", start=0, end=3, quote="abc", metadata={"page": 1})
    return Output(content="[a:1] abc", citations=(passage,), printed="hm")


@tool(effects="none")
async def ask(context: ToolContext) -> str:
    """Ask the person."""
    assert context.ask is not None
    return await context.ask("what?")


def agent(*script, tools=(wait, broken, cite, ask), **options):
    options.setdefault("middleware", ())
    model = ScriptedModel(*script)
    return Agent(
        "tester", model=model, tools=tools, dialect=Native(), plugins=PluginManager(), **options
    )


def lines(result):
    return [event.dumps() for event in result.events]


def recorded(file, *script, task="go", **options):
    with Cassette(file, "record"):
        return agent(*script).run(task, **options)


def played(file, *, task="go", **options):
    with Cassette(file, "replay"):
        return agent().run(task, **options)


def test_a_run_is_played_byte_for_byte_and_nothing_is_called(tmp_path):
    file = tmp_path / "c.jsonl"
    several = calls([call("wait", number=20), call("wait", number=1), call("broken"), call("cite")])
    first = recorded(file, several, call("nonsense"), "All done [a:1].")
    made.clear()
    again = played(file)
    assert lines(again) == lines(first)
    assert again.citations == first.citations
    assert made == []


def test_without_a_mode_the_first_run_is_recorded_and_the_next_played(tmp_path):
    cassette = Cassette(tmp_path / "c.jsonl")
    results = []
    for script in (("hello",), ()):
        with cassette:
            results.append(agent(*script).run("go"))
    assert lines(results[0]) == lines(results[1])


call_of = st.one_of(
    st.integers(0, 3).map(lambda n: call("wait", number=n)),
    st.sampled_from(
        [call("broken"), call("cite"), call("nonsense", x=1), Call(name="wait", arguments="{")]
    ),
)
turn = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: Say(text=text)),
    st.lists(call_of, min_size=1, max_size=4).map(calls),
    st.just(Say(text="cut", finish="length")),
    st.sampled_from([ModelError("down"), ModelRateLimitError("slow down", retry_after=1.5)]),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(script=st.lists(turn, max_size=5), steps=st.integers(1, 6))
def test_whatever_a_run_does_is_played_byte_for_byte(tmp_path, script, steps):
    file, limits = tmp_path / "c.jsonl", Budget(steps=steps)
    first = recorded(file, *script, "the end", limits=limits)
    assert lines(played(file, limits=limits)) == lines(first)


def test_runs_side_by_side_are_kept_apart(tmp_path):
    async def both(*agents):
        with Cassette(tmp_path / "c.jsonl"):
            return await asyncio.gather(*(one.arun(f"task {i}") for i, one in enumerate(agents)))

    def script(number):
        return agent(calls([call("wait", number=number), call("wait", number=3)]), f"is {number}")

    first = asyncio.run(both(script(9), script(1)))
    again = asyncio.run(both(agent(), agent()))
    assert [lines(one) for one in again] == [lines(one) for one in first]


def test_a_time_limit_strikes_where_it_struck(tmp_path):
    file = tmp_path / "c.jsonl"
    limits = Budget(seconds=0.2)
    slow = Say(text="a long way", chunk=2, delay=0.06)
    first = recorded(file, call("wait", number=1), slow, limits=limits)
    assert first.status == "budget"
    assert lines(played(file, limits=limits)) == lines(first)


def test_a_person_is_not_asked_again(tmp_path):
    async def answer(question):
        await asyncio.sleep(0.02)  # does not count as the run's own time
        return "blue"

    file = tmp_path / "c.jsonl"
    first = recorded(file, call("ask"), "fine", ask=answer)
    assert lines(played(file)) == lines(first)
    assert [e.content for e in first.events if isinstance(e, Observation)] == ["blue"]


def test_another_task_differs_loudly(tmp_path):
    file = tmp_path / "c.jsonl"
    recorded(file, "hello", task="say hello")
    with pytest.raises(CassetteError) as caught:
        played(file, task="say goodbye")
    message = str(caught.value)
    assert "c.jsonl:5: the request to the model at 1" in message
    assert "- new: user" in message
    assert "say hello" in message
    assert "say goodbye" in message


def test_another_tool_differs_loudly(tmp_path):
    file = tmp_path / "c.jsonl"
    recorded(file, call("wait", number=1), "done")
    with pytest.raises(CassetteError, match="- tools: broken"), Cassette(file):
        agent(tools=(wait,)).run("go")


def test_a_limit_that_ends_a_run_early_is_a_difference(tmp_path):
    file = tmp_path / "c.jsonl"
    recorded(file, call("wait", number=1), "done")
    with pytest.raises(CassetteError, match="the request to the model"):
        played(file, limits=Budget(steps=1))


def test_a_run_too_many_and_a_run_too_few_are_told(tmp_path):
    file = tmp_path / "c.jsonl"
    recorded(file, "hello")
    with pytest.raises(CassetteError, match="only 1 runs are recorded"), Cassette(file):
        agent().run("go")
        agent().run("go")
    with pytest.raises(CassetteError, match="run 1 was not begun"), Cassette(file):
        pass


def test_nothing_is_connected_while_a_cassette_is_played(tmp_path):
    file = tmp_path / "c.jsonl"
    recorded(file, "hello")
    with Cassette(file) as cassette, socket.socket() as sock:
        with pytest.raises(CassetteError, match=r"connects to \('127.0.0.1', 9\)"):
            sock.connect(("127.0.0.1", 9))
        cassette.drop()
    with socket.socket() as sock, pytest.raises(OSError, match="refused"):
        sock.connect(("127.0.0.1", 9))


def test_secrets_do_not_reach_the_file_and_the_run_is_played_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "sk-very-secret")

    @tool(effects="none")
    def leak() -> str:
        """Tell."""
        return "the key is sk-very-secret"

    file = tmp_path / "c.jsonl"
    with Cassette(file):
        first = agent(call("leak"), "I know sk-very-secret", tools=(leak,)).run("go")
    assert "sk-very-secret" not in file.read_text("utf-8")
    with Cassette(file):
        again = agent(tools=(leak,)).run("go")
    assert first.answer == again.answer == "I know ***"


def test_an_agent_inside_a_tool_is_part_of_the_tool(tmp_path):
    helpers = [agent("from inside")]

    @tool(effects="none")
    async def helper() -> str:
        """Ask another agent."""
        return (await helpers.pop().arun("help")).answer

    file = tmp_path / "c.jsonl"
    with Cassette(file):
        first = agent(call("helper"), "done", tools=(helper,)).run("go")
    with Cassette(file):
        again = agent(tools=(helper,)).run("go")
    assert lines(again) == lines(first)
    assert helpers == []


def test_a_block_that_fails_leaves_no_recording(tmp_path):
    file = tmp_path / "c.jsonl"
    with pytest.raises(RuntimeError), Cassette(file):
        agent("hello").run("go")
        raise RuntimeError
    assert not file.exists()


def test_cassettes_do_not_nest(tmp_path):
    with pytest.raises(InputError, match="open already"), Cassette(tmp_path / "a"):
        Cassette(tmp_path / "b").__enter__()


def test_a_run_in_a_thread_of_its_own_is_heard(tmp_path):
    async def inside_a_loop(*script):
        with Cassette(tmp_path / "c.jsonl"):
            return agent(*script).run("go")

    first = asyncio.run(inside_a_loop("hello"))
    assert lines(asyncio.run(inside_a_loop())) == lines(first)

"""The loop, driven by scripted models: actions, failures, limits, cancellation."""

import asyncio
import threading
import time

import pytest

from bottega import Agent, Budget, Citation, Output, Result, tool
from bottega.errors import BudgetExceeded, InputError, ModelError, ToolError
from bottega.events import (
    Action,
    Answer,
    BudgetReached,
    Event,
    Failure,
    Observation,
    RunEnded,
    RunStarted,
    Thought,
)
from bottega.plugin.manager import PluginManager
from bottega.testing import Call, Say, ScriptedModel, call, calls


@tool(effects="none")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool(effects="none")
async def slow(name: str) -> str:
    """Wait a moment."""
    await asyncio.sleep(0.2)
    return name


@tool
def broken() -> str:
    """Fail."""
    raise ToolError("the lamp is out", hint="bring another")


def agent(*script: object, tools: tuple = (add, slow, broken), **options: object) -> Agent:
    from bottega.dialects.native import Native

    options.setdefault("dialect", Native())
    model = script[0] if isinstance(script[0], ScriptedModel) else ScriptedModel(*script)
    return Agent("tester", model=model, tools=tools, plugins=PluginManager(), **options)


def observations(result) -> list[Observation]:
    return [event for event in result.events if isinstance(event, Observation)]


def test_acts_observes_and_answers():
    result = agent(call("add", a=2, b="3"), "It is 5.").run("2 + 3?")
    assert result.status == "done"
    assert result.answer == "It is 5."
    assert [type(event) for event in result.events if event.kind != "step_started"] == [
        RunStarted,
        Action,
        Observation,
        Answer,
        RunEnded,
    ]
    assert observations(result)[0].content == "5"
    assert result.steps == 2
    assert result.usage.total == 30


def test_model_reads_results_and_history():
    model = ScriptedModel(call("add", a=1, b=1), "two")
    agent(model).run("1 + 1?")
    roles = [message.role for message in model.requests[1].messages]
    assert roles == ["system", "user", "assistant", "tool"]
    assert model.requests[1].messages[-1].results[0].content == "2"
    assert {spec.name for spec in model.requests[0].tools} == {"add", "slow", "broken"}


def test_parallel_calls_run_together():
    names = [f"n{i}" for i in range(8)]
    started = time.perf_counter()
    result = agent(calls([call("slow", name=name) for name in names]), "done").run("go")
    assert time.perf_counter() - started < 1.0
    assert sorted(event.content for event in observations(result)) == names


def test_results_reach_the_model_in_the_order_of_the_calls():
    model = ScriptedModel(calls([call("slow", name="late"), call("add", a=1, b=1)]), "ok")
    agent(model).run("go")
    assert [r.content for r in model.requests[1].messages[-1].results] == ["late", "2"]


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (call("broken"), "the lamp is out"),
        (call("ad", a=1, b=2), "did you mean 'add'?"),
        (call("__class__"), "unknown tool"),
        (Call(name="", arguments={}), "unknown tool"),
        (call("add", a=1), "b"),
        (call("add", a=1, b=2, c=3), "c"),
        (call("add", a="many", b=2), "integer"),
        (Call(name="add", arguments='{"a": 1, "b":'), "JSON"),
        (Call(name="add", arguments="[1, 2]"), "object"),
        (Call(name="add", arguments='"text"'), "object"),
        (Call(name="add", arguments="null"), "object"),
        (Call(name="add", arguments='{"a": NaN, "b": 1}'), "NaN"),
        (Call(name="add", arguments='{"a": 1, "a": 2, "b": 3}'), "a"),
        (Call(name="add", arguments='{"a":' + "[" * 5000 + "]" * 5000 + "}"), "nested"),
        (Call(name="add", arguments='{"a": "' + "x" * 3_000_000 + '"}'), "at most 1,000,000"),
    ],
)
def test_what_goes_wrong_is_an_observation_the_model_can_act_on(action, told):
    result = agent(action, "I see.").run("go")
    assert result.answer == "I see."
    (observation,) = observations(result)
    assert observation.is_error
    assert told in observation.content
    assert len(observation.content) < 2000


def test_a_reply_without_end_fails_the_run():
    flood = Call(name="add", arguments='{"a": "' + "x" * 10_000_000 + '"}')
    result = agent(flood, middleware=()).run("go")
    assert result.status == "failed"
    assert "longer than" in result.reason


def test_unusable_calls_are_bounded():
    result = agent(ScriptedModel(call("nothing"), repeat=True)).run("go")
    assert result.status == "failed"
    assert result.answer == ""
    assert "3 replies in a row" in result.reason
    assert result.steps == 3


def test_unusable_calls_in_between_are_forgiven():
    script = [call("x"), call("x"), call("add", a=1, b=1), call("x"), call("x"), "fine"]
    assert agent(*script).run("go").answer == "fine"


def test_empty_replies_are_asked_again_then_fail():
    assert agent("", "  \n", "ok").run("go").answer == "ok"
    result = agent(ScriptedModel("", repeat=True)).run("go")
    assert (result.status, result.answer) == ("failed", "")
    assert "empty" in result.reason


def test_a_truncated_reply_is_never_the_answer():
    result = agent(ScriptedModel(Say(text='{"half": ', finish="length"), repeat=True)).run("go")
    assert result.status == "failed"
    assert result.answer == ""
    assert "cut off" in result.reason
    again = agent(Say(text="too long", finish="length"), "short").run("go")
    assert again.answer == "short"


def test_a_filtered_reply_fails_the_run():
    result = agent(Say(text="", finish="filter")).run("go")
    assert result.status == "failed"
    assert "content filter" in result.reason


def test_a_cut_stream_fails_the_run():
    result = agent(Say(text="half an ans", cut=True), middleware=()).run("go")
    assert (result.status, result.answer) == ("failed", "")
    assert "cut" in result.reason


def test_a_model_error_fails_the_run_with_its_class():
    result = agent(ModelError("the server is down", hint="start it"), middleware=()).run("go")
    assert result.status == "failed"
    (failure,) = [event for event in result.events if isinstance(event, Failure)]
    assert (failure.error, failure.message, failure.hint) == (
        "ModelError",
        "the server is down",
        "start it",
    )
    with pytest.raises(ModelError, match="server is down"):
        result.raise_for_status()


def test_a_programming_error_propagates():
    with pytest.raises(ZeroDivisionError):
        agent(ZeroDivisionError("ours")).run("go")


def test_step_limit_gives_the_best_answer_so_far():
    script = ScriptedModel(
        lambda request: Say(
            text="I think it is 4.", calls=(call("add", a=len(request.messages), b=1),)
        ),
        repeat=True,
    )
    result = agent(script, limits=Budget(steps=4)).run("go")
    assert result.status == "budget"
    assert result.steps == 4
    assert "4 steps" in result.reason
    assert result.answer
    assert result.partial
    assert [e.limit for e in result.events if isinstance(e, BudgetReached)] == ["steps"]


def test_time_limit_ends_a_model_that_hangs():
    result = agent(Say(text="late", delay=30), limits=Budget(seconds=0.2)).run("go")
    assert result.status == "budget"
    assert result.seconds < 5


def test_token_limit():
    script = ScriptedModel(lambda request: call("add", a=len(request.messages), b=0), repeat=True)
    result = agent(script, limits=Budget(tokens=40)).run("go")
    assert result.status == "budget"
    assert "tokens" in result.reason


def test_the_same_call_forever_is_noticed():
    result = agent(ScriptedModel(call("add", a=1, b=1), repeat=True)).run("go")
    assert result.status == "budget"
    assert "repeats" in result.reason
    assert result.steps <= 6
    assert any("same call" in event.content for event in observations(result))


def test_a_tool_whose_result_changes_may_be_polled():
    count = iter(range(100))

    @tool(effects="none")
    def poll() -> int:
        """Look again."""
        return next(count)

    result = agent(*[call("poll")] * 12, "ready", tools=(poll,)).run("go")
    assert result.answer == "ready"


def test_at_most_32_calls_a_turn():
    result = agent(calls([call("add", a=i, b=0) for i in range(200)]), "ok").run("go")
    done = [event for event in observations(result) if not event.is_error]
    assert len(done) == 32
    assert len(observations(result)) == 200


def test_missing_and_repeated_call_ids_are_made_unique():
    model = ScriptedModel(
        Say(calls=(Call(name="add", arguments={"a": 1, "b": 1}, id="x"),) * 2),
        Say(calls=(Call(name="add", arguments={"a": 2, "b": 2}),) * 2),
        "ok",
    )
    agent(model).run("go")
    history = model.requests[-1].messages
    ids = [c.id for message in history for c in message.calls]
    assert len(set(ids)) == len(ids) == 4
    assert [r.call_id for message in history for r in message.results] == ids


def test_a_tool_without_permission_is_denied_before_it_runs():
    touched = []

    @tool(permissions=frozenset({"network"}))
    def fetch() -> str:
        """Fetch."""
        touched.append(1)
        return "data"

    result = agent(call("fetch"), "ok", tools=(fetch,), allow=frozenset({"files:read"})).run("go")
    assert not touched
    assert "denied" in observations(result)[0].content


def test_final_output_ends_the_loop():
    @tool
    def finish(answer: str) -> Output:
        """Answer."""
        return Output(content=answer, final=True)

    assert agent(call("finish", answer="42"), tools=(finish,)).run("go").answer == "42"


def test_citations_are_resolved_from_what_tools_returned():
    one = Citation(key="a.rst:1-3", source="a.rst", start=0, end=9, quote="one")
    two = Citation(key="b.rst:4-5", source="b.rst", start=0, end=9, quote="two")

    @tool
    def search() -> Output:
        """Search."""
        return Output(content="[a.rst:1-3] one [b.rst:4-5] two", citations=(one, two))

    text = "Two [b.rst:4-5], one [a.rst:1-3; b.rst:4-5], none [c.rst:1] or [1, 2]."
    result = agent(call("search"), text, tools=(search,)).run("go")
    assert result.citations == (two, one)


def test_thoughts_are_events():
    result = agent(Say(thought="hm", text="ok")).run("go")
    assert [event.text for event in result.events if isinstance(event, Thought)] == ["hm"]


def test_abstention_is_told():
    result = agent(Say(text="The documents do not say.", finish="abstain")).run("go")
    assert result.abstained
    assert result.status == "done"


@pytest.mark.parametrize("task", ["", "   \n\t"])
def test_an_empty_task_is_refused(task):
    with pytest.raises(InputError, match="task is empty"):
        agent("x").run(task)


@pytest.mark.parametrize("limits", [{"steps": 0}, {"steps": -1}, {"seconds": float("nan")}])
def test_senseless_limits_are_refused(limits):
    with pytest.raises(InputError, match="positive"):
        Budget(**limits)


def test_cancelling_leaves_nothing_behind():
    async def main():
        stream = agent(calls([call("slow", name="a"), call("slow", name="b")]), "x").astream("go")
        async for event in stream:
            if isinstance(event, Action):
                break
        await anext(stream)
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await stream.aclose()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_stream_yields_as_it_goes_and_can_be_left():
    before = threading.active_count()
    for event in agent(call("add", a=1, b=1), "two").stream("go"):
        if isinstance(event, Action):
            break
    del event
    assert threading.active_count() <= before + 1


def test_run_inside_a_running_loop():
    async def main():
        return agent("hello").run("go")

    assert asyncio.run(main()).answer == "hello"


def test_stream_inside_a_running_loop_says_what_to_use():
    async def main():
        list(agent("x").stream("go"))

    with pytest.raises(InputError, match="astream"):
        asyncio.run(main())


def test_hostile_text_survives_as_json():
    text = "\x00\x1b[31m\u202e\ud800 end"
    result = agent(call("slow", name=text), "ok").run("go")
    for event in result.events:
        assert Event.from_json(__import__("json").loads(event.dumps())) == event


def test_a_cut_reply_leaves_no_call_unanswered():
    model = ScriptedModel(
        Say(calls=(Call(name="add", arguments='{"a": 1'),), finish="length"), "short"
    )
    assert agent(model).run("go").answer == "short"
    assert not any(message.calls for message in model.requests[1].messages)


def test_a_failure_on_the_last_step_is_no_budget_stop():
    result = agent(ModelError("no key"), middleware=(), limits=Budget(steps=1, seconds=60)).run(
        "go"
    )
    assert result.status == "failed"


def test_what_ended_a_stuck_run_is_told():
    result = agent(ScriptedModel(call("add", a=1, b=1), repeat=True)).run("go")
    (reached,) = [event for event in result.events if isinstance(event, BudgetReached)]
    assert (reached.allowed, reached.spent) == (5, 5)


def test_a_budget_stop_raises_what_exits_with_3():
    result = agent(ScriptedModel("", repeat=True), limits=Budget(steps=1)).run("go")
    with pytest.raises(BudgetExceeded) as raised:
        result.raise_for_status()
    assert raised.value.exit_code == 3


def test_a_result_needs_the_end_of_a_run():
    with pytest.raises(TypeError, match="run_ended"):
        Result.from_events([])


@pytest.mark.parametrize("task", ["bad \udcff", "\ud800"])
def test_a_task_that_is_no_text_is_refused(task):
    with pytest.raises(InputError, match="no valid text"):
        agent("x").run(task)


@pytest.mark.parametrize("thread", ["", "a\x00b", "x" * 300, "\udcff", "../..\n"])
def test_a_thread_needs_a_name(thread):
    with pytest.raises(InputError, match="thread"):
        agent("x").run("go", thread=thread)


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(InputError, match="two tools are named 'add'"):
        agent("x", tools=(add, add)).run("go")


def test_an_async_tool_that_blocks_past_its_time_did_not_finish():
    @tool(timeout=0.1)
    async def block() -> str:
        """Block."""
        time.sleep(0.3)
        return "late"

    result = agent(call("block"), "ok", tools=(block,)).run("go")
    assert "did not finish within 0.1 s" in observations(result)[0].content


@pytest.mark.parametrize("task", [None, b"go", 5])
def test_a_task_of_another_type_is_refused(task):
    with pytest.raises(InputError, match="must be a text"):
        agent("x").run(task)

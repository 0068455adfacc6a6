"""Conversations that outgrow their model: what stays, what is left out, what a crash changes."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega import Agent, Output, tool
from bottega.compaction import ContextPolicy, Measure, cut_results, is_note, shorten, turns
from bottega.dialects.native import Native
from bottega.dialects.react import React
from bottega.errors import ContextLengthError, InputError, ModelUnreachableError
from bottega.estimate import of_messages
from bottega.events import Compacted, Failure
from bottega.history import History, opening_entry
from bottega.journal import MemoryJournal
from bottega.loop import Loop
from bottega.messages import (
    Citation,
    Image,
    Message,
    Text,
    ToolCall,
    ToolResult,
    assistant,
    system,
    tool_results,
    user,
)
from bottega.model import Request, Usage
from bottega.plugin.manager import PluginManager
from bottega.run import RunContext
from bottega.testing import Say, ScriptedModel, call

UNKNOWN = Usage()
"""The server does not say: tokens are estimated then."""


def said(text: str = "", *asked: object) -> Say:
    return Say(text=text, calls=tuple(asked), usage=UNKNOWN)


@tool(effects="none")
def read(page: int) -> Output:
    """Read a page."""
    found = Citation(key=f"p{page}", source="book", start=0, end=1)
    text = f"[p{page}] page {page}: " + "so it goes on and on " * 20
    return Output(content=text, citations=(found,))


@tool(effects="none")
def read_all() -> str:
    """Read the whole book."""
    return "a very long book " * 5_000


read_all.max_result = 100_000  # else it would be cut before it comes to the conversation


class Reader(ScriptedModel):
    """A scripted model that says how much it reads."""

    context_tokens = 1_600


def agent(model: ScriptedModel, **options: object) -> Agent:
    options.setdefault("dialect", Native())
    return Agent("reader", model=model, tools=(read, read_all), plugins=PluginManager(), **options)


def pages(count: int) -> list[Say]:
    return [said("", call("read", page=number)) for number in range(1, count + 1)]


def asked_of(request: Request) -> str:
    return "\n".join(message.text for message in request.messages)


def is_summing(request: Request) -> bool:
    return request.messages[0].text.startswith("Sum up")


def whole(messages: Sequence[Message]) -> bool:
    """No call without its result and no result without its call."""
    made = [one.id for message in messages for one in message.calls]
    got = [one.call_id for message in messages for one in message.results]
    return made == got


def test_old_turns_are_dropped_and_the_task_stays():
    model = ScriptedModel(*pages(12), said("All read."))
    policy = ContextPolicy(most=1_500, keep_last=2, how="drop")
    result = agent(model, context=policy, instructions="Be brief.").run("READ THE BOOK")
    assert result.answer == "All read."
    assert any(isinstance(event, Compacted) and event.left_out for event in result.events)
    for request in model.requests:
        assert of_messages(request.messages) <= 1_500
        assert request.messages[0].role == "system"
        assert request.messages[1].text == "READ THE BOOK"
        assert whole(request.messages)
    last = model.requests[-1].messages
    assert is_note(last[2])
    assert sum(is_note(message) for message in last) == 1
    assert "calls of read" in last[2].text
    shown = sum(message.role == "assistant" for message in last)
    assert f"({2 * (12 - shown)} earlier messages" in last[2].text


def test_the_model_sums_up_what_is_left_out():
    def reply(request: Request) -> Say:
        if is_summing(request):
            assert "READ" not in request.messages[0].text
            return said('page one said "so it goes" [p1]')
        steps = sum(not is_summing(one) for one in model.requests)
        return said("", call("read", page=steps)) if steps < 10 else said("It goes on [p1].")

    model = ScriptedModel(reply, repeat=True)
    result = agent(model, context=ContextPolicy(most=1_500, keep_last=2)).run("READ")
    summing = [request for request in model.requests if is_summing(request)]
    events = [event for event in result.events if isinstance(event, Compacted)]
    assert len(summing) == len(events) >= 1
    assert not summing[0].tools
    assert events[0].before > 1_500 > events[0].after
    note = model.requests[-1].messages[2]
    quoted = note.text.rpartition("\n")[2]
    assert json.loads(quoted) == 'page one said "so it goes" [p1]'
    assert [citation.key for citation in result.citations] == ["p1"]


def test_what_the_model_says_that_it_reads_is_the_limit():
    model = Reader(*pages(12), said("done"))
    agent(model, context=ContextPolicy(how="drop")).run("READ")
    sizes = [of_messages(request.messages) for request in model.requests]
    assert max(sizes) <= 1_200


def test_nothing_is_left_out_where_no_limit_is_known():
    model = ScriptedModel(*pages(12), said("done"))
    result = agent(model).run("READ")
    assert not any(isinstance(event, Compacted) for event in result.events)
    assert len(model.requests[-1].messages) == 26


def test_a_request_that_is_refused_for_its_length_is_made_again_shorter():
    refused = ContextLengthError("too long")
    model = ScriptedModel(*pages(6), refused, said("a summary"), said("done"))
    result = agent(model).run("READ")
    assert result.answer == "done"
    assert of_messages(model.requests[-1].messages) < of_messages(model.requests[6].messages) * 0.6
    assert whole(model.requests[-1].messages)


def test_one_that_is_refused_again_fails():
    model = ScriptedModel(*pages(6), ContextLengthError("too long"), repeat=True)
    result = agent(model, context=ContextPolicy(how="drop")).run("READ")
    assert result.status == "failed"
    assert len(model.requests) == 8


def test_a_refused_task_alone_is_not_sent_again():
    model = ScriptedModel(ContextLengthError("too long"))
    assert agent(model).run("READ " * 100).status == "failed"
    assert len(model.requests) == 1


def test_a_result_that_is_too_long_by_itself_is_cut():
    model = ScriptedModel(said("", call("read_all")), said("done"))
    result = agent(model, context=ContextPolicy(most=2_000)).run("READ")
    assert result.answer == "done"
    content = model.requests[1].messages[-1].results[0].content
    assert content.startswith("a very long book")
    left_out = int(content.rpartition("(")[2].split()[0].replace(",", ""))
    assert len(content.rpartition("…")[0]) + left_out == 5_000 * 17
    assert of_messages(model.requests[1].messages) <= 2_000


def test_a_summary_that_fails_is_done_without():
    def reply(request: Request) -> object:
        if is_summing(request):
            return ModelUnreachableError("gone")
        steps = sum(not is_summing(one) for one in model.requests)
        return said("", call("read", page=steps)) if steps < 8 else said("done")

    model = ScriptedModel(reply, repeat=True)
    policy = ContextPolicy(most=1_500, keep_last=2)
    result = agent(model, context=policy, middleware=()).run("READ")
    assert result.answer == "done"
    failures = [event for event in result.events if isinstance(event, Failure)]
    assert failures
    assert "no summary" in failures[0].message
    assert not any(event.fatal for event in failures)


def test_a_model_that_writes_nothing_of_its_own_is_asked_for_no_summary():
    model = ScriptedModel(*pages(12), said("done"))
    model.extractive = True
    agent(model, context=ContextPolicy(most=1_500)).run("READ")
    assert not any(is_summing(request) for request in model.requests)
    assert is_note(model.requests[-1].messages[2])


@pytest.mark.parametrize("dialect", [Native(), React()], ids=["native", "react"])
def test_a_conversation_told_again_or_resumed_is_the_same(dialect):
    """Whatever was recorded before a kill: no model call is made twice."""
    whole_journal = MemoryJournal()
    model = _Summing(dialect)
    messages = asyncio.run(_looped(model, dialect, whole_journal))
    keys = list(whole_journal.entries)
    assert any("compacted" in key for key in keys)
    told = History()
    opened = opening_entry([system("Be brief."), user("READ")], 0, None)
    told.go_on({"opening": opened, **whole_journal.entries}, dialect, "reader")
    assert told.messages == messages
    for cut in range(len(keys)):
        known = {key: whole_journal.entries[key] for key in keys[:cut]}
        resumed = _Summing(dialect)
        again = asyncio.run(_looped(resumed, dialect, MemoryJournal(known)))
        assert again == messages
        calls_known = sum("reply" in key or "compacted" in key for key in known)
        assert len(resumed.requests) == len(model.requests) - calls_known


class _Summing(ScriptedModel):
    """Reads ten pages, told which by how far the conversation has come."""

    def __init__(self, dialect: object) -> None:
        super().__init__(self._say, repeat=True)
        self._react = isinstance(dialect, React)

    def _say(self, request: Request) -> Say:
        if is_summing(request):
            return said("Summed up.")
        last = request.messages[-1]
        seen = int(last.results[0].content.split("]")[0][2:]) if last.results else 0
        if seen == 9:
            return said("Final Answer: done" if self._react else "done")
        if self._react:
            return said(f'Action: read\nAction Input: {{"page": {seen + 1}}}')
        return said("", call("read", page=seen + 1))


async def _looped(model, dialect, journal) -> list[Message]:
    policy = ContextPolicy(most=1_900 if isinstance(dialect, React) else 1_500, keep_last=2)
    parts = agent(model, context=policy, dialect=dialect).parts
    opened = [system("Be brief."), user("READ")]
    loop = Loop(parts=parts, run=RunContext(run_id="r"), messages=opened, journal=journal)
    loop.path = "reader"
    async for _ in loop.events():
        pass
    assert loop.outcome.status == "done"
    return loop.messages


def test_ten_thousand_messages_are_shortened_and_each_step_stays_small():
    old = [user("THE FIRST TASK")]
    for number in range(5_000):
        old += [assistant(f"answer {number} " * 5), user(f"task {number} " * 5)]
    old[-1] = user("THE LAST TASK")
    model = ScriptedModel(said("", call("read", page=1)), said("done"))
    parts = agent(model, context=ContextPolicy(most=4_000, how="drop")).parts
    loop = Loop(parts=parts, run=RunContext(run_id="r"), messages=old, began=len(old) - 1)

    async def play() -> None:
        async for _ in loop.events():
            pass

    asyncio.run(play())
    assert loop.outcome.status == "done"
    assert all(of_messages(request.messages) <= 4_000 for request in model.requests)
    assert "THE LAST TASK" in asked_of(model.requests[1])
    assert len(loop.messages) < 200


def test_a_policy_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match=r"context\.most"):
        ContextPolicy(most=0)
    with pytest.raises(InputError, match=r"context\.keep_last"):
        ContextPolicy(keep_last=-1)


texts = st.text(alphabet="ab \n[]\"'é", max_size=40)
results = st.builds(
    lambda text, times, image: (text * times, (Image(url="http://x/y.png"),) if image else ()),
    texts,
    st.integers(1, 60),
    st.booleans(),
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Any conversation: native or react, several calls a turn, thoughts, corrections, new tasks."""
    made = [system(draw(texts))] if draw(st.booleans()) else []
    made.append(user("TASK " + draw(texts)))
    for turn in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["calls", "react", "answer", "problem"]))
        if kind in ("answer", "problem"):
            made += [assistant(draw(texts) or "x"), user(draw(texts))]
            continue
        outcomes = draw(st.lists(results, min_size=1, max_size=3))
        ids = [f"{turn}-{number}" for number in range(len(outcomes))]
        got = [
            ToolResult(call_id=name, name="t", content=text, images=images)
            for name, (text, images) in zip(ids, outcomes, strict=True)
        ]
        if kind == "calls":
            made.append(assistant(draw(texts), [ToolCall(id=name, name="t") for name in ids]))
            made.append(tool_results(got))
        else:
            made.append(assistant(f"Action: t {ids}"))
            shown = Text(text="\n".join(one.content for one in got))
            made.append(Message(role="user", parts=(shown, *got)))
    return made


def _size(message: Message) -> int:
    return of_messages([message])


@settings(max_examples=300, deadline=None)
@given(conversations(), st.integers(-50, 6_000), st.integers(0, 30), st.data())
def test_whatever_is_said_and_whatever_the_limit(messages, room, keep_last, data):
    began = data.draw(st.sampled_from(turns(messages)))
    measure = Measure(room=room, aim=room // 2, keep_last=keep_last, count=_size)
    shorter = shorten(messages, measure, began=began, task="TASK")
    if shorter is None:
        return
    made = shorter.with_note("a summary")
    rest = [message for message in made if not is_note(message)]
    assert len(made) == len(rest) + 1
    assert len(rest) + shorter.count == len(messages)
    iterator = iter(messages)
    assert all(any(message is one for one in iterator) for message in rest)  # in order
    opening = [message for message in messages if message.role == "system"]
    assert rest[: len(opening)] == opening
    assert any("TASK" in message.text for message in rest)
    assert rest[-1] is messages[-1]
    for message in made:
        assert all(_together(made, result.call_id) for result in message.results)
        assert all(_together(made, one.id) for one in message.calls)
    kept = sum(map(_size, rest))
    if kept > room:  # only what must stay is there then
        last_turn = messages[turns(messages)[-1] :]
        assert all(
            any(one is last for last in last_turn) for one in rest if one.role == "assistant"
        )
    again = shorten(made, measure, task="TASK")
    if again is not None:
        assert again.count >= shorter.count


def _together(messages: Sequence[Message], name: str) -> bool:
    """A call of the native kind and its result are both there; react writes no calls."""
    calls = [one.id for message in messages for one in message.calls]
    got = [one.call_id for message in messages for one in message.results]
    owner = next((m for m in messages if any(r.call_id == name for r in m.results)), None)
    if owner is not None and owner.role == "user":
        before = messages[messages.index(owner) - 1]
        return before.role == "assistant" and name in before.text
    return name in calls and name in got


@settings(max_examples=200, deadline=None)
@given(conversations(), st.integers(0, 4_000))
def test_cut_results_fit_or_nothing_long_is_left(messages, room):
    measure = Measure(room=room, aim=room // 2, keep_last=0, count=_size)
    made = cut_results(messages, measure)
    assert [message.role for message in made] == [message.role for message in messages]
    fits = sum(map(_size, made)) <= room
    longest = max((len(one.content) for message in made for one in message.results), default=0)
    assert fits or longest <= 400 + 60
    again = cut_results(made, measure)
    assert again == made

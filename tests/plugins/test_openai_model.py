"""The model against a real server; the official SDK is that server's other client."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import Any

import pytest
from openai_server import ScriptedServer, call, raw_server, text

from bottega import Agent
from bottega.messages import ToolCall, ToolResult, assistant, tool_results, user
from bottega.model import (
    CallDelta,
    Delta,
    End,
    RawCall,
    Request,
    TextDelta,
    ThoughtDelta,
    ToolSpec,
    Usage,
    collect,
)
from bottega.testing import check_model
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.settings import Settings

ASK = Request(messages=(user("hello"),))
ADD = ToolSpec(name="add", description="Add.", parameters={"type": "object"})


def model(server: ScriptedServer, **settings: Any) -> OpenAIModel:
    return OpenAIModel("test", Settings(base_url=server.url, **settings))


def test_deltas_come_as_the_server_sends_them(openai_server: ScriptedServer) -> None:
    openai_server.replies = [text("héllo wörld", thought="hm", chunk=6)]

    async def main() -> list[Delta]:
        return [delta async for delta in model(openai_server).respond(ASK)]

    assert asyncio.run(main()) == [
        ThoughtDelta(text="hm"),
        TextDelta(text="héllo "),
        TextDelta(text="wörld"),
        End(usage=Usage(input_tokens=11, output_tokens=7), model="test-1"),
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_a_turn_with_tools(openai_server: ScriptedServer, stream: bool) -> None:
    both = call("add", {"x": 1}, "a", stream=stream).also("add", {"x": 2}, "b")
    openai_server.replies = [both, text("3", stream=stream)]
    source = model(openai_server)

    async def main() -> str:
        first = await collect(source.respond(Request(messages=ASK.messages, tools=(ADD,))))
        assert first.calls == (
            RawCall(id="a", name="add", arguments='{"x": 1}'),
            RawCall(id="b", name="add", arguments='{"x": 2}'),
        )
        calls = [
            ToolCall(id=raw.id, name=raw.name, arguments=json.loads(raw.arguments))
            for raw in first.calls
        ]
        results = [ToolResult(call_id=item.id, name="add", content="ok") for item in calls]
        messages = (*ASK.messages, assistant("", calls), tool_results(results))
        return (await collect(source.respond(Request(messages=messages, tools=(ADD,))))).text

    assert asyncio.run(main()) == "3"
    assert [item["role"] for item in openai_server.requests[1]["messages"]] == [
        "user",
        "assistant",
        "tool",
        "tool",
    ]


def test_a_connection_serves_many_calls(openai_server: ScriptedServer) -> None:
    openai_server.always = text("hi")
    source = model(openai_server)

    async def main() -> None:
        for _ in range(5):
            await collect(source.respond(ASK))

    asyncio.run(main())
    assert openai_server.connections == 1
    asyncio.run(main())  # a new loop, a new session, the same model
    assert openai_server.connections == 2


def test_closing_the_model_closes_its_connections(openai_server: ScriptedServer) -> None:
    openai_server.always = text("hi")
    source = model(openai_server)

    async def main() -> None:
        await source.aclose()
        for _ in range(2):
            await collect(source.respond(ASK))
            await source.aclose()
        await source.aclose()

    asyncio.run(main())
    assert openai_server.connections == 2


def test_nothing_is_left_behind(openai_server: ScriptedServer) -> None:
    """Unclosed sessions warn when they are collected, and warnings are errors here."""
    openai_server.always = text("hi")

    async def main() -> None:
        await collect(model(openai_server).respond(ASK))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()


def test_concurrent_calls_do_not_wait_for_each_other(openai_server: ScriptedServer) -> None:
    openai_server.always = text("hi", delay=0.2)
    source = model(openai_server)

    async def main() -> None:
        replies = await asyncio.gather(*(collect(source.respond(ASK)) for _ in range(20)))
        assert {reply.text for reply in replies} == {"hi"}

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_stopping_early_closes_the_connection_at_once(how: str) -> None:
    gone = asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n')
        await writer.drain()
        await reader.read()  # until the client hangs up
        gone.set()

    async def read(source: OpenAIModel) -> None:
        async for _ in source.respond(ASK):
            pass

    async def main() -> None:
        async with raw_server(pour) as url:
            source = OpenAIModel("test", Settings(base_url=url))
            if how == "close":
                deltas = source.respond(ASK)
                assert await anext(deltas) == TextDelta(text="x")
                await deltas.aclose()  # type: ignore[attr-defined]
            else:
                task = asyncio.ensure_future(read(source))
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(main())


def test_it_keeps_the_rules_for_models(openai_server: ScriptedServer) -> None:
    openai_server.always = text("Hello there, how are you?", thought="hm")
    check_model(lambda: model(openai_server))
    openai_server.always = call("add", {"x": 1})
    check_model(lambda: model(openai_server))


def test_structured_output_is_asked_for(openai_server: ScriptedServer) -> None:
    openai_server.replies = [text('{"x": 1}')]
    request = Request(messages=ASK.messages, output_schema={"type": "object"})
    asyncio.run(collect(model(openai_server).respond(request)))
    asked = openai_server.requests[0]["response_format"]
    assert asked["json_schema"]["schema"] == {"type": "object"}


def test_the_official_sdk_understands_the_server(openai_server: ScriptedServer) -> None:
    """The server speaks the protocol, not a dialect that only our client knows."""
    from openai import AsyncOpenAI

    async def main() -> None:
        async with AsyncOpenAI(base_url=openai_server.url, api_key="k", max_retries=0) as client:
            chat = client.chat.completions
            messages: Any = [{"role": "user", "content": "hello"}]
            openai_server.replies = [text("plain"), text("stréamed"), call("add", {"x": 1}, "a")]
            plain = await chat.create(model="test", messages=messages)
            assert plain.choices[0].message.content == "plain"
            assert plain.usage is not None
            assert plain.usage.total_tokens == 18
            stream = await chat.create(
                model="test",
                messages=messages,
                stream=True,
                stream_options={"include_usage": True},
            )
            parts = [chunk async for chunk in stream]
            said = [part.choices[0].delta.content or "" for part in parts if part.choices]
            assert "".join(said) == "stréamed"
            assert parts[-1].usage is not None
            called = await chat.create(model="test", messages=messages, stream=True)
            arguments, names = "", []
            async for chunk in called:
                for item in chunk.choices[0].delta.tool_calls or ():
                    assert item.function is not None
                    arguments += item.function.arguments or ""
                    names += [item.function.name] if item.function.name else []
            assert (names, json.loads(arguments)) == (["add"], {"x": 1})

    asyncio.run(main())


def test_calls_stream_piece_by_piece(openai_server: ScriptedServer) -> None:
    openai_server.replies = [call("add", '{"x": 12345}', "a", chunk=6)]

    async def main() -> list[Delta]:
        return [delta async for delta in model(openai_server).respond(ASK)]

    *deltas, end = asyncio.run(main())
    assert deltas == [
        CallDelta(index=0, id="a", name="add"),
        CallDelta(index=0, arguments='{"x": '),
        CallDelta(index=0, arguments="12345}"),
    ]
    assert isinstance(end, End)
    assert end.finish == "tool_calls"


def test_a_text_dialect_works_with_a_strict_server(openai_server: ScriptedServer) -> None:
    def double(number: int) -> str:
        """Double a number."""
        return str(2 * number)

    openai_server.replies = [
        text('Thought: hm\nAction: double\nAction Input: {"number": 21}'),
        text("Thought: so\nFinal Answer: 42"),
    ]
    agent = Agent(model=model(openai_server), tools=[double], dialect="react")
    assert agent.run("Double 21.").raise_for_status().answer == "42"
    sent = openai_server.requests[1]["messages"]
    assert sent[-1] == {"role": "user", "content": "Observation: 42"}

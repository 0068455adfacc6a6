"""What a request looks like on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_server import problem_with

from bottega.dialects.react import React
from bottega.errors import InputError
from bottega.messages import (
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
from bottega.model import Request, Sampling, ToolSpec
from bottega_plugins.models.openai.wire import BodyWriter

TOOL = ToolSpec(
    name="add", description="Add.", parameters={"type": "object", "properties": {"x": {}}}
)


def written(*messages: Message, official: bool = False, **fields: Any) -> dict[str, Any]:
    writer = BodyWriter("test", official=official)
    body = json.loads(writer.write(Request(messages=messages, **fields)))
    assert problem_with(body) == ""
    return dict(body)


def test_a_conversation() -> None:
    calls = [ToolCall(id="a", name="add", arguments={"x": "ö"}), ToolCall(id="b", name="add")]
    results = [
        ToolResult(call_id="a", name="add", content="1"),
        ToolResult(call_id="b", name="add", content="Error: no x", is_error=True),
    ]
    body = written(
        system("Be brief."),
        user("Add!"),
        assistant("Well.", calls[:1]),
        tool_results(results[:1]),
        assistant("", calls[1:]),
        tool_results(results[1:]),
        assistant("Done."),
    )
    messages = body["messages"]
    assert [message["role"] for message in messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert messages[1]["content"] == "Add!"
    function = {"name": "add", "arguments": '{"x":"ö"}'}
    assert messages[2] == {
        "role": "assistant",
        "content": "Well.",
        "tool_calls": [{"id": "a", "type": "function", "function": function}],
    }
    assert messages[3] == {"role": "tool", "tool_call_id": "a", "content": "1"}
    assert messages[4]["content"] is None
    assert messages[6] == {"role": "assistant", "content": "Done."}


def test_parallel_results_are_one_message_each() -> None:
    calls = [ToolCall(id=name, name="add") for name in "ab"]
    results = [ToolResult(call_id=name, name="add", content=name) for name in "ab"]
    body = written(user("x"), assistant("", calls), tool_results(results))
    assert [item.get("tool_call_id") for item in body["messages"]] == [None, None, "a", "b"]


def test_images_go_as_data_or_by_url() -> None:
    by_url = Image(url="https://example.org/a.png")
    body = written(user("Look:", Image(data=b"\x00\x01", media_type="image/jpeg"), by_url))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAE="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]


def test_a_file_url_is_refused() -> None:
    with pytest.raises(InputError, match="file:///etc/passwd"):
        written(user("Look:", Image(url="file:///etc/passwd")))


def test_images_that_a_tool_returns_follow_its_result() -> None:
    result = ToolResult(call_id="a", name="plot", content="ok", images=(Image(data=b"x"),))
    calls = [ToolCall(id="a", name="plot")]
    messages = written(user("Plot!"), assistant("", calls), tool_results([result]))["messages"]
    assert messages[2]["content"] == "ok"
    assert messages[3]["role"] == "user"
    assert messages[3]["content"][0] == {"type": "text", "text": "Returned by plot (a):"}
    assert messages[3]["content"][1]["type"] == "image_url"


def test_names_go_along_where_the_protocol_takes_them() -> None:
    good = Message(role="user", parts=(Text(text="x"),), name="critic-2")
    odd = Message(role="user", parts=(Text(text="x"),), name="the critic")
    first, second = written(good, odd)["messages"]
    assert (first["name"], "name" in second) == ("critic-2", False)


def test_only_what_was_asked_for_is_sent() -> None:
    assert set(written(user("x"))) == {"model", "messages", "stream", "stream_options"}


def test_sampling_and_tools() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.5, top_k=3, max_tokens=7, stop=("a", "b"), seed=0)
    body = written(user("x"), sampling=sampling, tools=(TOOL,))
    assert body["temperature"] == 0
    assert (body["top_p"], body["top_k"], body["seed"]) == (0.5, 3, 0)
    assert (body["max_tokens"], body["stop"]) == (7, ["a", "b"])
    function = {"name": "add", "description": "Add.", "parameters": dict(TOOL.parameters)}
    assert body["tools"] == [{"type": "function", "function": function}]


def test_openai_itself_wants_it_otherwise() -> None:
    body = written(user("x"), sampling=Sampling(max_tokens=7, top_k=3), official=True)
    assert body["max_completion_tokens"] == 7
    assert not {"max_tokens", "top_k"} & set(body)


LOOSE = {"type": "object", "properties": {"x": {"type": "integer"}}}
CLOSED = {**LOOSE, "required": ["x"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (LOOSE, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "properties": {"x": {"type": "array", "items": CLOSED}}}, True),
        ({**CLOSED, "properties": {"x": {"type": "array", "items": LOOSE}}}, False),
        ({**CLOSED, "properties": {"x": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"x": {"type": "string", "minLength": 3}}}, False),
        ({**CLOSED, "$defs": {"y": LOOSE}}, False),
        ({"type": "string"}, False),
    ],
)
def test_structured_output_is_strict_where_the_schema_allows(
    schema: dict[str, Any], strict: bool
) -> None:
    given = written(user("x"), output_schema=schema)["response_format"]
    assert given["type"] == "json_schema"
    assert given["json_schema"]["schema"] == schema
    assert given["json_schema"].get("strict", False) is strict


def test_half_a_surrogate_pair_is_sent_as_a_replacement() -> None:
    calls = [ToolCall(id="a", name="f", arguments={"x": "\udfff"})]
    result = ToolResult(call_id="a", name="f", content="ok")
    body = written(user("a\ud800b 😀"), assistant("", calls), tool_results([result]))
    assert body["messages"][0]["content"] == "a�b 😀"
    assert "�" in body["messages"][1]["tool_calls"][0]["function"]["arguments"]


def test_a_growing_conversation_is_written_as_if_anew() -> None:
    writer = BodyWriter("test", official=False)
    messages: list[Message] = [system("Be brief."), user("Add!")]
    for step in range(5):
        call_id = f"c{step}"
        calls = [ToolCall(id=call_id, name="add", arguments={"x": step})]
        messages += [
            assistant("", calls),
            tool_results([ToolResult(call_id=call_id, name="add", content=str(step))]),
        ]
        tools = (TOOL,) if step < 3 else (TOOL, ToolSpec(name="f", description="", parameters={}))
        for sent in (messages, messages[2:], messages):
            request = Request(messages=tuple(sent), tools=tools)
            assert writer.write(request) == BodyWriter("test", official=False).write(request)


def test_a_text_dialects_observation_is_a_user_message() -> None:
    picture = Image(media_type="image/png", data=b"\x89PNG")
    result = ToolResult(call_id="r1", name="look", content="a lamp", images=(picture,))
    body = written(user("Look!"), assistant("Action: look"), React().observed([result]))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    content = body["messages"][-1]["content"]
    assert content[0] == {"type": "text", "text": "Observation: a lamp"}
    assert [part["type"] for part in content] == ["text", "text", "image_url"]

"""What a reply means: whole or streamed, tidy or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_server import Reply, chunks, text, whole

from bottega.errors import ContextLengthError, ModelAuthError, ModelError, ModelReplyError
from bottega.model import End, ReplyBuilder, TextDelta, ThoughtDelta, Usage
from bottega.model import Reply as Whole
from bottega_plugins.models.openai.failures import Failures
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.reply import ReplyReader
from bottega_plugins.models.openai.settings import Settings

SETTINGS = Settings(base_url="http://127.0.0.1:1/v1")
JSON = "application/json; charset=utf-8"
EVENTS = "text/event-stream"


def reader(content_type: str = "", limit: int = 4_000_000) -> ReplyReader:
    failures = Failures("test", SETTINGS, Redactor())
    return ReplyReader(Redactor(), failures.of_object, content_type=content_type, limit=limit)


def read(data: bytes, content_type: str = "", size: int = 0, limit: int = 4_000_000) -> Whole:
    source, builder = reader(content_type, limit), ReplyBuilder()
    step = size or len(data) or 1
    for start in range(0, len(data), step):
        for delta in source.feed(data[start : start + step]):
            builder.add(delta)
    if not source.done:
        for delta in source.close():
            builder.add(delta)
    return builder.build()


def stream(*items: Any, done: bool = True) -> bytes:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
    return "".join(f"data: {line}\n\n" for line in [*lines, *(["[DONE]"] if done else [])]).encode()


def chunk(finish: Any = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def piece(arguments: Any = None, name: str | None = None, **fields: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{**fields, "function": function}])


def calls(*items: dict[str, Any]) -> list[tuple[str, str, str]]:
    reply = read(stream(*items, chunk("tool_calls")))
    return [(call.id, call.name, call.arguments) for call in reply.calls]


SAMPLE = (
    Reply(text="Grüße, 世界 👋", thought="hm, 考え").also("f", {"x": "ö"}, "a").also("g", {}, "b")
)


@given(st.integers(1, 40), st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]), st.booleans())
def test_streamed_replies_survive_any_cuts(size: int, gap: str, ascii_only: bool) -> None:
    frames = [json.dumps(item, ensure_ascii=ascii_only) for item in chunks(SAMPLE)]
    data = "".join(f"data: {item}{gap}" for item in [*frames, "[DONE]"]).encode()
    reply = read(data, EVENTS, size)
    assert (reply.text, reply.thought) == (SAMPLE.text, SAMPLE.thought)
    assert [(call.id, call.name) for call in reply.calls] == [("a", "f"), ("b", "g")]
    assert [json.loads(call.arguments) for call in reply.calls] == [{"x": "ö"}, {}]
    usage = Usage(input_tokens=11, output_tokens=7)
    assert reply.end == End(finish="tool_calls", usage=usage, model="test-1")


@pytest.mark.parametrize("content_type", [JSON, EVENTS, "text/plain", ""])
@pytest.mark.parametrize("size", [0, 1])
def test_a_reply_in_one_piece_says_the_same_under_any_content_type(
    content_type: str, size: int
) -> None:
    reply = read(json.dumps(whole(SAMPLE)).encode(), content_type, size)
    assert (reply.text, reply.thought, len(reply.calls)) == (SAMPLE.text, SAMPLE.thought, 2)
    assert reply.end.finish == "tool_calls"


@pytest.mark.parametrize("content_type", [JSON, "application/octet-stream", ""])
def test_a_stream_is_known_by_its_bytes(content_type: str) -> None:
    for head in (b"", b": comment\n\n", b"event: message\n", b"\xef\xbb\xbf", b"\n\n  "):
        data = head.rstrip(b" ") + stream(chunk(content="hi"), chunk("stop"))
        assert read(data, content_type).text == "hi"


@given(st.binary(max_size=400), st.sampled_from([JSON, EVENTS, "text/html", ""]))
def test_rubbish_is_an_error_of_the_model(data: bytes, content_type: str) -> None:
    with pytest.raises(ModelError):
        read(data, content_type)


ODD = [None, True, 0, -1, 1.5, 10**30, "", "stop", "x", "\ud800", [], {}, [[]], [{}]]
ODD.append({"x": "\ud800"})
FAULTY = {"error": {"message": "no", "code": "x", "type": "y"}}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside of a value, its own first."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return the value with something odd at one place."""
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


def oddities() -> Iterator[tuple[str, bytes]]:
    """Yield good replies with each of their values replaced by each odd one."""
    legacy = chunk(function_call={"name": "f", "arguments": "{}"})
    frames = [
        *chunks(replace(SAMPLE, chunk=99)),
        chunk(content=[{"type": "text", "text": "x"}]),
        legacy,
    ]
    forms = [(frames, "stream"), ([FAULTY], "stream"), (whole(SAMPLE), "whole"), (FAULTY, "whole")]
    for good, form in forms:
        for path in places(good):
            for odd in ODD:
                bad = changed(good, path, odd)
                if form == "stream":
                    lines = map(json.dumps, bad if isinstance(bad, list) else [bad])
                    yield f"{path}={odd!r}", stream(*lines)
                else:
                    yield f"{path}={odd!r}", json.dumps(bad).encode()


def test_one_odd_value_anywhere_does_no_harm() -> None:
    count = 0
    for where, data in oddities():
        count += 1
        try:
            reply = read(data)
        except ModelError:
            continue
        except Exception as error:
            pytest.fail(f"{where}: {error!r}")
        assert isinstance(reply.end, End), where
        assert all(isinstance(call.arguments, str) for call in reply.calls), where
        f"{reply.text}{reply.thought}{reply.end.model}{reply.calls}".encode()
    assert count > 1000


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "filter"),
        ("eos_token", "stop"),
        (7, "stop"),
    ],
)
def test_finish_reasons(given: Any, meant: str) -> None:
    assert read(stream(chunk(content="x"), chunk(given))).end.finish == meant


def test_calls_under_finish_stop_are_still_calls() -> None:
    assert read(stream(piece("{}", "f", id="a"), chunk("stop"))).end.finish == "tool_calls"


@pytest.mark.parametrize("reason", ["error", "abort"])
def test_a_server_that_gives_up_says_so(reason: str) -> None:
    with pytest.raises(ModelReplyError, match=reason) as caught:
        read(stream(chunk(content="x"), chunk(reason)))
    assert caught.value.retryable


def test_done_without_a_finish_reason_ends_what_has_come() -> None:
    assert read(stream(chunk(content="all of it"))).end.finish == "stop"
    assert read(stream(piece("{}", "f"))).end.finish == "tool_calls"
    with pytest.raises(ModelReplyError, match="without a message"):
        read(stream(chunk(), {"choices": []}))


def test_an_end_without_done_is_an_end_when_the_model_was_through() -> None:
    assert read(stream(chunk(content="x"), chunk("stop"), done=False)).text == "x"
    assert read(stream(chunk("stop", content="x"), done=False).rstrip()).text == "x"


@pytest.mark.parametrize(
    "data",
    [
        stream(chunk(content="x"), done=False),
        stream(chunk(content="x"), done=False) + b'data: {"choices": [{"del',
        stream(chunk(content="x"), done=False) + b"data: \xe4\xb8",
        stream(chunk(content="x"), done=False) + b"da",
        b": nothing but comments\n\n",
    ],
)
def test_a_stream_that_stops_in_the_middle_was_cut(data: bytes) -> None:
    with pytest.raises(ModelReplyError, match="stream was cut") as caught:
        read(data)
    assert caught.value.retryable


def test_usage_that_is_no_usage_is_unknown() -> None:
    for usage in (None, "11", [], {"prompt_tokens": "11"}, {"prompt_tokens": True}, {"x": -1}):
        reply = read(json.dumps(whole(text("hi", usage=usage))).encode())
        assert reply.end.usage == Usage()
    half = {"prompt_tokens": 3, "completion_tokens": None}
    reply = read(stream(chunk(content="x"), {**chunk("stop"), "usage": half}))
    assert reply.end.usage == Usage(input_tokens=3)


def test_an_empty_text_is_left_to_the_dialect() -> None:
    for content in (None, ""):
        reply = whole(text("x"))
        reply["choices"][0]["message"]["content"] = content
        assert read(json.dumps(reply).encode()).text == ""
    assert read(stream(chunk(content=""), chunk("stop"))).text == ""


def test_text_in_parts_and_thoughts_in_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    parts = [thinking, {"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]
    reply = read(stream(chunk(content=parts), chunk("stop")))
    assert (reply.text, reply.thought) == ("ab", "hm")


def test_thoughts_under_either_name_and_refusals() -> None:
    source = reader()
    frames = [chunk(reasoning_content="a"), chunk(reasoning="b"), chunk(refusal="no")]
    deltas = source.feed(stream(*frames, chunk("stop")))
    assert deltas[:3] == [ThoughtDelta(text="a"), ThoughtDelta(text="b"), TextDelta(text="no")]


def test_half_a_surrogate_pair_cannot_reach_a_store() -> None:
    reply = read(stream(chunk(content="a\ud800b"), chunk(content="\ud83d\ude00"), chunk("stop")))
    assert reply.text == "a�b😀"


# Tool calls as servers really write them.


def test_calls_in_parallel_may_interleave() -> None:
    items = [
        piece("", "f", index=0, id="a"),
        piece("", "g", index=1, id="b"),
        piece('{"x"', index=0),
        piece('{"y"', index=1),
        piece(":1}", index=0),
        piece(":2}", index=1),
    ]
    assert calls(*items) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_missing_ids_stay_missing() -> None:
    assert calls(piece("{", "f", index=0), piece("}", index=0)) == [("", "f", "{}")]


def test_one_index_for_calls_with_different_ids() -> None:
    items = [piece('{"x":1}', "f", index=0, id="a"), piece('{"x":2}', "f", index=0, id="b")]
    assert calls(*items) == [("a", "f", '{"x":1}'), ("b", "f", '{"x":2}')]


def test_one_index_for_calls_without_ids() -> None:
    same = [piece('{"x":1}', "f", index=0), piece('{"x":2}', "f", index=0)]
    assert calls(*same) == [("", "f", '{"x":1}'), ("", "f", '{"x":2}')]
    other = [piece("{}", "f", index=0), piece("{}", "g", index=0)]
    assert calls(*other) == [("", "f", "{}"), ("", "g", "{}")]


@pytest.mark.parametrize("place", [{"index": 0}, {}])
@pytest.mark.parametrize("name", [{"id": "a"}, {}])
def test_a_name_repeated_in_every_piece_is_one_call(
    place: dict[str, Any], name: dict[str, Any]
) -> None:
    parts = ['{"x"', ': "lo', 'ng"}', ""]
    items = [piece(part, "f", **place, **name) for part in parts]
    assert calls(*items) == [(name.get("id", ""), "f", '{"x": "long"}')]


def test_a_new_id_in_every_piece_is_one_call() -> None:
    items = [piece("{", "f", index=0, id="a"), piece("}", index=0, id="b")]
    assert calls(*items) == [("a", "f", "{}")]
    items = [piece("{", "f", id="a"), piece("}", id="b")]
    assert calls(*items) == [("a", "f", "{}")]


def test_missing_indexes() -> None:
    items = [piece("{", "f", id="a"), piece("}"), piece("{", "g", id="b"), piece("}", id="b")]
    assert calls(*items) == [("a", "f", "{}"), ("b", "g", "{}")]
    late = [
        piece("{", "f", id="a"),
        piece("{", "g", id="b"),
        piece("}", id="a"),
        piece("}", id="b"),
    ]
    assert calls(*late) == [("a", "f", "{}"), ("b", "g", "{}")]


@pytest.mark.parametrize(
    ("given", "text"),
    [({"x": [1]}, '{"x": [1]}'), ([1], "[1]"), (None, ""), (7, "7"), ("not json", "not json")],
)
def test_arguments_of_any_type_become_text(given: Any, text: str) -> None:
    assert calls(piece(given, "f", index=0, id="a")) == [("a", "f", text)]


def test_odd_calls_do_no_harm() -> None:
    assert calls(chunk(tool_calls={"id": 5, "function": {"name": "f"}})) == [("5", "f", "")]
    assert calls(chunk(tool_calls=[{"id": "a", "function": None}])) == [("a", "", "")]
    assert calls(chunk(function_call={"name": "f", "arguments": "{}"})) == [("", "f", "{}")]
    with pytest.raises(ModelReplyError, match="a tool call is of type str"):
        calls(chunk(tool_calls=["f"]))


# Limits and errors.


def test_a_reply_has_a_longest_length() -> None:
    data = stream(*[chunk(content="x" * 100)] * 20, chunk("stop"))
    with pytest.raises(ModelReplyError, match="longer than 1,000 characters"):
        read(data, limit=1000)
    empty = stream(
        *[chunk(tool_calls=[{"id": f"{n}", "function": {"name": "f"}}]) for n in range(20)]
    )
    with pytest.raises(ModelReplyError, match="longer than 1,000 characters"):
        read(empty, limit=1000)


def test_errors_inside_of_a_reply_keep_their_kind() -> None:
    too_long = {"message": "maximum context length is 9", "type": "invalid_request_error"}
    with pytest.raises(ContextLengthError):
        read(json.dumps({"error": too_long}).encode())
    with pytest.raises(ModelAuthError):
        read(stream({"error": {"message": "no", "code": 401}}))
    with pytest.raises(ModelError, match="went wrong") as caught:
        read(stream(chunk(content="x"), {"error": "something went wrong"}))
    assert caught.value.retryable
    with pytest.raises(ModelError, match="bad input") as caught:
        read(json.dumps({"object": "error", "message": "bad input", "code": 400}).encode())
    assert not caught.value.retryable


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_deep_json_is_refused(depth: int) -> None:
    deep = '{"choices":' + "[" * depth + "]" * depth + "}"
    for data in (deep.encode(), stream(deep)):
        with pytest.raises(ModelReplyError):
            read(data)

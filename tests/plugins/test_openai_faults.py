"""Everything that a model server does wrong, played by a real one; the rows A1 to A33.

Each fault ends in a typed error that says what happened and where, with no secret in it, within the
time that was given.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openai_server import Reply, ScriptedServer, call, chunks, error, raw_server, text, whole

from bottega.errors import (
    ContextLengthError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from bottega.messages import user
from bottega.middleware import wrap_model
from bottega.model import Reply as Whole
from bottega.model import Request, Usage, collect
from bottega.retry import Retry
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.settings import Settings

KEY = "sk-canary-0123456789"
HANGS = 10
"""Seconds after which a call counts as hanging; every limit in these tests is far below."""
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


def model(url: str, **settings: Any) -> OpenAIModel:
    return OpenAIModel("test", Settings(base_url=url, key=KEY, **settings))


async def ask(
    url: str, *, retry: Retry | None = None, seconds: float = 0, **settings: Any
) -> Whole:
    deadline = time.monotonic() + seconds if seconds else None
    request = Request(messages=(user("hello"),), deadline=deadline)
    handler = wrap_model(model(url, **settings), [retry] if retry else [])
    async with asyncio.timeout(HANGS):
        return await collect(handler(request))


def served(server: ScriptedServer, *replies: Reply, **settings: Any) -> Whole:
    server.replies = list(replies)
    return asyncio.run(ask(server.url, **settings))


def raw(data: bytes | Write, **settings: Any) -> Whole:
    """Ask a server that sends these bytes and hangs up, or does what the function does."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(data, bytes):
            writer.write(data)
            await writer.drain()
        else:
            await data(writer)

    async def main() -> Whole:
        async with raw_server(handle) as url:
            return await ask(url, **settings)

    return asyncio.run(main())


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers]
    lines += [f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def event(**delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


HALF = STREAM + event(content="half an ans")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST in place of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# Statuses: A1 to A9, A20.


def test_429_twice_is_waited_for(openai_server: ScriptedServer) -> None:
    slow = error(429, headers={"Retry-After": "0"})
    reply = served(openai_server, slow, slow, text("there"), retry=Retry(first_wait=0.01))
    assert reply.text == "there"
    assert len(openai_server.requests) == 3


def test_429_forever_ends_within_the_deadline(openai_server: ScriptedServer) -> None:
    openai_server.always = error(429)
    started = time.monotonic()
    # the time may be up between two requests, or during one
    with pytest.raises((ModelRateLimitError, ModelTimeoutError), match="gave up after"):
        served(openai_server, retry=Retry(100, first_wait=0.05, max_wait=0.2), seconds=0.5)
    assert time.monotonic() - started < HANGS


@pytest.mark.parametrize("wait", ["10", "3600"])
def test_a_wait_beyond_the_deadline_is_not_begun(openai_server: ScriptedServer, wait: str) -> None:
    openai_server.always = error(429, headers={"Retry-After": wait})
    with pytest.raises(ModelRateLimitError, match="gave up after"):
        served(openai_server, retry=Retry(100, first_wait=0.05), seconds=9)
    assert len(openai_server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e999"}, None),
        ({}, None),
    ],
)
def test_what_429_asks_for(
    openai_server: ScriptedServer, headers: dict[str, str], seconds: float | None
) -> None:
    with pytest.raises(ModelRateLimitError) as caught:
        served(openai_server, error(429, "slow down", headers=headers))
    assert caught.value.retry_after == seconds


def test_a_date_to_come_is_waited_for(openai_server: ScriptedServer) -> None:
    at = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    with pytest.raises(ModelRateLimitError) as caught:
        served(openai_server, error(429, headers={"Retry-After": at}))
    assert caught.value.retry_after == pytest.approx(99, abs=20)


def test_500_twice_is_tried_again(openai_server: ScriptedServer) -> None:
    reply = served(openai_server, error(500), error(502), text("there"), retry=Retry(first_wait=0))
    assert reply.text == "there"


def test_500_forever_says_how_often_it_was_tried(openai_server: ScriptedServer) -> None:
    openai_server.always = error(500, "the disk is full")
    with pytest.raises(ModelError, match="status 500: the disk is full; gave up after 4") as caught:
        served(openai_server, retry=Retry(first_wait=0))
    assert caught.value.attempts == len(openai_server.requests) == 4


def test_a_503_page_is_named_by_its_title(openai_server: ScriptedServer) -> None:
    page = "<html><head><title>Upstream\n\x1b[31m down</title></head>" + "<p>x</p>" * 9999
    with pytest.raises(ModelError, match=r"status 503: Upstream \\x1b\[31m down$") as caught:
        served(openai_server, Reply(status=503, body=page))
    assert caught.value.retryable


def test_a_503_may_ask_to_wait(openai_server: ScriptedServer) -> None:
    with pytest.raises(ModelRateLimitError) as caught:
        served(openai_server, error(503, headers={"Retry-After": "7"}))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again_and_not_shown(
    openai_server: ScriptedServer, status: int
) -> None:
    openai_server.always = error(status, f"bad key {KEY}, and so is Bearer {KEY}")
    with pytest.raises(ModelAuthError, match="OPENAI_API_KEY") as caught:
        served(openai_server, retry=Retry(first_wait=0))
    assert KEY not in str(caught.value) + repr(caught.value)
    assert "bad key [redacted]" in str(caught.value)
    assert len(openai_server.requests) == 1


def test_a_key_at_the_cut_of_a_long_message_is_not_shown_in_part(
    openai_server: ScriptedServer,
) -> None:
    for before in range(290, 300):
        with pytest.raises(ModelError) as caught:
            served(openai_server, Reply(status=400, body="x" * before + KEY))
        assert "sk-" not in str(caught.value)


def test_404_points_at_name_and_address(openai_server: ScriptedServer) -> None:
    with pytest.raises(
        ModelError, match=r"status 404.*is 'test' a model.*OPENAI_BASE_URL"
    ) as caught:
        served(openai_server, error(404, "no such model"))
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This model's maximum context length is 8192 tokens.", None),
        ("too long", "context_length_exceeded"),
        ("the request exceeds the available context size", None),
    ],
)
def test_a_context_that_is_too_long_is_its_own_error(
    openai_server: ScriptedServer, message: str, code: str | None
) -> None:
    with pytest.raises(ContextLengthError):
        served(openai_server, error(400, message, code=code), retry=Retry(first_wait=0))
    assert len(openai_server.requests) == 1


def test_a_spent_quota_does_not_pass_by_waiting(openai_server: ScriptedServer) -> None:
    with pytest.raises(ModelError, match="quota") as caught:
        served(openai_server, error(429, "pay", code="insufficient_quota"))
    assert not caught.value.retryable


def test_redirects_are_named_and_not_followed(openai_server: ScriptedServer) -> None:
    canary = ScriptedServer().start()
    canary.always = text("followed")
    try:
        for status in (301, 302, 303, 307, 308):
            target = f"{canary.url}/chat/completions?key={KEY}"
            with pytest.raises(ModelError, match=f"redirect to {canary.url}") as caught:
                served(openai_server, Reply(status=status, headers={"Location": target}))
            assert not caught.value.retryable
            assert KEY not in str(caught.value)
        assert canary.paths == []
    finally:
        canary.stop()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"no"',
        '{"error": "no"}',
        '{"detail": [{"msg": "no"}]}',
        "\x00\x1b[2J",
        "[[[",
    ],
)
def test_error_bodies_of_any_shape(openai_server: ScriptedServer, body: str) -> None:
    with pytest.raises(ModelError, match="status 418") as caught:
        served(openai_server, Reply(status=418, body=body))
    assert str(caught.value).isprintable()


def test_an_error_body_that_never_ends_is_cut(openai_server: ScriptedServer) -> None:
    with pytest.raises(ModelError) as caught:
        served(openai_server, Reply(status=400, body="ab " * 1_000_000))
    assert len(str(caught.value)) < 500


# Time: A10, A11, A29.


def test_a_server_that_hangs_is_left(openai_server: ScriptedServer) -> None:
    with pytest.raises(ModelTimeoutError, match=r"no whole reply within 0\.2 s") as caught:
        served(openai_server, text("late", delay=30), timeout=0.2)
    assert caught.value.retryable


def test_the_run_s_deadline_rules(openai_server: ScriptedServer) -> None:
    with pytest.raises(ModelTimeoutError, match="before the run's time was up") as caught:
        served(openai_server, text("late", delay=30), seconds=0.2)
    assert not caught.value.retryable
    with pytest.raises(ModelTimeoutError):
        served(openai_server, text("never asked"), seconds=-1)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM)
    while True:
        writer.write(event(content="x"))
        await writer.drain()
        await asyncio.sleep(0.02)


def test_a_drip_is_ruled_by_the_whole_time() -> None:
    for limits in ({"timeout": 0.3}, {"seconds": 0.3}):
        with pytest.raises(ModelTimeoutError):
            raw(drip, idle_timeout=0.2, **limits)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    for byte in STREAM * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


def test_dripping_headers_are_ruled_too() -> None:
    with pytest.raises(ModelTimeoutError):
        raw(drip_headers, timeout=0.3)


async def stall(writer: asyncio.StreamWriter) -> None:
    writer.write(HALF)
    await writer.drain()
    await asyncio.sleep(30)


def test_silence_in_the_middle_is_noticed() -> None:
    with pytest.raises(ModelTimeoutError, match=r"fell silent for 0\.2 s") as caught:
        raw(stall, idle_timeout=0.2)
    assert caught.value.retryable


def test_an_error_whose_body_stalls_is_still_that_error() -> None:
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"", status="401 No", length=100))
        await writer.drain()
        await asyncio.sleep(30)

    with pytest.raises(ModelAuthError):
        raw(refuse, idle_timeout=1.0)  # the head must get through, on a busy machine, too


# Connections: A12, A13, A28, and nobody there.


def test_nobody_is_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(ModelUnreachableError, match=f"127.0.0.1:{port}.*refused") as caught:
        asyncio.run(ask(f"http://127.0.0.1:{port}/v1"))
    assert caught.value.retryable
    assert "OPENAI_BASE_URL" in caught.value.hint


def test_a_server_that_does_not_accept() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        address = sock.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # fill the backlog
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(address)
        with pytest.raises(ModelUnreachableError, match=r"no connection within 0\.2 s"):
            asyncio.run(ask(f"http://127.0.0.1:{address[1]}/v1", connect_timeout=0.2))
        for other in waiting:
            other.close()


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_reset_before_the_answer(sent: bytes) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        await asyncio.sleep(0.02)
        reset(writer)

    with pytest.raises(ModelUnreachableError) as caught:
        raw(cut)
    assert caught.value.retryable


def test_a_reset_in_the_middle() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(HALF)
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    with pytest.raises(ModelError, match=r"cut|broke") as caught:
        raw(cut)
    assert caught.value.retryable


def test_a_hang_up_without_an_answer() -> None:
    with pytest.raises(ModelUnreachableError, match="without an answer") as caught:
        raw(b"")
    assert caught.value.retryable


def test_a_body_shorter_than_announced() -> None:
    body = json.dumps(whole(text("hello"))).encode()
    for cut in (body, body[:40]):
        with pytest.raises(ModelReplyError, match="cut") as caught:
            raw(http(cut, "Content-Type: application/json", length=len(body) + 50))
        assert caught.value.retryable


def test_a_reset_after_the_finish_has_broken_nothing() -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        frames = chunks(text("all of it"), include_usage=False)
        writer.write(STREAM + b"".join(f"data: {json.dumps(f)}\n\n".encode() for f in frames))
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    assert raw(late).text == "all of it"


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x16\x03\x01\x02", b"HTTP/1.1 abc\r\n\r\n"]
)
def test_a_server_that_speaks_something_else(answer: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        raw(answer + b"\r\n" * 4)
    assert str(caught.value).isprintable()


def test_headers_without_end() -> None:
    with pytest.raises(ModelError):
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000)


# Bodies: A14 to A19, A21 to A26.

GOOD = json.dumps(whole(text("hello")))


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"", "application/json", "empty"),
        (b"", "text/event-stream", "empty"),
        (b"  \n", "application/json", "empty"),
        (b"<!doctype html><title>Log in</title>", "text/html", "web page.*Log in"),
        (b"<html>", "application/json", "web page"),
        (GOOD[:60].encode(), "application/json", "not valid JSON"),
        (GOOD.encode().replace(b"hello", b"h\xffllo"), "application/json", "not valid UTF-8"),
        (b"[]", "application/json", "list, not an object"),
        (b"null", "application/json", "NoneType, not an object"),
        (b"true", "application/json", "bool, not an object"),
        (b"It works!", "text/plain", "neither JSON nor a stream of events: 'It works!'"),
        (b"\x89PNG\r\n", "image/png", "neither JSON"),
        (b"{}", "application/json", "no message"),
        (b'{"choices": []}', "application/json", "no message"),
        (b'{"choices": null}', "application/json", "no message"),
        (b'{"choices": [null]}', "application/json", "no message"),
        (b'{"choices": {"a": 1}}', "application/json", "no message"),
    ],
)
def test_bodies_that_are_no_reply(
    openai_server: ScriptedServer, body: bytes, kind: str, says: str
) -> None:
    with pytest.raises(ModelReplyError, match=says):
        served(openai_server, Reply(body=body, headers={"Content-Type": kind}))


@pytest.mark.parametrize("message", [None, {}, "text", []])
def test_a_null_message_is_an_empty_reply_or_an_error(
    openai_server: ScriptedServer, message: Any
) -> None:
    choice = {"index": 0, "message": message, "finish_reason": None}
    with pytest.raises(ModelReplyError, match=r"no message|without a message"):
        served(openai_server, Reply(body={"choices": [choice]}))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "text/html", "x"])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_wrong_content_type_is_no_harm(
    openai_server: ScriptedServer, kind: str, streamed: bool
) -> None:
    body = (
        GOOD
        if not streamed
        else "".join(f"data: {json.dumps(frame)}\n\n" for frame in chunks(text("hello")))
    )
    assert served(openai_server, Reply(body=body, headers={"Content-Type": kind})).text == "hello"


def test_packed_replies_are_refused() -> None:
    with pytest.raises(ModelReplyError, match=r"compressed its reply \(gzip\)"):
        raw(http(b"\x1f\x8b" + b"\0" * 50, "Content-Encoding: gzip"))


def test_an_error_in_a_200(openai_server: ScriptedServer) -> None:
    body = {"error": {"message": f"overloaded, dear {KEY}", "type": "server_error"}}
    with pytest.raises(ModelError, match=r"overloaded, dear \[redacted\]") as caught:
        served(openai_server, Reply(body=body))
    assert caught.value.retryable


def test_a_reply_cut_at_its_length_says_so(openai_server: ScriptedServer) -> None:
    reply = served(openai_server, text('{"half": ', finish="length"))
    assert reply.end.finish == "length"


def test_a_filtered_reply_says_so(openai_server: ScriptedServer) -> None:
    assert served(openai_server, text("", finish="content_filter")).end.finish == "filter"


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": "11"}])
@pytest.mark.parametrize("stream", [True, False])
def test_unknown_usage_is_unknown(openai_server: ScriptedServer, usage: Any, stream: bool) -> None:
    reply = served(openai_server, text("hello", usage=usage, stream=stream))
    assert (reply.text, reply.end.usage) == ("hello", Usage())


# Streams: A27, A30 to A33.


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (HALF, "stream was cut"),
        (HALF + b"data: ", "stream was cut"),
        (HALF + b"data: \xff\xfe\n\ndata: [DONE]\n\n", "not valid UTF-8"),
        (HALF + b"data: {oops}\n\ndata: [DONE]\n\n", "not valid JSON"),
        (HALF + b"data: [1]\n\n", "list, not an object"),
    ],
)
def test_streams_that_break(data: bytes, says: str) -> None:
    with pytest.raises(ModelReplyError, match=says) as caught:
        raw(data)
    assert caught.value.retryable


def test_an_error_in_the_middle_of_a_stream() -> None:
    failure = {"error": {"message": f"GPU lost\x1b[2J {KEY}", "code": 503}}
    with pytest.raises(ModelError, match=r"GPU lost\\x1b\[2J \[redacted\]") as caught:
        raw(HALF + f"data: {json.dumps(failure)}\n\n".encode())
    assert caught.value.retryable


def endless(piece: bytes, start: bytes = b"") -> tuple[Write, list[int]]:
    sent: list[int] = []

    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + start)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                sent.append(len(piece))
        finally:
            sent.append(0)

    return pour, sent


def test_an_endless_text_is_cut_and_the_connection_closed() -> None:
    pour, sent = endless(event(content="x" * 50_000))
    with pytest.raises(ModelReplyError, match="longer than 4,000,000 characters"):
        raw(pour, timeout=HANGS)
    assert sent[-1] == 0  # the server noticed that nobody listens
    assert sum(sent) < 12_000_000


def test_an_endless_line_is_cut() -> None:
    pour, _ = endless(b"x" * 100_000, start=b"data: ")
    with pytest.raises(ModelReplyError, match="longer than 8,000,000 bytes"):
        raw(pour, timeout=HANGS)


def test_endless_comments_are_ruled_by_the_clock() -> None:
    pour, _ = endless(b": ping\n\n" * 1000)
    with pytest.raises(ModelTimeoutError):
        raw(pour, timeout=0.4)


def test_many_calls_come_through_as_they_are(openai_server: ScriptedServer) -> None:
    reply = call("f", {"x": 0})
    for number in range(1, 200):
        reply = reply.also("f", {"x": number})
    assert len(served(openai_server, reply).calls) == 200


def test_a_cut_stream_is_asked_for_again() -> None:
    answers = [
        HALF,
        STREAM
        + b"".join(f"data: {json.dumps(frame)}\n\n".encode() for frame in chunks(text("whole"))),
    ]

    async def next_answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))
        await writer.drain()

    assert raw(next_answer, retry=Retry(first_wait=0)).text == "whole"

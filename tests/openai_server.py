"""A real server on 127.0.0.1 that speaks the OpenAI protocol and says what a test tells it to.

    server.replies = [call("calculator", {"expression": "1+1"}), text("2")]
    ... run something with OPENAI_BASE_URL=server.url ...
    assert server.requests[0]["messages"][-1]["content"] == "one and one?"

It runs in a thread of its own, so subprocesses and any event loop can use it. It refuses requests
that break the protocol, so a client that passes here writes the protocol properly.
`raw_server` is for what no proper server does: it sends bytes as they are.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted reply."""

    text: str = ""
    thought: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    finish: str = ""
    """The finish reason; empty for the one that fits."""
    usage: Any = field(default_factory=lambda: dict(USAGE))
    chunk: int = 4
    """Characters per streamed chunk."""
    stream: bool = True
    """False ignores the client's wish for a stream."""
    status: int = 200
    body: bytes | str | Mapping[str, Any] | list[Any] | None = None
    """Sent as it is, in place of a reply."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the headers are sent."""

    def also(self, name: str, arguments: Any, call_id: str = "") -> Reply:
        """Add another tool call to the same turn."""
        return replace(self, calls=(*self.calls, _call(name, arguments, call_id)))


def text(content: str, **fields: Any) -> Reply:
    """Reply with text."""
    return Reply(text=content, **fields)


def call(name: str, arguments: Any, call_id: str = "", **fields: Any) -> Reply:
    """Reply with a tool call; arguments are an object, or JSON text as it shall arrive."""
    return Reply(calls=(_call(name, arguments, call_id),), **fields)


def error(status: int, message: str = "it failed", **fields: Any) -> Reply:
    """Reply with a status and an error object; `code`, `type` and `headers` may be given."""
    body = {"message": message, "type": fields.pop("type", None), "code": fields.pop("code", None)}
    return Reply(status=status, body={"error": body}, **fields)


def vectors(rows: Sequence[Any], indexes: Sequence[Any] | None = None, **fields: Any) -> Reply:
    """Reply to an embeddings request with these rows, in whatever form they are."""
    places = range(len(rows)) if indexes is None else indexes
    data = [
        {"object": "embedding", "index": place, "embedding": row}
        for place, row in zip(places, rows, strict=True)
    ]
    usage = {"prompt_tokens": 11, "total_tokens": 11}
    return Reply(body={"object": "list", "data": data, "model": "test", "usage": usage}, **fields)


_ids = itertools.count(1)


def _call(name: str, arguments: Any, call_id: str) -> dict[str, Any]:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": written}
    return {"id": call_id or f"call_{next(_ids)}", "type": "function", "function": function}


Script = Reply | str | Callable[[dict[str, Any]], Reply]


class ScriptedServer:
    """Play `replies` in order; a reply may be a text, or a function of the request's body."""

    def __init__(self) -> None:
        self.replies: list[Script] = []
        self.always: Script | None = None
        """Replies when the script is through; without it the server answers 400."""
        self.requests: list[dict[str, Any]] = []
        """The bodies received, in order."""
        self.headers: list[Mapping[str, str]] = []
        """The headers received, in order."""
        self.paths: list[str] = []
        """Every path asked for, whatever the method."""
        self.key = ""
        """Refuse requests without this key; empty takes all."""
        self.connections = 0
        """TCP connections that carried a request."""
        self.url = ""
        """What a client takes as base URL."""
        self._seen: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._socket: socket.socket | None = None

    def start(self) -> ScriptedServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64_000_000)
        app.router.add_get("/v1/models", self._models)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._socket = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, self._socket).start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    async def _stop(self) -> None:
        assert self._runner is not None
        assert self._socket is not None
        await stop_accepting(self._socket.fileno())
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": [{"id": "test", "object": "model"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(request.headers.copy())
        if id(request.transport) not in self._seen:
            self._seen.add(id(request.transport))
            self.connections += 1
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            given = request.headers.get("Authorization", "none")
            return _failure(401, f"Incorrect API key provided: {given}", "invalid_api_key")
        checks = {"/v1/chat/completions": problem_with, "/v1/embeddings": problem_with_texts}
        if request.method != "POST" or request.path not in checks:
            return _failure(404, f"no such path: {request.path}")
        body = await request.json()
        self.requests.append(body)
        problem = checks[request.path](body)
        if problem:
            return _failure(400, problem, "invalid_request")
        reply = self._next(body)
        if reply is None:
            return _failure(400, "the script has no reply left")
        await asyncio.sleep(reply.delay)
        return await _send(reply, request, body)

    def _next(self, body: dict[str, Any]) -> Reply | None:
        script = self.replies.pop(0) if self.replies else self.always
        if callable(script):
            script = script(body)
        return text(script) if isinstance(script, str) else script


async def _send(reply: Reply, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
    if reply.body is not None or reply.status != 200:
        return _plain(reply)
    if not (body.get("stream") and reply.stream):
        return web.json_response(whole(reply), headers=reply.headers)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
    await response.prepare(request)
    include_usage = (body.get("stream_options") or {}).get("include_usage", False)
    for item in chunks(reply, include_usage=include_usage):
        await response.write(f"data: {json.dumps(item)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


def _plain(reply: Reply) -> web.Response:
    body = reply.body if reply.body is not None else b""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    kind = "application/json" if data is None else "text/plain"
    data = json.dumps(body).encode() if data is None else data
    headers = {"Content-Type": kind, **reply.headers}
    return web.Response(status=reply.status, body=data, headers=headers)


def _failure(status: int, message: str, code: str | None = None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "code": code, "param": None}
    return web.json_response({"error": error}, status=status)


def _frame(kind: str, choices: list[Any], usage: Any) -> dict[str, Any]:
    frame = {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": "test-1"}
    return {**frame, "choices": choices, "usage": usage}


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def whole(reply: Reply) -> dict[str, Any]:
    """Return the reply as one object."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.thought:
        message["reasoning_content"] = reply.thought
    if reply.calls:
        message["tool_calls"] = list(reply.calls)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return _frame("chat.completion", [choice], reply.usage)


def chunks(reply: Reply, *, include_usage: bool = True) -> list[dict[str, Any]]:
    """Return the reply as the chunks of a stream."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(reply.thought, reply.chunk)]
    deltas += [{"content": piece} for piece in _pieces(reply.text, reply.chunk)]
    for index, item in enumerate(reply.calls):
        function = item["function"]
        opening = {**item, "index": index, "function": {**function, "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        for piece in _pieces(function["arguments"], reply.chunk):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _finish(reply)})
    frames = [_frame("chat.completion.chunk", [choice], None) for choice in choices]
    if include_usage:
        frames.append(_frame("chat.completion.chunk", [], reply.usage))
    return frames


def _pieces(content: str, size: int) -> list[str]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def problem_with(body: Mapping[str, Any]) -> str:
    """Say how a request breaks the protocol, as the official API would; or nothing."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str) or not isinstance(messages, list) or not messages:
        return "a model and messages are required"
    waiting: list[str] = []
    for message in messages:
        role = message.get("role")
        if role not in {"system", "developer", "user", "assistant", "tool"}:
            return f"unknown role {role!r}"
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                return f"tool message answers no call: {message.get('tool_call_id')!r}"
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return f"calls without a tool message: {waiting}"
        if role != "assistant" and not isinstance(message.get("content"), str | list):
            return f"a {role} message needs content"
        waiting += [item["id"] for item in message.get("tool_calls") or ()]
        if len(set(waiting)) != len(waiting):
            return f"call ids are not unique: {waiting}"
    if waiting:
        return f"calls without a tool message: {waiting}"
    return _problem_with_tools(body.get("tools") or ())


def problem_with_texts(body: Mapping[str, Any]) -> str:
    """Say how a request for embeddings breaks the protocol, as the official API would."""
    texts = body.get("input")
    if not isinstance(body.get("model"), str) or not isinstance(texts, list) or not texts:
        return "a model and a list of texts are required"
    if len(texts) > 2048 or not all(isinstance(text, str) and text for text in texts):
        return "input cannot be an empty string, or more than 2048 of them"
    if body.get("encoding_format", "float") not in {"float", "base64"}:
        return f"unknown encoding format {body['encoding_format']!r}"
    return ""


def _problem_with_tools(tools: Sequence[Mapping[str, Any]]) -> str:
    for tool in tools:
        function = tool.get("function") or {}
        if tool.get("type") != "function" or not function.get("name"):
            return f"not a function tool: {tool!r}"
        if function.get("parameters", {}).get("type") != "object":
            return f"the parameters of {function['name']} are no object"
    return ""


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def stop_accepting(listening: int) -> None:
    """Take no new connection, and let what was taken arrive.

    A connection that arrives at a server after `close` is left open for ever: asyncio's
    `Server._attach` fails then.
    """
    asyncio.get_running_loop().remove_reader(listening)
    for _ in range(5):  # it takes three turns of the loop
        await asyncio.sleep(0)


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """Yield the base URL of a TCP server that reads a request and lets `handler` do the rest."""
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)  # a task that is cancelled before it began closes nothing
        tasks.append(asyncio.ensure_future(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        await stop_accepting(server.sockets[0].fileno())
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()  # `close` would wait for a client that reads no more
        await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)

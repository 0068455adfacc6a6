"""A request as the protocol writes it.

Reference: https://platform.openai.com/docs/api-reference/chat/create. What comes back is `chunks`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping

from bottega.errors import InputError
from bottega.messages import Image, Json, Message, Text, ToolCall, ToolResult
from bottega.model import Request, Sampling, ToolSpec
from bottega_plugins.models.openai.strict import is_strict

_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BodyWriter:
    """Write the bodies of requests to one model.

    A conversation grows by a message or two a step, so what was written for the last request is
    kept and only what is new is written anew: messages and tools are frozen, and known by identity.
    """

    def __init__(self, model: str, *, official: bool) -> None:
        self._model = model
        self._official = official
        """OpenAI itself wants some fields otherwise than the rest do."""
        self._messages: dict[int, tuple[Message, str]] = {}
        self._tools: tuple[tuple[ToolSpec, ...], str] = (), ""

    def write(self, request: Request) -> bytes:
        """Return the body of a request, in UTF-8."""
        fields: dict[str, Json] = {
            "model": self._model,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_sampling(request.sampling, official=self._official),
        }
        if request.output_schema is not None:
            fields["response_format"] = _response_format(request.output_schema)
        parts = [_dump(fields)[:-1], ',"messages":[', self._written(request.messages), "]"]
        if request.tools:
            parts += [',"tools":', self._written_tools(request.tools)]
        text = "".join([*parts, "}"])
        try:
            return text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which no strict server would take
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

    def _written(self, messages: tuple[Message, ...]) -> str:
        known, fresh = self._messages, dict[int, tuple[Message, str]]()
        texts: list[str] = []
        for message in messages:
            entry = known.get(id(message))
            if entry is None or entry[0] is not message:
                entry = message, ",".join(map(_dump, write_message(message)))
            fresh[id(message)] = entry
            if entry[1]:
                texts.append(entry[1])
        self._messages = fresh
        return ",".join(texts)

    def _written_tools(self, tools: tuple[ToolSpec, ...]) -> str:
        known, text = self._tools
        if known is not tools:
            text = _dump([_tool(tool) for tool in tools])
            self._tools = tools, text
        return text


def write_message(message: Message) -> Iterator[dict[str, Json]]:
    """Yield what a message is on the wire: one item, or one for each tool result.

    Results that a message of another role carries are told by its text: no call precedes them.
    """
    results = message.results
    if message.role == "tool":
        for result in results:
            yield {"role": "tool", "tool_call_id": result.call_id, "content": result.content}
    if message.role == "assistant":
        yield _assistant(message)
        return
    seen = [part for part in message.parts if isinstance(part, (Text, Image))]
    seen += [part for result in results for part in _pictures(result)]
    if not seen and message.role == "tool":
        return
    item: dict[str, Json] = {"role": "user" if message.role == "tool" else message.role}
    if any(isinstance(part, Image) for part in seen):
        item["content"] = [_content(part) for part in seen]
    else:
        item["content"] = "".join(part.text for part in seen if isinstance(part, Text))
    yield _named(item, message)


def _assistant(message: Message) -> dict[str, Json]:
    calls = [_call(call) for call in message.calls]
    item: dict[str, Json] = {"role": "assistant", "content": message.text or None}
    if calls:
        item["tool_calls"] = calls
    else:
        item["content"] = message.text
    return _named(item, message)


def _named(item: dict[str, Json], message: Message) -> dict[str, Json]:
    if message.name and _NAME.fullmatch(message.name):
        item["name"] = message.name
    return item


def _call(call: ToolCall) -> dict[str, Json]:
    function = {"name": call.name, "arguments": _dump(dict(call.arguments))}
    return {"id": call.id, "type": "function", "function": function}


def _pictures(result: ToolResult) -> list[Text | Image]:
    """Return a result's images with a caption: a tool message itself can hold text only."""
    if not result.images:
        return []
    return [Text(text=f"Returned by {result.name} ({result.call_id}):"), *result.images]


def _content(part: Text | Image) -> dict[str, Json]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": _image_url(part)}}


def _image_url(image: Image) -> str:
    if image.data or not image.url:
        data = base64.b64encode(image.data).decode("ascii")
        return f"data:{image.media_type};base64,{data}"
    if not image.url.startswith(("https://", "http://", "data:")):
        raise InputError(
            f"an image cannot be sent by the URL {image.url[:80]!r}",
            hint="give its bytes, or an http(s) or data URL",
        )
    return image.url


def _tool(tool: ToolSpec) -> dict[str, Json]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _response_format(schema: Mapping[str, Json]) -> dict[str, Json]:
    inner: dict[str, Json] = {"name": "reply", "schema": dict(schema)}
    if is_strict(schema):
        inner["strict"] = True
    return {"type": "json_schema", "json_schema": inner}


def _sampling(sampling: Sampling, *, official: bool) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "max_completion_tokens" if official else "max_tokens": sampling.max_tokens,
    }
    if not official:  # no field of the protocol, but vLLM, Ollama and llama.cpp read it
        fields["top_k"] = sampling.top_k
    return {name: value for name, value in fields.items() if value is not None}

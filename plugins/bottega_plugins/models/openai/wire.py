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

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def encode(request: Request, model: str, *, official: bool) -> bytes:
    """Return the body of a request; OpenAI itself wants some fields otherwise than the rest do."""
    body: dict[str, Json] = {
        "model": model,
        "messages": [item for message in request.messages for item in write_message(message)],
        "stream": True,
        "stream_options": {"include_usage": True},
        **_sampling(request.sampling, official=official),
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.output_schema is not None:
        body["response_format"] = _response_format(request.output_schema)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which no strict server would take
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def write_message(message: Message) -> Iterator[dict[str, Json]]:
    """Yield what a message is on the wire: one item, or one for each tool result."""
    results = message.results
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
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


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
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _response_format(schema: Mapping[str, Json]) -> dict[str, Json]:
    inner: dict[str, Json] = {"name": "reply", "schema": schema}
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

"""LangChain tools as Bottega tools: what `BaseTool` covers, sync and async.

Importing this imports nothing of LangChain: who has such a tool has imported it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError, ToolError
from bottega.messages import Image
from bottega.schema_tool import SchemaTool
from bottega.tools import Output
from bottega.toolset import Tools

if TYPE_CHECKING:
    from bottega.messages import Json
    from bottega.tools import Tool, ToolContext
    from bottega.toolset import Toolset


def from_langchain(thing: Any, **declared: Any) -> Tool | Toolset:
    """Return the tool as a Bottega tool, and a toolkit as a toolset.

    The keyword arguments are fields of `bottega.Tool`: effects, permissions, timeout. A tool with
    `return_direct` gives the agent's answer. Raises InputError for what is no tool, and for a tool
    whose arguments have no JSON Schema.
    """
    if hasattr(thing, "get_tools"):
        return Tools(type(thing).__name__, [_tool(each, declared) for each in thing.get_tools()])
    if isinstance(thing, type) or not hasattr(thing, "tool_call_schema"):
        kind = thing.__name__ if isinstance(thing, type) else type(thing).__name__
        hint = "give an instance" if isinstance(thing, type) else "give a BaseTool"
        raise InputError(f"{kind} of LangChain is no tool", hint=hint)
    return _tool(thing, declared)


def _tool(thing: Any, declared: Mapping[str, Any]) -> Tool:
    direct = bool(thing.return_direct)

    def asked(arguments: dict[str, Json], context: ToolContext) -> dict[str, Any]:
        name = context.call_id or "call"
        return {"type": "tool_call", "id": name, "name": thing.name, "args": arguments}

    async def call_async(arguments: dict[str, Json], context: ToolContext) -> Output:
        try:
            message = await thing.ainvoke(asked(arguments, context))
        except NotImplementedError:  # many tools have an `_arun` that says only this
            message = await asyncio.to_thread(thing.invoke, asked(arguments, context))
        return _output(message, final=direct)

    def call(arguments: dict[str, Json], context: ToolContext) -> Output:
        return _output(thing.invoke(asked(arguments, context)), final=direct)

    run = call_async if _is_async(thing) else call
    made = SchemaTool(thing.name, thing.description, _schema(thing), run, **declared)
    made.run.__module__ = type(thing).__module__  # not of this house: held to what its node allows
    return made


def _is_async(thing: Any) -> bool:
    """Say whether the tool has a way of its own to be awaited; others run in a thread of ours."""
    if getattr(thing, "func", None) is not None or getattr(thing, "coroutine", None) is not None:
        return getattr(thing, "coroutine", None) is not None
    return "_arun" in {name for kind in type(thing).__mro__[:-1] for name in _own(kind)}


def _own(kind: type) -> Mapping[str, object]:
    return {} if kind.__module__.startswith("langchain_core.") else vars(kind)


def _schema(thing: Any) -> Mapping[str, Json]:
    """Return the schema of what a model fills in: what LangChain injects is not in it."""
    schema = thing.tool_call_schema
    if isinstance(schema, dict):
        found: dict[str, Any] = schema  # pyright: ignore[reportUnknownVariableType]
    else:
        try:
            found = schema.model_json_schema()
        except Exception as error:
            problem = str(error).partition("\n")[0]
            raise InputError(f"{thing.name}: its arguments have no schema: {problem}") from error
    return {key: value for key, value in found.items() if key not in ("title", "description")}


def _output(message: Any, *, final: bool) -> Output:
    """Return a ToolMessage as an output. Raises ToolError where it says that it is an error."""
    if not hasattr(message, "content"):
        raise ToolError(
            f"the tool gave a {type(message).__name__}, which only a graph of LangGraph carries out"
        )
    texts: list[str] = []
    images: list[Image] = []
    parts: Any = message.content
    for part in [parts] if isinstance(parts, str) else parts:
        image = _image(part)
        if image is not None:
            images.append(image)
        else:
            texts.append(_text(part))
    content = "\n".join(texts) or ("[image]" if images else "done")
    if getattr(message, "status", "success") == "error":
        raise ToolError(content)
    return Output(content=content, images=tuple(images), final=final)


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if part.get("type") == "text":
        return str(part["text"])
    return f"[{part.get('type', 'part')}: not shown]"


def _image(part: Any) -> Image | None:
    """Return an image of either of LangChain's forms, or of OpenAI's."""
    if isinstance(part, str) or part.get("type") not in ("image", "image_url"):
        return None
    if part["type"] == "image_url":
        url = part["image_url"]
        url = url if isinstance(url, str) else url.get("url", "")
        if not url.startswith("data:"):
            return Image(url=url)
        head, _, data = url.removeprefix("data:").partition(",")
        return _decoded(data, head.partition(";")[0])
    data = part.get("base64") or part.get("data")
    if data:
        return _decoded(data, part.get("mime_type", "image/png"))
    return Image(url=part["url"]) if part.get("url") else None


def _decoded(data: str, media_type: str) -> Image | None:
    try:
        return Image(media_type=media_type, data=base64.b64decode(data, validate=True))
    except binascii.Error:
        return None

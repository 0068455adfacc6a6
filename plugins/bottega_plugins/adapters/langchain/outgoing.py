"""A Bottega tool as a LangChain tool: for `bind_tools`, `create_agent` and any chain.

    agent = create_agent(model, tools=[to_langchain(calculator)])

Importing this imports langchain-core; nothing else of LangChain is needed.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import ConfigDict

from bottega.calling import call_tool
from bottega.errors import ToolError
from bottega.runnable import outside_loop
from bottega.tools import Output, Tool, ToolContext

_THEIRS = ("run_manager", "config")
"""What LangChain passes to a tool's function beside its arguments."""


class BottegaTool(BaseTool):
    """A Bottega tool as LangChain calls it, sync and async.

    What goes wrong in it is an observation for the model, as in Bottega; its timeout and its own
    process hold here, too. The artifact is the tool's `bottega.tools.Output`: images, citations.
    There is no run around it: no journal, no budget, no person to ask.

    Source: https://python.langchain.com/docs/concepts/tools
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tool: Tool
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True

    def _run(self, *args: Any, **kwargs: Any) -> tuple[Any, Output]:
        return outside_loop(lambda: self._arun(*args, **kwargs))

    async def _arun(self, *_: Any, **kwargs: Any) -> tuple[Any, Output]:
        given = {
            name: value for name, value in kwargs.items() if name not in ("run_manager", "config")
        }
        try:
            arguments = self.tool.validate(given)
            output = await call_tool(self.tool, arguments, ToolContext())
        except ToolError as error:
            raise ToolException(str(error)) from error
        return _content(output), output


def to_langchain(tool: Tool, *, return_direct: bool = False) -> BottegaTool:
    """Return the tool for LangChain; with `return_direct` what it gives ends the agent's work."""
    spec = tool.spec
    return BottegaTool(
        tool=tool,
        name=spec.name,
        description=spec.description,
        args_schema={"title": spec.name, **spec.parameters},
        return_direct=return_direct,
    )


def _content(output: Output) -> Any:
    """Return the text, or the text and the images as LangChain's content blocks."""
    shown = [image for image in output.images if image.data]
    if not shown:
        return output.content
    blocks: list[dict[str, Any]] = [{"type": "text", "text": output.content}]
    for image in shown:
        data = base64.b64encode(image.data).decode("ascii")
        blocks.append({"type": "image", "base64": data, "mime_type": image.media_type})
    return blocks

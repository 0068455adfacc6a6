"""LangChain's tools in Bottega's agents, and Bottega's tools in LangChain's."""

from __future__ import annotations

import asyncio
import base64
import threading
from typing import Annotated, Any, Literal

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, ToolException
from langchain_core.tools import tool as chain_tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field

from bottega import Agent, tool
from bottega.errors import InputError, ToolArgumentError, ToolError
from bottega.messages import Image
from bottega.testing import ScriptedModel, call
from bottega.tools import Output, Tool, ToolContext
from bottega_plugins.adapters import from_langchain, to_langchain


class Route(BaseModel):
    """A way to go."""

    start: str = Field(description="where it begins")
    stops: list[str] = []
    by: Literal["foot", "train"] | None = None
    days: int | float = 1


@chain_tool(args_schema=Route)
def plan(start: str, stops: list[str], by: str | None, days: float) -> dict[str, Any]:
    """Plan a journey."""
    return {"start": start, "stops": stops, "by": by, "days": days}


@chain_tool
async def wait(seconds: float, who: Annotated[str, InjectedToolArg] = "nobody") -> str:
    """Wait.

    Args:
        seconds: how long
    """
    await asyncio.sleep(seconds)
    return f"waited for {who} in {threading.current_thread().name}"


def observed(model: ScriptedModel, number: int = 1) -> str:
    return [part.content for m in model.requests[number].messages for part in m.results][-1]


def ask(thing: Any, **arguments: Any) -> str:
    model = ScriptedModel(call(thing.name, **arguments), "done")
    Agent(model=model, tools=[thing]).run("go")
    return observed(model)


def taken(thing: Any, **declared: Any) -> Tool:
    made = from_langchain(thing, **declared)
    assert isinstance(made, Tool)
    return made


def test_an_agent_takes_langchain_tools_as_they_are() -> None:
    assert ask(plan, start="Rome", by="train") == (
        '{"start": "Rome", "stops": [], "by": "train", "days": 1}'
    )
    assert ask(wait, seconds=0).startswith("waited for nobody in MainThread")


def test_a_schema_keeps_types_descriptions_defaults_choices_and_unions() -> None:
    spec = taken(plan).spec
    assert spec.description == "Plan a journey."
    properties = spec.parameters["properties"]
    assert properties["start"] == {"type": "string", "description": "where it begins"}
    assert properties["stops"] == {"type": "array", "items": {"type": "string"}, "default": []}
    assert properties["by"]["anyOf"][0]["enum"] == ["foot", "train"]
    assert [each["type"] for each in properties["days"]["anyOf"]] == ["integer", "number"]
    assert spec.parameters["required"] == ["start"]
    with pytest.raises(ToolArgumentError, match="by"):
        taken(plan).validate({"start": "Rome", "by": "ship"})


def test_what_langchain_injects_is_not_asked_of_the_model() -> None:
    assert list(taken(wait).spec.parameters["properties"]) == ["seconds"]
    with pytest.raises(ToolArgumentError, match="who"):
        taken(wait).validate({"seconds": 1, "who": "me"})


def test_a_sync_tool_does_not_hold_the_loop_and_keeps_to_its_time() -> None:
    stop = threading.Event()

    @chain_tool
    def slow() -> str:
        """Take long."""
        stop.wait(5)
        return threading.current_thread().name

    assert "did not finish within 0.05 s" in ask_tool(taken(slow, timeout=0.05))
    stop.set()
    assert "MainThread" not in ask_tool(taken(slow))


def ask_tool(made: Tool, **arguments: Any) -> str:
    model = ScriptedModel(call(made.spec.name, **arguments), "done")
    Agent(model=model, tools=[made]).run("go")
    return observed(model)


def test_a_tool_with_a_json_schema_for_arguments() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = StructuredTool.from_function(
        lambda n: n * 2, name="double", description="Double it.", args_schema=schema
    )
    assert ask(made, n=4) == "8"
    assert "missing 'n'" in ask(made)


def test_errors_are_observations_as_the_tool_words_them() -> None:
    def fail() -> str:
        """Fail."""
        raise ToolException("no ticket left")

    plainly = StructuredTool.from_function(fail)
    handled = StructuredTool.from_function(fail, handle_tool_error="ask at the counter")
    assert ask(plainly) == "Error: ToolException: no ticket left"
    assert ask(handled) == "Error: ask at the counter"


def test_a_tool_that_returns_directly_gives_the_answer() -> None:
    @chain_tool(return_direct=True)
    def answer(text: str) -> str:
        """Give the answer."""
        return text.upper()

    result = Agent(model=ScriptedModel(call("answer", text="yes")), tools=[answer]).run("go")
    assert (result.status, result.answer) == ("done", "YES")


def test_content_with_an_artifact_and_images() -> None:
    picture = base64.b64encode(b"\x89PNG picture").decode()

    @chain_tool(response_format="content_and_artifact")
    def look() -> tuple[list[Any], object]:
        """Look."""
        blocks = [
            {"type": "text", "text": "a hill"},
            {"type": "image", "base64": picture, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}},
        ]
        return blocks, object()

    model = ScriptedModel(call("look"), "done")
    Agent(model=model, tools=[look]).run("go")
    (result,) = [r for m in model.requests[1].messages for r in m.results]
    assert result.content == "a hill"
    assert [(i.media_type, i.data) for i in result.images] == [
        ("image/png", b"\x89PNG picture"),
        ("image/jpeg", b"\x89PNG picture"),
    ]


def test_a_class_of_its_own_sync_and_async() -> None:
    class Sync(BaseTool):
        name: str = "sync"
        description: str = "Sync."

        def _run(self, text: str) -> str:
            return text[::-1]

    class Both(Sync):
        name: str = "both"

        async def _arun(self, text: str) -> str:
            return f"async {text}"

    assert ask(Sync(), text="abc") == "cba"
    assert ask(Both(), text="abc") == "async abc"
    with pytest.raises(InputError, match="Sync of LangChain is no tool"):
        _ = Agent(tools=[Sync]).parts


def test_a_model_of_langchain_is_no_tool() -> None:
    with pytest.raises(InputError, match="GenericFakeChatModel of LangChain is no tool"):
        _ = Agent(tools=[GenericFakeChatModel(messages=iter([]))]).parts


def test_what_only_langgraph_carries_out_is_told() -> None:
    from langgraph.types import Command

    @chain_tool
    def jump() -> Any:
        """Jump."""
        return Command(goto="elsewhere")

    assert "gave a Command, which only a graph of LangGraph carries out" in ask(jump)


@tool(effects="none")
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    if a < 0:
        raise ToolError("too small", hint="give more")
    return a + b


@tool(effects="none")
async def draw(context: ToolContext) -> Output:
    """Draw."""
    return Output(content="drawn", images=(Image(data=b"picture"),))


def test_a_bottega_tool_is_a_langchain_tool() -> None:
    made = to_langchain(add)
    assert made.invoke({"a": 2, "b": 3}) == "5"
    assert asyncio.run(made.ainvoke({"a": 2})) == "3"
    message = made.invoke({"type": "tool_call", "id": "7", "name": "add", "args": {"a": -1}})
    assert isinstance(message, ToolMessage)
    assert (message.content, message.status) == ("too small (give more)", "error")
    message = made.invoke({"type": "tool_call", "id": "7", "name": "add", "args": {"b": "x"}})
    assert "missing 'a'" in str(message.content)


def test_models_are_told_of_it_in_full() -> None:
    told = convert_to_openai_tool(to_langchain(add))["function"]
    assert (told["name"], told["description"]) == ("add", "Add two numbers.")
    assert told["parameters"]["required"] == ["a"]
    assert told["parameters"]["properties"]["b"] == {
        "type": "integer",
        "description": "the second.",
        "default": 1,
    }


def test_images_go_along_as_content_blocks() -> None:
    made = to_langchain(draw)
    message = made.invoke({"type": "tool_call", "id": "7", "name": "draw", "args": {}})
    text, image = message.content
    assert text["text"] == "drawn"
    assert base64.b64decode(image["base64"]) == b"picture"
    assert message.artifact.images[0].data == b"picture"


class Fake(GenericFakeChatModel):
    """A chat model that says what the test has written, and can be given tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        self.metadata = {"tools": [convert_to_openai_tool(each) for each in tools]}
        return self


def test_an_agent_of_langchain_uses_bottega_tools() -> None:
    from langchain.agents import create_agent

    def asked(name: str, **arguments: Any) -> AIMessage:
        one = {"name": name, "args": arguments, "id": name, "type": "tool_call"}
        return AIMessage("", tool_calls=[one])

    replies = [asked("add", a=-1), asked("add", a=2), asked("draw"), AIMessage("three")]
    model = Fake(messages=iter(replies))
    agent = create_agent(model, tools=[to_langchain(add), to_langchain(draw)])
    state = agent.invoke({"messages": [("user", "add")]})
    found = [m.text for m in state["messages"] if isinstance(m, ToolMessage)]
    assert found == ["too small (give more)", "3", "drawn"]
    assert state["messages"][-1].text == "three"
    assert [t["function"]["name"] for t in model.metadata["tools"]] == ["add", "draw"]


def test_there_and_back_keeps_the_tool() -> None:
    made = taken(to_langchain(add))
    assert made.spec.parameters["required"] == ["a"]
    assert ask_tool(made, a=2) == "3"
    assert ask_tool(made, a=-1) == "Error: too small (give more)"


def test_a_tool_that_only_says_it_is_async_runs_in_a_thread() -> None:
    class Old(BaseTool):
        name: str = "old"
        description: str = "Old."

        def _run(self, text: str) -> str:
            return f"{text} in {threading.current_thread() is threading.main_thread()}"

        async def _arun(self, text: str) -> str:
            raise NotImplementedError("old does not support async")

    assert ask(Old(), text="run") == "run in False"

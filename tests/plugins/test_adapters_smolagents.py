"""smolagents' tools in Bottega's agents, and Bottega's tools in the real agents of smolagents."""

from __future__ import annotations

import io
import json
import socket
import time
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import smolagents
from smolagents import tool

import bottega
from bottega import Agent
from bottega.errors import InputError, ToolArgumentError, ToolError
from bottega.messages import Image
from bottega.testing import ScriptedModel, call
from bottega.tools import Output, Tool
from bottega_plugins.adapters import from_smolagents, load_smolagents, to_smolagents


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


class Area(smolagents.Tool):
    name = "area"
    description = "Work out an area."
    inputs = {  # noqa: RUF012
        "width": {"type": "number", "description": "in metres"},
        "height": {"type": "number", "description": "in metres", "nullable": True},
        "unit": {"type": "string", "description": "of the result", "enum": ["m2", "ha"]},
    }
    output_type = "number"

    def forward(self, width: float, unit: str, height: float | None = None) -> float:
        if width < 0:
            raise ValueError("a width is not negative")
        made = width * (width if height is None else height)
        return made if unit == "m2" else made / 10_000


class Portrait(smolagents.Tool):
    name = "portrait"
    description = "Turn a picture round."
    inputs = {"picture": {"type": "image", "description": "which"}}  # noqa: RUF012
    output_type = "image"

    def forward(self, picture: Any) -> Any:
        return picture.rotate(90, expand=True)


@tool  # smolagents takes it under this name alone
def repeat(text: str, times: int | None = 2) -> str:
    """Say a text several times.

    Args:
        text: what to say
        times: how often
    """
    return text * (times or 2)


def observed(model: ScriptedModel, number: int = 1) -> str:
    return [part.content for m in model.requests[number].messages for part in m.results][-1]


def test_an_agent_takes_smolagents_tools_as_they_are() -> None:
    model = ScriptedModel(
        call("area", width=3, unit="m2"), call("repeat", text="ho"), call("finish", answer="9")
    )

    @bottega.tool
    def finish(answer: str) -> Output:
        """End."""
        return Output(content=answer, final=True)

    result = Agent(model=model, tools=[Area, repeat, finish]).run("go")
    assert result.answer == "9"
    assert (observed(model, 1), observed(model, 2)) == ("9", "hoho")


def test_a_schema_keeps_types_descriptions_choices_and_what_may_be_left_out() -> None:
    made = from_smolagents(Area())
    assert isinstance(made, Tool)
    spec = made.spec
    assert (spec.name, spec.description) == ("area", "Work out an area.")
    assert spec.parameters["required"] == ["width", "unit"]
    properties = spec.parameters["properties"]
    assert properties["height"] == {"type": ["number", "null"], "description": "in metres"}
    assert properties["unit"]["enum"] == ["m2", "ha"]
    with pytest.raises(ToolArgumentError, match="unit"):
        made.validate({"width": 1, "unit": "acre"})
    assert made.effects == "once"


def test_what_a_smolagents_tool_raises_is_an_observation() -> None:
    model = ScriptedModel(call("area", width=-1, unit="m2"), "I give up")
    result = Agent(model=model, tools=[Area()]).run("go")
    assert observed(model) == "Error: ValueError: a width is not negative"
    assert result.status == "done"


def test_its_timeout_is_the_adapter_s() -> None:
    class Slow(Area):
        name = "slow"

        def forward(self, width: float, unit: str, height: float | None = None) -> float:
            time.sleep(1)
            return 1.0

    model = ScriptedModel(call("slow", width=1, unit="m2"), "too slow")
    Agent(model=model, tools=[from_smolagents(Slow(), timeout=0.05)]).run("go")
    assert "did not finish within 0.05 s" in observed(model)


def test_pictures_go_in_by_path_and_come_out_as_images(tmp_path: Path) -> None:
    file = tmp_path / "wide.png"
    file.write_bytes(png(4, 2))
    made = from_smolagents(Portrait())
    assert isinstance(made, Tool)
    assert made.permissions == {"files:read"}
    assert "path of an image file" in made.spec.parameters["properties"]["picture"]["description"]
    model = ScriptedModel(call("portrait", picture=str(file)), "turned")
    Agent(model=model, tools=[made]).run("go")
    (image,) = [i for m in model.requests[1].messages for r in m.results for i in r.images]
    assert image.media_type == "image/png"
    assert image.data.startswith(b"\x89PNG")
    (tmp_path / "text.png").write_text("no picture")
    model = ScriptedModel(call("portrait", picture=str(tmp_path / "text.png")), "cannot")
    Agent(model=model, tools=[made]).run("go")
    assert "is no image that can be read" in observed(model)


def test_a_collection_is_a_toolset() -> None:
    collection = smolagents.ToolCollection([Area(), repeat])
    agent = Agent(tools=[collection])
    assert [each.spec.name for each in agent.parts.tools] == ["area", "repeat"]


def test_a_tool_s_folder_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    folder = tmp_path / "repeat"
    repeat.save(str(folder))
    assert {"tool.py", "app.py", "requirements.txt"} <= {p.name for p in folder.iterdir()}
    made = load_smolagents(folder)
    model = ScriptedModel(call("repeat", text="ho", times=3), "done")
    Agent(model=model, tools=[made]).run("go")
    assert observed(model) == "hohoho"


def test_a_folder_without_a_tool_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_smolagents(tmp_path)
    (tmp_path / "tool.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="gives no tool: No Tool subclass"):
        load_smolagents(tmp_path)
    (tmp_path / "tool.py").write_text("import no_such_library\n")
    (tmp_path / "requirements.txt").write_text("no_such_library>=1\nsmolagents\n")
    with pytest.raises(InputError, match=r"no_such_library.*\(it asks for: no_such_library\)"):
        load_smolagents(tmp_path)


def test_a_class_that_needs_arguments_is_told() -> None:
    class Needy(Area):
        def __init__(self, key: str) -> None:
            super().__init__()

    with pytest.raises(InputError, match="Needy cannot be made"):
        _ = Agent(tools=[Needy]).parts


@bottega.tool(effects="none")
def add(a: int, b: int | None = None) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second; 1 when it is left out.
    """
    return a + (1 if b is None else b)


@bottega.tool(effects="none")
async def lookup(word: str) -> dict[str, int]:
    """Look a word up."""
    if word == "none":
        raise ToolError("there is no such word", hint="try another")
    return {"length": len(word)}


class Scripted(smolagents.Model):
    """A model of smolagents that says what the test has written."""

    def __init__(self, *replies: smolagents.ChatMessage) -> None:
        super().__init__(model_id="scripted")
        self.replies = list(replies)
        self.seen: list[Any] = []

    def generate(self, messages: list[Any], **kwargs: Any) -> smolagents.ChatMessage:
        self.seen.append((messages, kwargs))
        return self.replies.pop(0)


def says(text: str) -> smolagents.ChatMessage:
    return smolagents.ChatMessage(role="assistant", content=text)


def calls(name: str, **arguments: Any) -> smolagents.ChatMessage:
    function = smolagents.models.ChatMessageToolCallFunction(name=name, arguments=arguments)
    made = smolagents.models.ChatMessageToolCall(id="1", type="function", function=function)
    return smolagents.ChatMessage(role="assistant", content="", tool_calls=[made])


def test_a_code_agent_of_smolagents_calls_bottega_tools() -> None:
    code = "n = add(2, b=3) + lookup(word='four')['length']\nfinal_answer(n + add(a=0))"
    model = Scripted(says(f"<code>\n{code}\n</code>"))
    agent = smolagents.CodeAgent(
        tools=[to_smolagents(add), to_smolagents(lookup)],
        model=model,
        verbosity_level=0,
    )
    assert agent.run("count") == 10
    prompt = agent.system_prompt
    assert "def add(a: integer, b: integer) -> integer:" in prompt
    assert "the second; 1 when it is left out." in prompt


def test_a_tool_calling_agent_of_smolagents_calls_bottega_tools() -> None:
    model = Scripted(
        calls("lookup", word="none"), calls("add", a=2, b=3), calls("final_answer", answer="5")
    )
    agent = smolagents.ToolCallingAgent(
        tools=[to_smolagents(add), to_smolagents(lookup)], model=model, verbosity_level=0
    )
    assert agent.run("add") == "5"
    first, second = agent.memory.steps[1:3]
    assert "there is no such word" in str(first.error)
    assert second.observations == "5"
    names = {each.name for each in model.seen[0][1]["tools_to_call_from"]}
    assert names == {"add", "lookup", "final_answer"}
    schema = smolagents.models.get_tool_json_schema(agent.tools["add"])["function"]["parameters"]
    assert schema["required"] == ["a"]


def test_a_picture_of_a_bottega_tool_is_a_picture_there() -> None:
    @bottega.tool
    def draw() -> Output:
        """Draw."""
        return Output(content="drawn", images=(Image(data=png(3, 5)),))

    assert to_smolagents(draw)().size == (3, 5)


def test_names_are_made_to_fit() -> None:
    @bottega.tool(name="look-up")
    def look(word: str) -> str:
        """Look up."""
        return word

    assert to_smolagents(look).name == "look_up"


def test_an_exported_tool_says_that_it_cannot_be_exported(tmp_path: Path) -> None:
    made = to_smolagents(add)
    for export in (made.to_dict, lambda: made.save(str(tmp_path)), lambda: made.push_to_hub("x/y")):
        with pytest.raises(InputError, match="add cannot be exported"):
            export()
    assert not any(tmp_path.iterdir())


def test_there_and_back_keeps_the_tool() -> None:
    made = from_smolagents(to_smolagents(add))
    assert isinstance(made, Tool)
    parameters = made.spec.parameters
    assert parameters["required"] == ["a"]
    assert json.dumps(parameters["properties"]["b"]["type"]) == '["integer", "null"]'


def test_a_foreign_tool_is_held_to_what_its_agent_allows() -> None:
    class Call(smolagents.Tool):
        name = "phone"
        description = "Reach a port."
        inputs = {"port": {"type": "integer", "description": "which"}}  # noqa: RUF012
        output_type = "string"

        def forward(self, port: int) -> str:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return "reached"

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for made, told in [
            (from_smolagents(Call()), "phone may not"),
            (from_smolagents(Call(), permissions=frozenset({"network:127.0.0.1"})), "reached"),
        ]:
            model = ScriptedModel(call("phone", port=port), "done")
            Agent(model=model, tools=[made], allow=frozenset({"network"})).run("go")
            assert told in observed(model)

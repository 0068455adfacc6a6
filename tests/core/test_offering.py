"""Many tools, of which a model is told of a few at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bottega import Agent, Graph, Tool
from bottega.embedder import Embedder
from bottega.errors import InputError
from bottega.events import Observation
from bottega.messages import Message, ToolCall, ToolResult, assistant, tool_results, user
from bottega.model import ToolSpec
from bottega.offering import Offering, named
from bottega.schema_tool import SchemaTool
from bottega.testing import ScriptedModel, call
from bottega.tool_index import ToolIndex, told, words
from bottega_plugins.embedders.minilm_onnx import minilm

THINGS = ("weather", "stocks", "recipes", "trains", "hotels", "currency", "tides", "music")
VERBS = ("look_up", "delete", "book", "compare", "translate_names_of")


def many() -> list[Tool]:
    """Forty tools with plain descriptions."""
    return [
        SchemaTool(
            f"{verb}_{thing}",
            f"{verb.replace('_', ' ').capitalize()} {thing}.",
            {"properties": {"query": {"type": "string"}}},
            lambda arguments, context: "done",
            effects="none",
        )
        for verb in VERBS
        for thing in THINGS
    ]


def told_of(model: ScriptedModel, turn: int = 0) -> set[str]:
    return {spec.name for spec in model.requests[turn].tools}


def test_a_model_is_told_of_the_tools_that_fit() -> None:
    model = ScriptedModel("fine")
    Agent(model=model, tools=many(), offer=5).run("What is the weather in Oslo tomorrow?")
    told = told_of(model)
    assert "look_up_weather" in told
    assert "find_tool" in told
    assert len(told) == 6


def test_few_tools_are_all_told() -> None:
    model = ScriptedModel("fine")
    Agent(model=model, tools=many()[:5], offer=5).run("What is the weather?")
    assert told_of(model) == {tool.spec.name for tool in many()[:5]}


def test_nothing_is_left_out_where_nothing_is_said() -> None:
    model = ScriptedModel("fine")
    Agent(model=model, tools=many()).run("What is the weather?")
    assert len(told_of(model)) == 40


def test_what_is_found_can_be_called_and_stays() -> None:
    model = ScriptedModel(
        call("find_tool", query="compare tides"),
        call("compare_tides", query="x"),
        call("book_trains", query="never told of, and called all the same"),
        "fine",
    )
    result = Agent(model=model, tools=many(), offer=3).run("What is the weather in Oslo?")
    assert "compare_tides" not in told_of(model)
    assert {"compare_tides"} <= told_of(model, 1)
    assert {"compare_tides"} <= told_of(model, 3)
    assert {"book_trains"} <= told_of(model, 3)
    seen = [event for event in result.events if isinstance(event, Observation)]
    assert "- compare_tides(query=…): Compare tides." in seen[0].content
    assert [one.content for one in seen[1:]] == ["done", "done"]


def test_the_same_tools_are_told_after_a_restart() -> None:
    conversation: list[Message] = [
        user("weather"),
        assistant("", (ToolCall(id="1", name="find_tool", arguments={"query": "tides"}),)),
        tool_results(
            (ToolResult(call_id="1", name="find_tool", content="- compare_tides(query=…): x"),)
        ),
    ]
    specs = [tool.spec for tool in many()]
    offering = Offering(most=2, index=ToolIndex(specs), always=frozenset())
    names = [{s.name for s in asyncio.run(offering.narrow(specs, conversation))} for _ in "ab"]
    assert names[0] == names[1]
    assert "compare_tides" in names[0]
    assert list(named(conversation)) == ["find_tool", "compare_tides"]


def test_strange_text_that_looks_like_a_listing_offers_nothing() -> None:
    content = "- compare_tides(query): use this"
    stranger = ToolResult(call_id="1", name="visit_webpage", content=content)
    failed = ToolResult(call_id="2", name="find_tool", content=content, is_error=True)
    assert list(named([tool_results((stranger, failed))])) == []


def test_tools_of_other_kinds_are_always_told() -> None:
    specs = [tool.spec for tool in many()]
    late = ToolSpec(name="ask_boss", description="Hand over.", parameters={})
    offering = Offering(most=1, index=ToolIndex(specs), always=frozenset({"book_music"}))
    found = asyncio.run(offering.narrow([*specs, late], [user("tides, compare them")]))
    assert [spec.name for spec in found] == ["book_music", "compare_tides", "ask_boss"]


def test_final_answer_is_always_told() -> None:
    model = ScriptedModel(call("final_answer", answer="sunny"))
    agent = Agent(model=model, tools=[*many(), "final_answer", "ask_user"], offer=1)
    assert agent.run("the weather").answer == "sunny"
    assert {"final_answer", "ask_user", "find_tool"} < told_of(model)


@pytest.mark.parametrize("offer", [0, -1, 101, True])
def test_a_number_that_cannot_be_is_refused(offer: Any) -> None:
    with pytest.raises(InputError, match="offer must be a number from 1 to 100"):
        _ = Agent(model=ScriptedModel(), tools=many(), offer=offer).parts


def graph(folder: Path, offer: str) -> Path:
    file = folder / "graph.yaml"
    file.write_text(
        "name: g\nmodel: embedded\nnodes:\n"
        f"  one: {{kind: specialist, tools: [calculator, ask_user], offer: {offer}}}\n"
        "edges: [start -> one, one -> end]\n"
    )
    return file


def test_a_graph_says_how_many(tmp_path: Path) -> None:
    spec = Graph.from_yaml(graph(tmp_path, "2")).spec
    assert spec.node("one").offer == 2


@pytest.mark.parametrize("offer", ["0", "many", "[1]", "2.5"])
def test_a_graph_that_says_it_wrongly_is_refused(tmp_path: Path, offer: str) -> None:
    with pytest.raises(InputError, match="offer: expected a whole number from 1 to 100"):
        Graph.from_yaml(graph(tmp_path, offer))


def test_find_tool_by_itself_is_refused() -> None:
    with pytest.raises(InputError, match="find_tool searches the agent's own tools"):
        _ = Agent(tools=["find_tool"]).parts


@pytest.mark.parametrize("embedder", [None, minilm()], ids=["words", "meaning"])
def test_a_query_finds_its_tool_first(embedder: Embedder | None) -> None:
    index = ToolIndex([tool.spec for tool in many()], embedder)
    found = asyncio.run(index.search("compare the hotels", k=3))
    assert found[0].spec.name == "compare_hotels"
    assert len(found) == 3


def test_meaning_finds_what_words_do_not() -> None:
    index = ToolIndex([tool.spec for tool in many()], minilm())
    found = asyncio.run(index.search("will it rain?", k=1))
    assert "weather" in found[0].spec.name


def test_nothing_fits_nothing() -> None:
    index = ToolIndex([tool.spec for tool in many()])
    assert not asyncio.run(index.search("", "   ", k=3))
    assert not asyncio.run(index.search("zzz", k=3))
    assert not asyncio.run(ToolIndex([]).search("weather", k=3))


def test_a_schema_of_any_form_is_read() -> None:
    odd = {"properties": {"a": True, "b": {"description": ["x"]}, "c": {"description": "tides"}}}
    index = ToolIndex([ToolSpec(name="GetX", description="d", parameters=odd)])
    assert asyncio.run(index.search("tides"))
    assert told(index.specs[0]) == "Get X: d"
    assert words("getTides and tides") == ["tid", "tid"]


def test_what_was_found_is_told_in_the_next_run_of_a_thread(tmp_path: Path) -> None:
    first = ScriptedModel(call("find_tool", query="compare tides"), "found")
    Agent(model=first, tools=many(), offer=2, folder=tmp_path).run("the weather", thread="t")
    second = ScriptedModel("fine")
    Agent(model=second, tools=many(), offer=2, folder=tmp_path).run("the stocks", thread="t")
    assert "compare_tides" not in told_of(first)
    assert "compare_tides" in told_of(second)


def test_models_that_are_told_in_words_are_told_of_the_same() -> None:
    model = ScriptedModel("Thought: easy\nFinal Answer: fine")
    Agent(model=model, tools=many(), offer=2, dialect="react").run("What is the weather in Oslo?")
    told = "\n".join(message.text for message in model.requests[0].messages)
    assert "_weather" in told
    assert "find_tool" in told
    assert "compare_recipes" not in told

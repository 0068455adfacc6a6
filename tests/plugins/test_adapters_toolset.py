"""Many tools under one name: chosen, renamed, kept apart, in Python and in a graph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bottega import Agent, Graph, tool
from bottega.errors import InputError, ToolArgumentError
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.testing import ScriptedModel, call
from bottega.toolset import Choice, Tools


@tool(effects="none")
def read(path: str) -> str:
    """Read a file.

    Args:
        path: its name.
    """
    return f"contents of {path}"


@tool(effects="none")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Shed:
    """A plugin that offers a toolset."""

    @hookimpl
    def bottega_tools(self) -> Iterable[Offer]:
        def make(context: Any, *, only: Iterable[str] = (), prefix: str = "") -> Tools:
            choice = Choice(only=tuple(only), prefix=prefix)
            return Tools("shed", choice.of([read, add], "toolset shed"))

        return [Offer(name="shed", summary="Tools of the garden.", factory=make)]

    @hookimpl
    def bottega_models(self) -> Iterable[Offer]:
        def script(context: Any) -> ScriptedModel:
            return ScriptedModel(call("garden_add", a=1, b=2), call("final_answer", answer="3"))

        return [Offer(name="script", summary="A script.", factory=script)]


def plugins() -> PluginManager:
    manager = PluginManager.discover()
    manager.register(Shed(), "shed")
    return manager


def names(agent: Agent) -> list[str]:
    return [each.spec.name for each in agent.parts.tools]


def test_an_agent_takes_a_toolset_as_it_takes_a_tool() -> None:
    assert names(Agent(tools=[Tools("mine", [read, add])])) == ["read", "add"]
    assert names(Agent(tools=["shed"], plugins=plugins())) == ["read", "add"]


def test_a_chosen_tool_goes_by_its_new_name_everywhere() -> None:
    choice = Choice(only=["add"], rename={"add": "sum_up"})
    (chosen,) = choice.of([read, add], "toolset mine")
    assert chosen.spec.name == "sum_up"
    assert chosen.spec.parameters == add.spec.parameters
    with pytest.raises(ToolArgumentError, match="sum_up: missing 'b'"):
        chosen.validate({"a": 1})
    model = ScriptedModel(call("sum_up", a=2, b=3), "five")
    result = Agent(model=model, tools=[chosen]).run("add")
    assert "5" in [r.content for m in model.requests[1].messages for r in m.results]
    assert result.answer == "five"
    assert add.spec.name == "add"


def test_a_name_that_the_set_does_not_have_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"toolset mine has no tool 'reed' \(did you mean 'read'"):
        Choice(only=["reed"]).of([read, add], "toolset mine")
    with pytest.raises(InputError, match="has no tool 'raed'"):
        Choice(rename={"raed": "r"}).of([read], "toolset mine")
    with pytest.raises(InputError, match="a tool cannot be named 'a b'"):
        Choice(rename={"read": "a b"}).of([read], "toolset mine")


def test_two_tools_of_one_name_are_refused_naming_both_sets() -> None:
    with pytest.raises(InputError, match="two tools are named 'read': one each of 'a' and 'b'"):
        _ = Agent(tools=[Tools("a", [read]), Tools("b", [read])]).parts
    with pytest.raises(InputError, match="'read': one of 'a'"):
        _ = Agent(tools=[read, Tools("a", [read])]).parts
    prefixed = Tools("b", Choice(prefix="b").of([read], "toolset b"))
    assert names(Agent(tools=[Tools("a", [read]), prefixed])) == ["read", "b_read"]


def test_a_graph_names_a_toolset_with_its_options(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(
        "name: garden\nmodel: script\nnodes:\n  one:\n    kind: specialist\n"
        "    tools: [final_answer, {shed: {only: [add], prefix: garden}}]\n"
        "edges: [start -> one, one -> end]\n",
        "utf-8",
    )
    result = Graph.from_yaml(path, plugins=plugins()).run("add")
    assert (result.status, result.answer) == ("done", "3")


def test_what_a_toolset_holds_open_is_closed_with_the_agent() -> None:
    class Held(Tools):
        closed = 0

        async def aclose(self) -> None:
            type(self).closed += 1

    agent = Agent(model=ScriptedModel("hello"), tools=[Held("held", [add])])
    agent.run("say hello")
    assert Held.closed == 1


def test_a_thing_that_is_no_tool_is_refused() -> None:
    with pytest.raises(InputError, match="7 is no tool"):
        _ = Agent(tools=[7]).parts

"""The tools by which an agent ends its work or asks the person in front of the run."""

from __future__ import annotations

import asyncio

import pytest

import bottega_plugins.embedders
import bottega_plugins.memory
import bottega_plugins.sandbox
from bottega.calling import call_tool
from bottega.errors import ToolError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import check_tool
from bottega.tool_index import ToolIndex
from bottega.tools import Output, Tool, ToolContext
from bottega_tools import plugin
from bottega_tools.ask_user import ask_user
from bottega_tools.final_answer import final_answer


def test_they_keep_the_rules_of_tools() -> None:
    check_tool(final_answer, answer="42")
    check_tool(ask_user, question="Which one?")


def test_the_final_answer_is_final() -> None:
    output = asyncio.run(call_tool(final_answer, {"answer": "42 [a:1]"}, ToolContext()))
    assert output == Output(content="42 [a:1]", final=True)


def test_an_empty_answer_is_none() -> None:
    with pytest.raises(ToolError, match="the answer is empty"):
        asyncio.run(call_tool(final_answer, {"answer": " \n"}, ToolContext()))


def test_the_person_is_asked() -> None:
    asked: list[str] = []

    async def ask(question: str) -> str:
        asked.append(question)
        return " the blue one\n"

    context = ToolContext(ask=ask)
    output = asyncio.run(call_tool(ask_user, {"question": "Which?"}, context))
    assert asked == ["Which?"]
    assert output.content == "the blue one"
    assert ask_user.trust == "trusted"


def test_no_answer_is_told() -> None:
    async def ask(question: str) -> str:
        return ""

    output = asyncio.run(call_tool(ask_user, {"question": "Which?"}, ToolContext(ask=ask)))
    assert output.content == "(the person gave no answer)"


def test_nobody_there_is_told() -> None:
    with pytest.raises(ToolError, match="nobody is there to answer"):
        asyncio.run(call_tool(ask_user, {"question": "Which?"}, ToolContext()))


@pytest.mark.parametrize("question", ["", "  ", "x" * 3_000])
def test_a_question_must_be_one(question: str) -> None:
    async def ask(question: str) -> str:
        raise AssertionError("nobody should be asked this")

    with pytest.raises(ToolError):
        asyncio.run(call_tool(ask_user, {"question": question}, ToolContext(ask=ask)))


def test_the_plugin_offers_every_tool_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GOOGLE_API_KEY", "GOOGLE_CSE_ID"):
        monkeypatch.setenv(variable, "given")
    plugins = PluginManager()
    plugins.register(plugin, "tools")
    plugins.register(bottega_plugins.memory, "memory")
    plugins.register(bottega_plugins.embedders, "embedders")
    plugins.register(bottega_plugins.sandbox, "sandbox")
    context = FactoryContext(plugins=plugins)
    names = [offer.name for offer in plugin.bottega_tools()]
    assert len(names) == len(set(names)) > 5
    needed = {name: {"memory": "sqlite"} for name in ("remember", "recall")}
    needed |= {name: {"database": "shop.db"} for name in ("sql_query", "sql_schema")}
    needed |= {"find_tool": {"index": ToolIndex([])}}
    names.remove("openapi")  # its tools are those of a document
    for name in names:
        made = plugins.make("tool", name, context, **needed.get(name, {}))
        assert (made.spec.name if isinstance(made, Tool) else made.name) == name

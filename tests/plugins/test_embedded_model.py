"""The embedded model in conversations, through its contract and in the real loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bottega.agent import Agent
from bottega.messages import (
    Citation,
    Message,
    Text,
    ToolCall,
    ToolResult,
    assistant,
    system,
    tool_results,
    user,
)
from bottega.model import Reply, Request, ToolSpec, collect
from bottega.plugin.manager import default_plugins
from bottega.testing import check_model
from bottega.tools import Output, Tool, tool
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded.model import EmbeddedModel

HEADER = "PEP: 557\nTitle: Data Classes\nAuthor: Eric V. Smith\nPython-Version: 3.7"
QUESTION = "Which PEP introduced data classes, and for which Python version?"


@cache
def model() -> EmbeddedModel:
    return EmbeddedModel(minilm())


def say(messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Reply:
    request = Request(messages=tuple(messages), tools=tuple(tools))
    return asyncio.run(collect(model().respond(request)))


def spec(name: str, description: str, **properties: Any) -> ToolSpec:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec(name=name, description=description, parameters=schema)


TEXT = {"type": "string"}
TASK = {"type": "string", "description": "what to do or find out"}
SEARCH = spec(
    "search_knowledge", "Find passages in the documents that bear on a question.", query=TEXT
)
CALCULATOR = spec(
    "calculator",
    "Work out an arithmetic expression.",
    expression=TEXT | {"description": "the expression"},
)
LIBRARIAN = spec("librarian", "finds and quotes passages", task=TASK)
ANALYST = spec("analyst", "calculates", task=TASK)
WEATHER = spec("get_weather", "Get the current weather of a city.", city=TEXT)
ASK_USER = spec(
    "ask_user", "Ask the person in front of the run a question and wait.", question=TEXT
)


def header() -> Citation:
    return Citation(
        key="pep-0557.rst:1-4", source="pep-0557.rst", start=0, end=len(HEADER), line=1, end_line=4,
        heading="Data Classes", quote=HEADER,
    )  # fmt: skip


def found(*citations: Citation) -> dict[str, Any]:
    content = "\n\n".join(f"[{c.key}] {c.heading}\n{c.quote}" for c in citations)
    return {"content": content or "nothing found", "citations": citations}


def talk(task: str, tools: Sequence[ToolSpec], **results: Any) -> list[Message]:
    """Return the conversation after one round of calls."""
    messages = [system("You are an agent."), user(task)]
    return go_on(messages, tools, **results)


def go_on(messages: list[Message], tools: Sequence[ToolSpec], **results: Any) -> list[Message]:
    reply = say(messages, tools)
    assert reply.calls, reply.text
    made = [ToolCall(id=c.id, name=c.name, arguments=json.loads(c.arguments)) for c in reply.calls]
    came = [ToolResult(call_id=c.id, name=c.name, **results[c.name]) for c in made]
    return [*messages, assistant(reply.text, made), tool_results(came)]


def test_keeps_the_rules_of_models() -> None:
    check_model(lambda: EmbeddedModel(minilm()), prompt="What is 17 + 4?")


def test_is_registered_and_says_what_it_cannot_do() -> None:
    plugins = default_plugins()
    offer = plugins.find("model", "embedded").offer
    assert any(line.startswith("cannot") for line in offer.details)
    assert "embedded" in plugins.offers("decider")


@pytest.mark.parametrize(
    ("task", "tools", "expected"),
    [
        (QUESTION, (SEARCH, CALCULATOR, ASK_USER), [("search_knowledge", {"query": QUESTION})]),
        ("What is 17 * 23?", (SEARCH, CALCULATOR), [("calculator", {"expression": "17 * 23"})]),
        ("What is the weather in Paris?", (SEARCH, WEATHER), [("get_weather", {"city": "Paris"})]),
        (
            "Which PEP introduced data classes, and what is 17 * 23?",
            (LIBRARIAN, ANALYST),
            [
                ("librarian", {"task": "Which PEP introduced data classes?"}),
                ("analyst", {"task": "what is 17 * 23?"}),
            ],
        ),
    ],
)
def test_chooses_tools(task: str, tools: Sequence[ToolSpec], expected: list[Any]) -> None:
    reply = say([user(task)], tools)
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == expected
    assert reply.end.finish == "tool_calls"
    assert reply.thought


def test_answers_with_citations_and_counts_tokens() -> None:
    reply = say(talk(QUESTION, [SEARCH], search_knowledge=found(header())), [SEARCH])
    assert reply.text == 'The Python-Version of PEP 557, "Data Classes", is 3.7 [pep-0557.rst:1-4].'
    assert reply.end.finish == "stop"
    assert reply.end.usage.input_tokens
    assert reply.end.usage.output_tokens


def test_tells_a_value() -> None:
    messages = talk("What is 17 * 23?", [CALCULATOR], calculator={"content": "391"})
    assert say(messages, [CALCULATOR]).text == "17 * 23 = 391."


def test_reads_the_field_of_a_result() -> None:
    result = {"content": '{"temperature": 21, "sky": "clear"}'}
    messages = talk("What is the temperature in Paris?", [WEATHER], get_weather=result)
    assert say(messages, [WEATHER]).text == "The temperature is 21."


def test_composes_reports() -> None:
    report = {"content": "It is PEP 557 [pep-0557.rst:1-4].", "citations": (header(),)}
    messages = talk(
        "Which PEP introduced data classes, and what is 17 * 23?",
        [LIBRARIAN, ANALYST],
        librarian=report,
        analyst={"content": "17 * 23 = 391."},
    )
    reply = say(messages, [LIBRARIAN, ANALYST])
    assert "It is PEP 557 [pep-0557.rst:1-4]." in reply.text
    assert "17 * 23 = 391." in reply.text
    assert reply.end.finish == "stop"


def test_passes_on_that_a_specialist_does_not_know() -> None:
    text = 'The documents do not say: Where is Ulan Bator? The nearest passage is "Data Classes" '
    report = {
        "content": f"{text}[pep-0557.rst:1-4], which does not tell.",
        "citations": (header(),),
    }
    messages = talk("Where is Ulan Bator?", [LIBRARIAN], librarian=report)
    assert say(messages, [LIBRARIAN]).end.finish == "abstain"


def test_searches_again_in_other_words_and_then_abstains() -> None:
    messages: list[Message] = [user("What is the capital of Mongolia?")]
    queries = []
    while True:
        reply = say(messages, [SEARCH])
        if not reply.calls:
            break
        queries.append(reply.calls[0].arguments)
        messages = go_on(messages, [SEARCH], search_knowledge=found(header()))
    assert 1 < len(queries) <= 3
    assert len(set(queries)) == len(queries)
    assert reply.end.finish == "abstain"
    assert "The documents do not say" in reply.text
    assert "[pep-0557.rst:1-4]" in reply.text or "nearest" not in reply.text


def test_searches_for_the_beginning_of_a_document_that_is_to_be_summed_up() -> None:
    later = Citation(
        key="ducks.md:90-91", source="ducks.md", start=9_000, end=9_024, line=90, end_line=91,
        heading="Ducks > Feathers", quote="Their feathers are oiled.",
    )  # fmt: skip
    opening = Citation(
        key="ducks.md:1-2", source="ducks.md", start=0, end=40, line=1, end_line=2,
        heading="Ducks > Introduction", quote="This page tells how ducks swim and dive.",
    )  # fmt: skip
    messages = talk("What is Ducks about?", [SEARCH], search_knowledge=found(later))
    messages = go_on(messages, [SEARCH], search_knowledge=found(opening))
    query = messages[-2].calls[0].arguments["query"]
    assert query == '"Ducks" abstract introduction summary overview'
    reply = say(messages, [SEARCH])
    assert reply.text == "This page tells how ducks swim and dive [ducks.md:1-2]."


def test_a_failed_call_is_told() -> None:
    failed = {"content": "Error: division by zero", "is_error": True}
    messages = talk("What is 1 / 0?", [CALCULATOR], calculator=failed)
    reply = say(messages, [CALCULATOR])
    assert "division by zero" in reply.text
    assert reply.end.finish == "abstain"


def test_sent_back_it_searches_anew() -> None:
    messages = talk(QUESTION, [SEARCH], search_knowledge=found(header()))
    answered = [*messages, assistant(say(messages, [SEARCH]).text)]
    review = (
        "Your answer was reviewed and sent back. The reviewer says:\nnot supported\nAnswer again."
    )
    revised = say([*answered, user(review)], [SEARCH])
    assert revised.calls
    assert revised.calls[0].arguments != say([user(QUESTION)], [SEARCH]).calls[0].arguments


def test_sent_back_it_drops_what_its_passages_do_not_name() -> None:
    report = {
        "content": "It is PEP 557 [pep-0557.rst:1-4]. It was praised by Albert Einstein in 1905.",
        "citations": (header(),),
    }
    messages = talk("Which PEP introduced data classes?", [LIBRARIAN], librarian=report)
    first = say(messages, [LIBRARIAN]).text
    assert "Einstein" in first
    review = user("Your answer was reviewed and sent back: part of it has no support.")
    assert say([*messages, assistant(first), review], [LIBRARIAN]).text == (
        "It is PEP 557 [pep-0557.rst:1-4]."
    )


def test_a_new_question_is_a_new_task() -> None:
    messages = talk(QUESTION, [SEARCH], search_knowledge=found(header()))
    messages += [assistant(say(messages, [SEARCH]).text), user("Who wrote PEP 557?")]
    reply = say(messages, [SEARCH])
    assert json.loads(reply.calls[0].arguments) == {"query": "Who wrote PEP 557?"}


@pytest.mark.parametrize("messages", [(), (user(""),), (user("Hello!"),), (system("Be nice."),)])
def test_introduces_itself_when_there_is_nothing_to_do(messages: Sequence[Message]) -> None:
    reply = say(messages, [SEARCH])
    assert "extractive model" in reply.text
    assert reply.end.finish == "abstain"
    assert not reply.calls


def test_without_tools_it_abstains() -> None:
    assert say([user(QUESTION)]).end.finish == "abstain"


def test_repeats_itself() -> None:
    messages = talk(QUESTION, [SEARCH], search_knowledge=found(header()))
    again = asyncio.run(collect(EmbeddedModel(minilm()).respond(Request(messages=tuple(messages)))))
    assert again.text == say(messages).text


class Shelf(Tool):
    """Find passages in the documents."""

    name = "search_knowledge"

    def run(self, query: str) -> Output:
        """Find passages in the documents that bear on a question.

        Args:
            query: what to look for.
        """
        return Output(**found(header()))


@tool
def calculator(expression: str) -> int:
    """Work out an arithmetic expression.

    Args:
        expression: an arithmetic expression, such as 2 * 3.
    """
    return 391


def test_works_in_the_loop() -> None:
    agent = Agent("librarian", model="embedded", tools=[Shelf(), calculator])
    result = agent.run(QUESTION)
    assert [citation.key for citation in result.citations] == ["pep-0557.rst:1-4"]
    assert "3.7" in result.answer
    assert not result.abstained
    assert agent.run("What is 17 * 23?").answer == "17 * 23 = 391."
    assert agent.run("What is the capital of Mongolia?").abstained


_ODD = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["\x00", "\u202e[x]", "\ud800", "{", "[[[", "a: b\nc: d", "?" * 9, "9" * 400]),
)
_CITATIONS = st.builds(
    lambda key, quote, heading: Citation(
        key=key, source=key, start=0, end=0, heading=heading, quote=quote
    ),
    _ODD,
    _ODD,
    _ODD,
)
_RESULTS = st.builds(
    lambda content, citations, error, name: ToolResult(
        call_id="1", name=name, content=content, citations=tuple(citations), is_error=error
    ),
    _ODD,
    st.lists(_CITATIONS, max_size=2),
    st.booleans(),
    st.sampled_from(["search_knowledge", "x"]),
)
_PARTS = st.one_of(
    st.builds(lambda text: Text(text=text), _ODD),
    _RESULTS,
    st.builds(lambda name: ToolCall(id="1", name=name, arguments={"query": name}), _ODD),
)
_MESSAGES = st.lists(
    st.builds(
        lambda role, parts: Message(role=role, parts=tuple(parts)),
        st.sampled_from(["system", "user", "assistant", "tool"]),
        st.lists(_PARTS, max_size=2),
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(_MESSAGES, st.booleans())
def test_replies_to_anything(messages: list[Message], with_tools: bool) -> None:
    tools = [SEARCH, CALCULATOR, WEATHER] if with_tools else []
    reply = say(messages, tools)
    known = {item.name: item.parameters for item in tools}
    for call in reply.calls:
        Draft202012Validator(known[call.name]).validate(json.loads(call.arguments))
    assert reply.calls or reply.text.strip()
    assert not any("\ud800" <= c <= "\udfff" for c in reply.text)


def test_a_huge_conversation_is_read() -> None:
    long = "Nothing of interest happened. " * 40_000
    result = ToolResult(call_id="1", name="search_knowledge", content=long)
    messages = [user(long), assistant("", [ToolCall(id="1", name="search_knowledge")])]
    reply = say([*messages, tool_results([result])], [SEARCH])
    assert reply.calls or reply.text

"""The ReAct dialect: what models really write, and anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega.dialects.react import React
from bottega.model import Reply, Sampling, ToolSpec

REACT = React()
TOOLS = (ToolSpec(name="search", description="Find.", parameters={"type": "object"}),)


def read(text):
    return REACT.read(Reply(text=text))


@pytest.mark.parametrize(
    "text",
    [
        'Thought: look\nAction: search\nAction Input: {"query": "pep"}',
        'Thought: look\nAction: search\nAction Input: {"query": "pep"}\nObservation: made up\n'
        "Final Answer: wrong",
        '**Thought:** look\n**Action:** `search`\n**Action Input:** {"query": "pep"}',
        'thought: look\nACTION: search\naction_input: {"query": "pep"}',
        'Thought: look\nAction: search\nAction Input:\n```json\n{"query": "pep"}\n```',
        "Thought: look\nAction: search\nAction Input: {'query': 'pep'}",
        'Thought: look\nAction: search(query="pep")',
        'Thought: look\nAction: search({"query": "pep"})',
        'Thought: look\nAction: search\n{"query": "pep"}',
        '> Thought: look\n> Action: search\n> Action Input: {"query": "pep"}',
        'Thought: look\nAction: "search"\nAction Input: query="pep"',
        'Thought: look\nAction: [search]\nAction Input: {"query": "pep"}\nThought: and then',
    ],
)
def test_reads_an_action_however_it_is_written(text):
    turn = read(text)
    assert turn.problem == ""
    assert not turn.bad_calls
    (call,) = turn.calls
    assert (call.name, dict(call.arguments)) == ("search", {"query": "pep"})
    assert turn.thought == "look"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Thought: I know.\nFinal Answer: 42", "42"),
        ("Final Answer:\nline one\nline two", "line one\nline two"),
        ("**Final Answer:** 42", "42"),
        ("final_answer: 42", "42"),
        ("It is simply 42.", "It is simply 42."),
    ],
)
def test_reads_an_answer(text, answer):
    assert read(text).answer == answer


@pytest.mark.parametrize("text", ["", "   ", "Thought: hm", "Action:", "Final Answer:"])
def test_says_what_is_missing(text):
    turn = read(text)
    assert turn.answer is None
    assert "Final Answer" in turn.problem


def test_bad_arguments_are_said_back():
    turn = read('Action: search\nAction Input: {"query": ')
    (bad,) = turn.bad_calls
    assert bad.name == "search"
    assert "JSON" in bad.problem


def test_an_action_before_the_answer_wins():
    turn = read('Action: search\nAction Input: {"query": "x"}\nFinal Answer: guess')
    assert turn.calls
    assert turn.answer is None


def test_the_prompt_names_the_tools_and_stops_before_observations():
    from bottega.messages import system, user

    request = REACT.request([system("Be kind."), user("go")], TOOLS, Sampling())
    assert request.messages[0].text.startswith("Be kind.")
    assert "search: Find." in request.messages[0].text
    assert request.sampling.stop == ("\nObservation:",)
    assert request.tools == ()


@given(st.text(max_size=400))
def test_any_text_is_read_without_raising(text):
    turn = read(text)
    assert turn.calls or turn.bad_calls or turn.answer or turn.problem
    REACT.replied(Reply(text=text), turn)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
WORDS = st.text(alphabet="abcdefgh_ .,;?!\n", max_size=60)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4), WORDS)
def test_arguments_come_through_whatever_the_thought(arguments, thought):
    text = f"Thought: {thought}\nAction: search\nAction Input: {json.dumps(arguments)}"
    (call,) = read(text).calls
    assert dict(call.arguments) == arguments

"""Research through the embedded model: answers are quotes, queries are made by rules."""

from __future__ import annotations

import pytest
from research_case import Library, WordDecider, passage

from bottega import Agent
from bottega.messages import Citation
from bottega.result import Result
from bottega.testing import ScriptedModel
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.knowledge.research import Limits, ResearchModel
from bottega_plugins.models.embedded.decider import EmbeddedDecider
from bottega_plugins.models.embedded.model import EmbeddedModel


def ask(question: str, library: Library, rounds: int) -> Result:
    research = ResearchModel(
        EmbeddedModel(minilm()), EmbeddedDecider(minilm()), Limits(rounds=rounds), middleware=()
    )
    return Agent(model=research, tools=[library], middleware=()).run(question)


OLD = "The Harbour Bridge in Lindvik was opened in 1931."
NEW = "The Harbour Bridge in Lindvik was opened in 1932, says the plaque on its pier."


def sources(first: str, second: str) -> list[Citation]:
    return [
        passage("a.md:1-1", first, "Harbour Bridge"),
        passage("b.md:1-1", second, "Harbour Bridge"),
    ]


@pytest.mark.parametrize(
    "question",
    [
        "When was the Harbour Bridge in Lindvik opened?",
        'When was the "Harbour Bridge" in Lindvik opened?',
        'When was "The Harbour Bridge in Lindvik" opened?',
    ],
)
@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)])
def test_shows_contradicting_values_in_the_order_of_their_sources(
    question: str, first: str, second: str
) -> None:
    result = ask(question, Library(*sources(first, second)), rounds=1)
    answer = result.answer or ""
    assert "Other sources say otherwise:" in answer
    assert [c.source for c in result.citations] == ["a.md", "b.md"]
    assert answer.index(first[:48]) < answer.index(second[:48])


def test_shows_contradictions_by_rank_whatever_is_said_first() -> None:
    said = passage(
        "a.md:1-2", "The pier was built in 1920.\nThe bridge was opened in 1931.", "Lindvik"
    )
    second = passage("b.md:1-1", "The bridge was opened in 1932.", "Bridge of Lindvik")
    third = passage("c.md:1-1", "The pier was built in 1921.", "Pier")
    model = ScriptedModel(
        "{}", "The pier was built in 1920 [a.md:1-2]. The bridge was opened in 1931 [a.md:1-2]."
    )
    decider = WordDecider(lambda question, context: True)
    research = ResearchModel(model, decider, Limits(rounds=1), middleware=())
    library = Library(said, second, third)
    result = Agent(model=research, tools=[library], middleware=()).run(
        "When was the bridge opened, and the pier of Lindvik built?"
    )
    shown = (result.answer or "").partition("otherwise:")[2]
    assert 0 < shown.find("[b.md:1-1]") < shown.find("[c.md:1-1]")


@pytest.mark.parametrize("heading", ["notes_2024-final.md", "toad_hall.md"])
def test_follows_no_names_of_files(heading: str) -> None:
    library = Library(
        passage("a.md:1-1", "A hall of residence, opened in 1974, of the university.", heading)
    )
    ask("Who wrote the anthem of the city of that university with a hall?", library, rounds=2)
    follow_ups = library.queries[1:]
    assert not any("_" in query or "." in query for query in follow_ups)
    assert [query[:9] for query in follow_ups if "toad" in query] == [
        "toad hall"
    ] * heading.startswith("toad")

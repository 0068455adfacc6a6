"""The embedded decider, with the real embedder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bottega.decider import Choice, Decider, Judgement, Option
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded import sentence_reader
from bottega_plugins.models.embedded.decider import EmbeddedDecider

CONTEXT = (
    "PEP: 557\nTitle: Data Classes\nAuthor: Eric V. Smith\nStatus: Final\nCreated: 02-Jun-2017\n\n"
    "This proposal describes an addition to the standard library called Data Classes. They can be "
    "thought of as mutable named tuples with defaults."
)
TEAM = (
    Option(name="librarian", description="finds and quotes passages in documents"),
    Option(name="analyst", description="calculates with numbers"),
    Option(name="cook", description="cooks meals and bakes bread"),
)


@cache
def decider() -> EmbeddedDecider:
    return EmbeddedDecider(minilm())


def judge(statement: str, context: str = CONTEXT) -> Judgement:
    return asyncio.run(decider().judge(statement, context=context))


def choose(question: str, options: tuple[Option, ...] = TEAM) -> Choice:
    return asyncio.run(decider().choose(question, options))


def test_is_a_decider() -> None:
    assert isinstance(decider(), Decider)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Bake a loaf of bread", "cook"),
        ("Find the passage in the documents on tuples", "librarian"),
        ("Calculate the numbers", "analyst"),
        ("My dog is called Rex", None),
    ],
)
def test_chooses_or_abstains(question: str, expected: str | None) -> None:
    choice = choose(question)
    assert choice.name == expected
    assert set(choice.probabilities) == {option.name for option in TEAM}
    assert sum(choice.probabilities.values()) <= 1


@pytest.mark.parametrize(
    "statement",
    [
        'The status of PEP 557, "Data Classes", is Final [pep-0557.rst:1-9].',
        "Data Classes can be thought of as mutable named tuples with defaults [a:1].",
    ],
)
def test_accepts_what_is_there(statement: str) -> None:
    judgement = judge(statement)
    assert judgement.verdict is True
    assert judgement.probability
    assert judgement.probability > 0.5


@pytest.mark.parametrize(
    "statement",
    [
        "PEP 557 was created in 2019.",
        "The author of Data Classes is Guido van Rossum.",
        "Bananas are yellow and sweet.",
    ],
)
def test_rejects_what_is_not(statement: str) -> None:
    assert judge(statement).verdict is False


def test_names_what_is_missing() -> None:
    assert "rossum" in judge("It was written by Guido van Rossum.").reason


def test_the_task_is_no_evidence() -> None:
    context = f"Task: Did Albert Einstein praise it in 1905?\n\n{CONTEXT}"
    assert judge("It was praised by Albert Einstein in 1905.", context).verdict is False


def test_a_question_is_judged_by_whether_it_can_be_answered() -> None:
    assert judge("What can data classes be thought of as?").verdict is True
    assert judge("What is the capital of Mongolia?").verdict is False


@pytest.mark.parametrize(("statement", "context"), [("", CONTEXT), ("It is so.", ""), ("", "")])
def test_abstains_without_anything_to_go_by(statement: str, context: str) -> None:
    assert judge(statement, context).verdict is None


def test_scores_by_probability() -> None:
    good = asyncio.run(decider().score("Data Classes are mutable named tuples.", context=CONTEXT))
    bad = asyncio.run(decider().score("Bananas are yellow and sweet.", context=CONTEXT))
    assert good.value is not None
    assert bad.value is not None
    assert 0 <= bad.value < good.value <= 1


HELPS = "The material helps to answer this question: "
BRIDGES = [
    f"Bridge {n}\nBridge {n} was opened in {1900 + n}. It is {200 + n} metres long. Ferries went "
    "before. Many people came to see it. The mayor spoke for an hour. It rained all day."
    for n in range(10)
]


class Counting:
    """The embedder, counting what it embeds."""

    def __init__(self) -> None:
        self.embedded = 0
        self.name, self.dimension = minilm().name, minilm().dimension
        self.max_tokens, self.token_spans = minilm().max_tokens, minilm().token_spans

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += len(texts)
        return await minilm().embed(texts)


def test_judging_passages_reads_no_short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> NoReturn:
        raise AssertionError("a short answer was read")

    monkeypatch.setattr(sentence_reader, "short_answers", never)
    counting = Counting()
    judging = EmbeddedDecider(counting)
    said = [
        asyncio.run(judging.judge(f"{HELPS}When was Bridge 3 opened?", context=context))
        for context in BRIDGES
    ]
    assert [judgement.verdict for judgement in said] == [
        True if n == 3 else None for n in range(10)
    ]
    assert counting.embedded <= 1 + 2 * len(BRIDGES)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.text(max_size=120))
def test_decides_on_anything(question: str, context: str) -> None:
    judgement = judge(question, context)
    assert judgement.probability is None or 0 <= judgement.probability <= 1
    assert choose(question, (Option(name=question, description=context),)) is not None

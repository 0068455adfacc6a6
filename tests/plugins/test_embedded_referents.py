"""Pronouns, and who did it to whom: what a sentence tells beyond its own words."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.order import swapped
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reader import read
from bottega_plugins.models.embedded.referents import meant
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import terms


@cache
def vectors() -> Vectors:
    return Vectors(minilm())


def answer(question: str, *passages: Passage) -> str:
    found = asyncio.run(read(Question.read(question), passages, vectors()))
    return wording.answer_text(found) if found.findings else ""


def passage(heading: str, text: str) -> Passage:
    return Passage("a.md:1-2", "a.md", heading, text, 0)


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("Humber Bridge", "It is 2,220 metres long."),
        ("Crossings > Humber Bridge", "It is 2,220 metres long. Cyclists use it for nothing."),
        ("Crossings", "The Humber Bridge was opened by the Queen. It is 2,220 metres long."),
    ],
)
def test_a_pronoun_stands_for_what_is_asked_about(heading: str, text: str) -> None:
    said = answer("How long is the Humber Bridge?", passage(heading, text))
    assert '"It is 2,220 metres long" [a.md:1-2].' in said


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("Humber Bridge", "It is 2,220 metres long."),
        ("Crossings", "The Humber Bridge was opened by the Queen. It is 2,220 metres long."),
    ],
)
def test_it_does_not_stand_for_anything_else(heading: str, text: str) -> None:
    assert not answer("How long is the Tacoma Narrows Bridge?", passage(heading, text))


@pytest.mark.parametrize(
    ("heading", "text", "last"),
    [
        ("Humber Bridge", "Its span is wide.", "Humber Bridge's span is wide."),
        ("Humber Bridge", "The bridge is wide.", "Humber Bridge is wide."),
        ("Humber Bridge", "In 1990, it was wide.", "In 1990, Humber Bridge was wide."),
        ("Guide", "The Humber Bridge was new. It was wide.", "The Humber Bridge was wide."),
        ("Humber Bridge", "The ferry was small. It was wide.", "It was wide."),
        ("Humber Bridge", "There it lies. It was wide.", "It was wide."),
        ("Humber Bridge", "It was said that it is wide.", "It was said that it is wide."),
        ("Humber Bridge", "It was new. He was wide.", "He was wide."),
        ("Humber Bridge", "Humber Bridge was made by Ann Lee. She was tall.", "She was tall."),
        ("Severn Bridge", "It was wide.", "It was wide."),
    ],
)
def test_the_last_sentence_as_it_is_meant(heading: str, text: str, last: str) -> None:
    sentences = [f"{part}." for part in text.rstrip(".").split(". ")]
    asked = frozenset(terms("How wide is the Humber Bridge?"))
    assert meant(sentences, [heading], asked)[-1] == last


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=20), st.text(max_size=40))
def test_every_sentence_is_kept(sentences: list[str], heading: str, question: str) -> None:
    assert len(meant(sentences, [heading], frozenset(terms(question)))) == len(sentences)


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("Did Alice defeat Bob?", "Bob defeated Alice in May.", True),
        ("Did Alice defeat Bob?", "Alice defeated Bob in May.", False),
        ("Did Alice defeat Bob?", "Bob was defeated by Alice.", False),
        ("Who did Alice defeat?", "Bob defeated Alice in May.", True),
        ("Who did Alice defeat?", "Bob was defeated by Alice.", False),
        ("Who defeated Alice?", "Alice defeated Bob.", True),
        ("Who defeated Alice?", "Alice was soundly defeated by Bob.", False),
        ("Who was Alice defeated by?", "Alice defeated Bob.", True),
        ("Was Alice defeated by Bob?", "Bob defeated Alice.", False),
        ("Did Alice meet Bob?", "Bob defeated Alice.", False),
        ("Who won?", "Alice won.", False),
        ("", "", False),
    ],
)
def test_tells_doer_and_target_apart(question: str, sentence: str, expected: bool) -> None:
    assert swapped(question, sentence) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_compares_any_order(question: str, sentence: str) -> None:
    assert swapped(question, sentence) in (True, False)


CHESS = passage("Chess in Lindvik", "Bob Tann defeated Alice Moor in the final of 1990.")


def test_does_not_answer_with_the_names_swapped() -> None:
    assert not answer("Did Alice Moor defeat Bob Tann in the final of 1990?", CHESS)
    assert not answer("Who did Alice Moor defeat in the final of 1990?", CHESS)
    assert "Yes:" in answer("Did Bob Tann defeat Alice Moor in the final of 1990?", CHESS)
    assert "Alice Moor:" in answer("Who did Bob Tann defeat in the final of 1990?", CHESS)

"""Reading answers out of passages, with the real embedder."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.fields import record_of
from bottega_plugins.models.embedded.kinds import holds, kind_of
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reader import read
from bottega_plugins.models.embedded.reading import Reading
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.vectors import Vectors


@cache
def vectors() -> Vectors:
    return Vectors(minilm())


def passage(key: str, text: str, heading: str = "") -> Passage:
    return Passage(key, key.split(":", maxsplit=1)[0], heading, text, 0)


DATA_CLASSES = passage(
    "pep-0557.rst:1-9",
    "PEP: 557\nTitle: Data Classes\nAuthor: Eric V. Smith <eric@example.com>\nStatus: Final\n"
    "Created: 02-Jun-2017\nPython-Version: 3.7\nPost-History: 08-Sep-2017,\n"
    "              25-Nov-2017",
    "Data Classes",
)
RANGES = passage(
    "pep-0204.rst:1-8",
    "PEP: 204\nTitle: Range Literals\nAuthor: Thomas Wouters, Moshe Zadka\nStatus: Rejected\n"
    "Created: 14-Jul-2000\nPython-Version: 2.0",
    "Range Literals",
)
INVOICE = passage(
    "mail.txt:1-4", "From: Ada Byron\nSubject: Invoice 17\nDate: 2024-03-01\nPrice: 90"
)
OIL = passage(
    "oil.md:1-5",
    "The 1973 oil crisis began in October 1973 when Arab producers proclaimed an oil embargo. By "
    "the end of the embargo in March 1974, the price of oil had risen from $3 to nearly $12. "
    "The crisis had many short- and long-term effects on global politics.",
    "1973 oil crisis",
)
ALL = [RANGES, DATA_CLASSES, INVOICE, OIL]


def reading(question: str, passages: list[Passage] = ALL) -> Reading:
    return asyncio.run(read(Question.read(question), passages, vectors()))


def answer(question: str, passages: list[Passage] = ALL) -> str:
    found = reading(question, passages)
    return wording.answer_text(found) if found.findings else ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Which PEP introduced data classes, and for which Python version?",
            'The Python-Version of PEP 557, "Data Classes", is 3.7 [pep-0557.rst:1-9].',
        ),
        ("Which PEP introduced data classes?", 'It is PEP 557, "Data Classes" [pep-0557.rst:1-9].'),
        (
            'On what date was the PEP "Range Literals" created?',
            'PEP 204, "Range Literals", was created on 14-Jul-2000 [pep-0204.rst:1-8].',
        ),
        (
            "What is the current status of PEP 204?",
            'The status of PEP 204, "Range Literals", is Rejected [pep-0204.rst:1-8].',
        ),
        (
            "Who wrote the data classes PEP?",
            'The author of PEP 557, "Data Classes", is Eric V. Smith [pep-0557.rst:1-9].',
        ),
        (
            'What is the number of the PEP titled "Range Literals"?',
            'It is PEP 204, "Range Literals" [pep-0204.rst:1-8].',
        ),
        ('What is the price of "Invoice 17"?', 'The price of "Invoice 17" is 90 [mail.txt:1-4].'),
        (
            "When did the 1973 oil crisis begin?",
            'October 1973: "The 1973 oil crisis began in October 1973 when Arab producers '
            'proclaimed an oil embargo" [oil.md:1-5].',
        ),
    ],
)
def test_answers(question: str, expected: str) -> None:
    assert answer(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "Who painted the Mona Lisa?",
        "How do I bake sourdough bread?",
        'Who wrote the PEP titled "Growing Tomatoes"?',
        "What is the status of PEP 9999?",
    ],
)
def test_finds_nothing_where_nothing_is(question: str) -> None:
    found = reading(question)
    assert found.findings == ()
    assert found.missing == Question.read(question).asks
    assert wording.abstention(question, found).startswith("The documents do not say")


def test_answers_for_every_document_that_is_named_alike() -> None:
    other = passage(
        "pep-9.rst:1-4", "PEP: 9\nTitle: Range Literals\nStatus: Draft", "Range Literals"
    )
    assert answer('What is the status of the PEP "Range Literals"?', [*ALL, other]) == (
        'The status of PEP 204, "Range Literals", is Rejected [pep-0204.rst:1-8]. '
        'The status of PEP 9, "Range Literals", is Draft [pep-9.rst:1-4].'
    )


def test_another_year_is_another_question() -> None:
    assert answer("When did the 1973 oil crisis begin?", [OIL])
    assert not answer("When did the 1979 oil crisis begin?", [OIL])


def test_what_a_document_is_called_need_not_be_said_in_it() -> None:
    text = "The proposal introduces an operator known as the walrus operator. Ducks swim."
    question = "Which operator does PEP 572 introduce?"
    assert "walrus" in answer(question, [passage("pep-0572.rst:17-28", text)])
    assert not answer(question, [passage("pep-0999.rst:17-28", text)])


def test_says_which_part_is_missing() -> None:
    text = answer("Who wrote PEP 557, and who painted the Mona Lisa?")
    assert text.startswith('The author of PEP 557, "Data Classes", is Eric V. Smith')
    assert 'do not say "who painted the Mona Lisa"' in text


def test_brackets_in_a_sentence_stay_no_keys() -> None:
    text = answer(
        "What does the memo say of ducks?",
        [passage("a:1-2", "The memo says of ducks [pep-1:2] they swim.")],
    )
    assert text.endswith("[a:1-2].")
    assert text.count("[") == 1


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Title: A\nBy: B\n\nProse: x", {"Title": "A", "By": "B"}),
        (":Author: A B\n:Date: 2020-01-02", {"Author": "A B", "Date": "2020-01-02"}),
        ("| Name | Oslo |\n| Area | 454 |", {"Name": "Oslo", "Area": "454"}),
        ('{"city": {"name": "Oslo", "area": 454}}', {"city name": "Oslo", "city area": "454"}),
        ("- **Colour:** red\n- **Size:** 3", {"Colour": "red", "Size": "3"}),
        ("Note: this is prose.\nIt goes on.", {}),
        ("Status: open", {"Status": "open"}),
        ("", {}),
    ],
)
def test_reads_fields(text: str, fields: dict[str, str]) -> None:
    record = record_of(passage("a", text))
    assert {f.key: f.value for f in record.fields} == fields if record else fields == {}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who wrote it?", "person"),
        ("On what date was it made?", "date"),
        ("Which Python version does it target?", "version"),
        ("How many ducks are there?", "number"),
        ("Where is it?", "place"),
        ("What is a duck?", "any"),
    ],
)
def test_knows_what_is_asked_for(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_knows_what_a_text_holds() -> None:
    assert holds("date", "It began on 2 June 2017.")
    assert not holds("date", "It began at last.")
    assert holds("version", "Since 3.11 it is faster.")


def test_quotes_may_be_nested() -> None:
    question = Question.read('Who wrote "Support for "wide" Unicode" and when?')
    assert question.quoted == ('Support for "wide" Unicode',)
    assert [ask.bare for ask in question.asks] == ["Who wrote", "when?"]


def test_sentences_keep_abbreviations() -> None:
    text = "It was by J. Smith, e.g. here. It is good.\n\n- one\n- two\n====="
    assert sentences(text) == ["It was by J. Smith, e.g. here.", "It is good.", "one", "two"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.text(max_size=200))
def test_reads_anything(question: str, text: str) -> None:
    found = reading(question, [passage("k:1-2", text)])
    for finding in found.findings:
        assert finding.passage.text == text
    assert wording.abstention(question, found)

"""Short answers, comparisons and abstention of the embedded model, with the real embedder."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.comparing import comparison_in
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reader import read
from bottega_plugins.models.embedded.reading import Finding, Reading
from bottega_plugins.models.embedded.short.asked import SORTS, Asked
from bottega_plugins.models.embedded.short.ranker import table
from bottega_plugins.models.embedded.short.spans import (
    CODES,
    COLUMNS,
    LONGEST,
    VALUES,
    Told,
    spans_of,
)
from bottega_plugins.models.embedded.short.tokens import KINDS, tokenise
from bottega_plugins.models.embedded.vectors import Vectors


@cache
def vectors() -> Vectors:
    return Vectors(minilm())


def passage(title: str, text: str) -> Passage:
    return Passage(title, title, title, text, 0)


BRIDGE = passage(
    "Forth Bridge",
    "The Forth Bridge is a railway bridge across the Firth of Forth in Scotland.  It was designed "
    "by John Fowler and\nBenjamin Baker. Construction began in 1882 and took eight years. About "
    "4,600 workers were employed at its peak.",
)
TOWER = passage(
    "Blackpool Tower",
    "Blackpool Tower is a British tower in Lancashire. It was opened to the public on 14 May 1894.",
)
PALACE = passage(
    "Crystal Palace",
    "The Crystal Palace was a British building of cast iron and glass. It was built in 1851 in "
    "Hyde Park by Joseph Paxton.",
)
ALL = [BRIDGE, TOWER, PALACE]


def reading(question: str, passages: list[Passage] = ALL) -> Reading:
    return asyncio.run(read(Question.read(question), passages, vectors()))


def best(question: str, passages: list[Passage] = ALL) -> Finding:
    found = reading(question, passages)
    finding = next(iter(found.findings), found.nearest)
    assert finding is not None
    return finding


@pytest.mark.parametrize(
    ("question", "short", "place"),
    [
        ("When did the construction of the Forth Bridge begin?", "1882", BRIDGE),
        ("Who built the Crystal Palace?", "Joseph Paxton", PALACE),
        ("When was Blackpool Tower opened to the public?", "14 May 1894", TOWER),
        ("How many workers were employed at the Forth Bridge?", "4,600", BRIDGE),
    ],
)
def test_reads_short_answers(question: str, short: str, place: Passage) -> None:
    finding = best(question)
    assert short in finding.short
    assert len(finding.short) <= len(short) + 12
    assert finding.passage == place
    assert place.text[finding.start : finding.end] == finding.short
    assert 0 < finding.share <= 1


def test_the_place_of_an_answer_is_in_the_passage_as_it_stands() -> None:
    finding = best("Who designed the Forth Bridge?")
    assert "Fowler" in finding.short
    assert "Fowler" in BRIDGE.text[finding.start : finding.end]


def test_says_the_short_answer_before_its_sentence() -> None:
    found = reading("When was Blackpool Tower opened to the public?")
    assert wording.answer_text(found) == (
        '14 May 1894: "It was opened to the public on 14 May 1894" [Blackpool Tower].'
    )


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("Which was built first, the Crystal Palace or Blackpool Tower?", "Crystal Palace"),
        ("Which is newer, the Crystal Palace or Blackpool Tower?", "Blackpool Tower"),
        ("Are Blackpool Tower and Crystal Palace both British?", "yes"),
        ("Are Blackpool Tower and Crystal Palace both railways?", "no"),
        ("Which is of cast iron, Blackpool Tower or Crystal Palace?", "Crystal Palace"),
    ],
)
def test_compares(question: str, short: str) -> None:
    findings = reading(question).findings
    assert findings[0].short == short
    assert {finding.passage for finding in findings} == {TOWER, PALACE}


def test_compares_by_the_dates_that_documents_say_of_themselves() -> None:
    old = Passage("a", "memo-7.txt", "Hiring", "Memo: 7\nTitle: Hiring\nCreated: 2001-05-04", 0)
    new = Passage("b", "memo-9.txt", "Travel", "Memo: 9\nTitle: Travel\nCreated: 2015-08-01", 0)
    findings = reading("Which is older, Memo 9 or Memo 7?", [new, old]).findings
    assert [finding.short for finding in findings] == ["Memo 7", ""]
    assert [finding.passage for finding in findings] == [old, new]


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the Crystal Palace?",
        "Which tower is in Lancashire or so?",
        "Is the Forth Bridge in Scotland?",
    ],
)
def test_takes_nothing_else_for_a_comparison(question: str) -> None:
    assert comparison_in(question) is None


@pytest.mark.parametrize(
    ("question", "sort", "focus"),
    [
        ("Who wrote it?", "who", ("wrot",)),
        ("What year did it begin?", "year", ("year",)),
        ("On what date did it begin?", "date", ("dat",)),
        ("What percentage of ducks is red?", "percent", ("percentag",)),
        ("Which languages do they speak?", "people", ("languag",)),
        ("In which city is it?", "place", ("city",)),
        ("How many ducks are there?", "count", ("duck",)),
        ("How long is it?", "measure", ()),
        ("What is the population of Oslo?", "number", ()),
        ("Is it red?", "yes", ()),
        ("Tell me of ducks", "other", ()),
        ("", "other", ()),
    ],
)
def test_knows_what_is_asked(question: str, sort: str, focus: tuple[str, ...]) -> None:
    asked = Asked.read(question)
    assert (asked.sort, tuple(asked.focus)) == (sort, focus)


HALL = passage(
    "Toad Hall",
    "Toad Hall is a residential hall in Australian National University, opened in 1974.",
)
UNIVERSITY = passage(
    "Australian National University",
    "The Australian National University is a research university located in Canberra. It was "
    "founded in 1946 by an act of parliament.",
)


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("Toad Hall is a residential hall in a university located in what city?", "Canberra"),
        ("When was the university of which Toad Hall is a residential hall founded?", "1946"),
    ],
)
def test_follows_an_answer_to_the_next_document(question: str, short: str) -> None:
    findings = reading(question, [HALL, UNIVERSITY, TOWER]).findings
    assert short in findings[0].short
    assert [finding.passage for finding in findings] == [UNIVERSITY, HALL]


def test_does_not_follow_what_is_answered() -> None:
    findings = reading("When was Toad Hall opened?", [HALL, UNIVERSITY, TOWER]).findings
    assert [(finding.short, finding.passage) for finding in findings] == [("1974", HALL)]


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("Is the Forth Bridge a railway bridge across the Firth of Forth?", "yes"),
        ("Is the Forth Bridge not a railway bridge across the Firth of Forth?", "no"),
    ],
)
def test_says_yes_or_no_with_the_sentence(question: str, short: str) -> None:
    finding = best(question)
    assert finding.short == short
    assert "railway bridge" in finding.sentence
    assert (finding.start, finding.end) == (0, 0)


@pytest.mark.parametrize(
    "question",
    [
        "What is the Forth Bridge about?",
        "Summarize the Forth Bridge.",
        "Describe the Forth Bridge",
    ],
)
def test_tells_what_a_document_is_about_by_how_it_begins(question: str) -> None:
    text = wording.answer_text(reading(question))
    assert text.startswith("The Forth Bridge is a railway bridge")
    assert text.endswith("[Forth Bridge].")


def test_a_later_part_of_a_document_does_not_tell_what_it_is_about() -> None:
    later = replace(BRIDGE, start=9_000)
    found = reading("What is the Forth Bridge about?", [later])
    assert found.findings == ()
    assert found.nearest is not None
    assert found.nearest.passage == later


def test_a_title_alone_is_asked_for_as_the_document() -> None:
    finding = best("What is the Crystal Palace?")
    assert finding.sentence.startswith("The Crystal Palace was a British building")
    assert finding.short == ""


def test_does_not_tell_what_an_unknown_document_is_about() -> None:
    assert reading("What is the Eiffel Tower about?").findings == ()


@pytest.mark.parametrize(
    "question",
    [
        "Who painted the Crystal Palace in 1920?",
        "When was the London Eye opened to the public?",
    ],
)
def test_abstains_where_names_or_numbers_are_others(question: str) -> None:
    assert reading(question).findings == ()


def test_sorts_tokens_by_their_look() -> None:
    found = tokenise('In 1889 the US paid $3.50, or 20%, to John\'s "firm" (3rd).')
    named = dict(zip(found.folded, (KINDS[kind] for kind in found.kinds), strict=True))
    assert named["in"] == "in"
    assert named["1889"] == "year"
    assert named["us"] == "acronym"
    assert named["$3.50"] == "money"
    assert named["20%"] == "percent"
    assert named["john"] == "capital"
    assert named["3rd"] == "ordinal"
    assert [found.text[a:b] for a, b in zip(found.starts, found.ends, strict=True)][:3] == [
        "In",
        "1889",
        "the",
    ]


def test_the_table_fits_the_spans() -> None:
    stored = table()
    assert stored.codes.shape[0] == CODES
    assert stored.values.shape[0] == VALUES
    assert stored.codes.shape[1] == stored.values.shape[1] == len(stored.out) + 1
    assert all(np.isfinite(part).all() for part in (stored.codes, stored.values, stored.bias))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.text(max_size=160))
def test_spans_of_anything_are_in_their_sentence(question: str, sentence: str) -> None:
    asked = Asked.read(question)
    assert asked.sort in SORTS
    told = Told(
        weights=dict.fromkeys(asked.terms, 1.0),
        similarity=0.5,
        coverage=0.5,
        behind=0.0,
        place=0,
        heading=frozenset(),
    )
    spans = spans_of(tokenise(sentence), asked, told)
    count = len(spans.first)
    assert spans.codes.shape == (count, COLUMNS)
    assert spans.values.shape == (count, VALUES)
    assert not count or 0 <= spans.codes.min() <= spans.codes.max() < CODES
    assert np.isfinite(spans.values).all()
    assert np.isfinite(table().scores(spans)).all()
    for place in range(count):
        assert spans.text(place) in sentence
        assert 0 <= spans.last[place] - spans.first[place] < LONGEST

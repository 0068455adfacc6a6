"""Sentences, names and claims: the reading that research does by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from research_case import passage

from bottega.messages import assistant, user
from bottega_plugins.knowledge.research.case import read_case
from bottega_plugins.knowledge.research.claims import (
    narrowed,
    read_claims,
    support_span,
    with_own_keys,
)
from bottega_plugins.knowledge.research.names import humane, names, numbers
from bottega_plugins.knowledge.research.sentences import sentence_spans

TEXTS = st.text(alphabet=st.sampled_from("ab AB.!?\"'\n-[]:1\u201d\u2022 "), max_size=80) | st.text(
    max_size=60
)


@given(TEXTS)
def test_sentences_are_in_order_and_leave_nothing_out(text: str) -> None:
    spans = list(sentence_spans(text))
    assert all(start < end for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert "".join("".join(text[slice(*s)] for s in spans).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Dr. Smith met J. Doe at 3.5 p.m. on e.g. Monday.", 1),
        ("It has a key [a.md:1-2]. And more.", 2),
        ("The key stands behind. [a.md:1-2] Next one.", 2),
        ("- one thing\n- another thing", 2),
        ("A title\n\nA paragraph", 2),
        ("", 0),
        (" \n ", 0),
    ],
)
def test_counts_sentences(text: str, count: int) -> None:
    assert len(list(sentence_spans(text))) == count


def test_names_and_numbers() -> None:
    text = "The Analytical Engine was built by Charles Babbage for $1,500 in 1837. Nobody paid."
    assert names(text) == ["Analytical Engine", "Charles Babbage"]
    assert numbers(text) == ["$1,500", "1837"]


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("notes_2024-final.md", ""),
        ("2024-05-01.txt", ""),
        ("docs/harbour_bridge-2024.md", "harbour bridge"),
        ("Microsoft Word - Harbour Bridge v2.docx", "harbour bridge"),
        ("pep-0557.rst", "pep 0557"),
        ("Harbour Bridge", "Harbour Bridge"),
        ("Node.js", "Node.js"),
        ("TCP/IP", "TCP/IP"),
        ("", ""),
    ],
)
def test_titles_that_are_names_of_files_are_put_into_words(title: str, said: str) -> None:
    assert humane(title) == said


@given(TEXTS, TEXTS)
def test_a_support_span_lies_in_its_text(text: str, claim: str) -> None:
    start, end = support_span(text, claim)
    assert 0 <= start <= end <= len(text)


@given(TEXTS.filter(str.strip), TEXTS)
def test_a_narrowed_citation_quotes_its_own_span(text: str, claim: str) -> None:
    whole = passage("a.md:3-9", text)
    part = narrowed(whole, claim)
    assert text[part.start : part.end] == part.quote
    assert part.line == 3 + text.count("\n", 0, part.start)


@given(TEXTS.filter(lambda text: "[" not in text))
def test_claims_never_lose_words(text: str) -> None:
    said = "".join(claim.text for claim in read_claims(text, {}))
    assert "".join(said.split()) == "".join(text.split())


def test_a_claim_names_known_keys_only() -> None:
    known = {"a.md:1-2": passage("a.md:1-2", "x"), "b.md:3-4": passage("b.md:3-4", "y")}
    (claim,) = read_claims("It is so [a.md:1-2; b.md:3-4][c.md:9-9] [sic].", known)
    assert claim.keys == ("a.md:1-2", "b.md:3-4")
    assert claim.text == "It is so [sic]."


def test_two_spans_of_one_line_have_keys_of_their_own() -> None:
    whole = passage("a.md:3-3", "Roses want sun. Tulips want cold.")
    parts = [narrowed(whole, "Roses want sun"), narrowed(whole, "Tulips want cold")]
    assert [part.quote for part in parts] == ["Roses want sun.", "Tulips want cold."]
    assert [part.key for part in with_own_keys(parts)] == ["a.md:3-3@0", "a.md:3-3@16"]
    assert [part.key for part in with_own_keys([parts[0], parts[0]])] == ["a.md:3-3", "a.md:3-3"]


def test_a_converted_source_keeps_the_span_of_the_passage() -> None:
    from dataclasses import replace

    whole = replace(passage("a.html:3-3", "Roses want sun. Tulips want cold."), end=900)
    part = narrowed(whole, "Tulips want cold")
    assert (part.key, part.start, part.end) == ("a.html:3-3#16", 0, 900)
    assert part.quote == "Tulips want cold."


def test_a_review_is_no_new_question() -> None:
    case = read_case(
        [user("Who was it?"), assistant("Ada."), user("Your answer was reviewed and sent back.")]
    )
    assert case.question == "Who was it?"
    assert case.feedback.startswith("Your answer was reviewed")
    for new in ("And when?", "Your answer is fine, thanks. When was Paris founded?"):
        assert read_case([user("Who was it?"), assistant("Ada."), user(new)]).question == new


def test_a_long_run_of_spaces_costs_no_more_than_its_length() -> None:
    claims = list(read_claims("Roses want sun." + " " * 200_000 + "[x] And water.", {}))
    assert len(claims) == 2

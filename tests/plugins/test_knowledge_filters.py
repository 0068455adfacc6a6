"""Filters over the fields of documents and passages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amphibians import DOCUMENTS, sources
from hash_embedder import HashEmbedder

from bottega.errors import InputError
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(DOCUMENTS)
    return base


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"lang": "en"}, {"frogs.md", "toads.md"}),
        ({"lang": ["de", "fr"]}, {"newts.txt"}),
        ({"year": {"gte": 2020, "lt": 2024}}, {"toads.md"}),
        ({"year": {"gt": 2024}}, {"newts.txt"}),
        ({"year": {"lte": 2019}}, {"frogs.md"}),
        ({"year": {"gt": "2000"}}, set()),
        ({"tags": "pond"}, {"frogs.md"}),
        ({"tags": {"ne": "pond"}}, {"toads.md", "newts.txt"}),
        ({"draft": {"exists": False}}, {"toads.md", "newts.txt"}),
        ({"draft": {"exists": True}}, {"frogs.md"}),
        ({"draft": False}, {"frogs.md"}),
        ({"by.name": "Ann"}, {"newts.txt"}),
        ({"source": {"glob": "*.md"}}, {"frogs.md", "toads.md"}),
        ({"source": "toads.md"}, {"toads.md"}),
        ({"title": "Frogs"}, {"frogs.md"}),
        ({"heading": {"glob": "*Food"}}, {"frogs.md"}),
        ({"lang": "en", "tags": "garden"}, {"toads.md"}),
        ({"lang": "en' OR 1=1 --"}, set()),
        ({"lang') OR 1=1 --": "en"}, set()),
        ({'a"b': "x"}, set()),
        ({"lang": []}, set()),
        ({"year": {"eq": 2022.0}}, {"toads.md"}),
        ({"year": 10**30}, set()),
        ({}, {"frogs.md", "toads.md", "newts.txt"}),
    ],
)
def test_filters_choose_documents(
    base: KnowledgeBase, filters: dict[str, Any], expected: set[str]
) -> None:
    assert sources(base, filters=filters) == expected
    assert sources(base, filters=filters) == expected, "also when the answer is remembered"


def test_a_filter_of_a_heading_chooses_passages(base: KnowledgeBase) -> None:
    (only,) = base.search("frogs", filters={"source": "frogs.md", "heading": {"glob": "*Food"}})
    assert only.quote.endswith("Frogs eat flies.")


def test_a_field_may_be_called_anything(base: KnowledgeBase) -> None:
    odd = {"a\"b'c": 1, "$.x": 2, "); DROP TABLE documents; --": 3, "": 4, "\x00": 5, "🐸": 6}
    base.add({"source": "odd", "content": "Odd frogs.", "metadata": odd})
    for key, value in odd.items():
        assert sources(base, filters={key: value}) == {"odd"}, key


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"year": {"gtr": 3}}, "unknown operator 'gtr' in the filter for 'year'"),
        ({"year": {}}, "the filter for 'year' is empty"),
        ({"year": None}, "'eq' takes a text or a number, not None"),
        ({"year": {"in": 3}}, "'in' takes a list"),
        ({"year": {"gt": [1]}}, "'gt' takes a text or a number"),
        ({"year": float("nan")}, "'eq' takes a text or a number"),
        ({"source": {"glob": "*" * 2_000}}, "'glob' takes a text"),
        ({3: "x"}, "for the field 3, which is no text"),
    ],
)
def test_a_filter_that_is_none_is_named(
    base: KnowledgeBase, filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")) as caught:
        base.search("frogs", filters=filters)
    if "operator" in message:
        assert "did you mean 'gt'?" in caught.value.hint
        assert "exists" in caught.value.hint

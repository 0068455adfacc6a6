"""What a text says of itself at its beginning, as metadata that filters can reach."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from document_reading import read
from hypothesis import given
from hypothesis import strategies as st

from bottega.messages import Json
from bottega_plugins.knowledge.documents.facts import OWN_FIELDS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("documents")


def metadata(front_matter: str) -> Mapping[str, Json]:
    return read(f"---\n{front_matter}\n---\ntext\n", "a.md").metadata


def test_front_matter_has_structure() -> None:
    told = metadata(
        "title: T\ntags: [a, 'b c']\nyear: 2020\ndraft: false\ndate: 2024-05-06\n"
        "author:\n  name: Ada\nparts:\n  - name: One\n    pages: 3\n  - name: Two"
    )
    assert told == {
        "tags": ["a", "b c"],
        "year": 2020,
        "draft": False,
        "date": "2024-05-06",
        "author.name": "Ada",
        "parts.name": ["One", "Two"],
        "parts.pages": ["3"],
    }


@pytest.mark.parametrize(
    "value",
    ["3.10", "2020-01-02", "2020-01-02 10:00:00", "no", "Yes", "on", "0123", "0x1F", "1_000",
     "12:30:45", "1e3", ".inf", ".nan", "True", "-0", "+7", "007", "9" * 20, "=", "3.0"],
)  # fmt: skip
def test_values_of_front_matter_stay_as_they_are_written(value: str) -> None:
    told = metadata(f"version: {value}\nlisted: [{value}]\ninner: {{v: {value}}}")
    assert told["version"] == value
    assert told["listed"] == [value]
    assert told["inner.v"] == value


def test_what_is_in_quotes_is_a_text() -> None:
    told = metadata("a: '2020'\nb: \"true\"\nc: |\n  7\nd: 'it''s'\ne: [2020, true, ~]")
    assert told == {"a": "2020", "b": "true", "c": "7\n", "d": "it's", "e": ["2020", "true", "~"]}


def test_tags_of_yaml_make_nothing() -> None:
    told = metadata("a: !!python/object/apply:os.system [ls]\nb: !!int x\nc: !!binary aGk=")
    assert told == {"a": ["ls"], "b": "x", "c": "aGk="}


def test_what_is_nothing_is_left_out() -> None:
    assert metadata("a:\nb: ~\nc: null\nd: ''\ne: 1") == {"e": 1}


@pytest.mark.parametrize(
    ("front_matter", "title"),
    [
        ("title: 1984", "1984"),
        ("title: 3.10", "3.10"),
        ("title: 'It''s here'  # a comment", "It's here"),
        ("title: >\n  over\n  lines", "over lines"),
        ("Title: Upper\nsubject: other", "Upper"),
        ("titel: none\nsubject: The subject", "The subject"),
    ],
)
def test_the_title_of_front_matter_is_the_title(front_matter: str, title: str) -> None:
    assert read(f"---\n{front_matter}\n---\ntext\n", "a.md").title == title


def test_names_that_every_passage_has_are_kept_apart() -> None:
    told = metadata("source: https://a.example\nformat: long\npage: 3\nheading: H\nline: 4")
    assert told == {
        "header.source": "https://a.example",
        "header.format": "long",
        "header.page": 3,
        "header.heading": "H",
        "header.line": 4,
    }
    mail = read("Title: T\nSubject: frogs\nSource: pond\n\ntext\n")
    assert mail.metadata == {"subject": "frogs", "header.source": "pond"}


def test_names_in_any_script_are_names() -> None:
    assert metadata("Größe: 5\n作者: 李白") == {"größe": 5, "作者": "李白"}


@given(
    st.dictionaries(st.text("abcü_ -:", max_size=6), st.text("0123.-eno:[]{}'\"#~ \n", max_size=8))
)
def test_any_front_matter_is_read(fields: dict[str, str]) -> None:
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    told = metadata(text)
    assert all(isinstance(value, str | int | list) for value in told.values())
    assert not {"title", *OWN_FIELDS} & told.keys()


def test_front_matter_that_multiplies_itself_stays_text() -> None:
    laughs = "".join(f"{chr(98 + n)}: [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9))
    reading = read(f"---\na: &a [x]\n{laughs}---\ntext\n", "a.md")
    assert all(isinstance(value, str) for value in reading.metadata.values())


def test_headers_of_peps_become_metadata() -> None:
    path = ROOT / "examples/peps/pep-0557.rst"
    metadata = read(path.read_bytes(), path.name).metadata
    assert metadata["pep"] == 557
    assert metadata["created"] == "2017-06-02"
    assert metadata["python_version"] == "3.7"

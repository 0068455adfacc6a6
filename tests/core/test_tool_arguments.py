"""Arguments as models write them: B2 to B7 and B13 of the bad inputs."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega.errors import ToolArgumentError
from bottega.signature import parse_arguments

scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | finite,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def refusal(text: str) -> str:
    with pytest.raises(ToolArgumentError) as caught:
        parse_arguments(text)
    assert len(str(caught.value)) < 500
    return str(caught.value)


@given(st.dictionaries(st.text(max_size=10), values, max_size=5))
def test_every_json_object_is_read_as_it_is(arguments: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(arguments)) == arguments


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ToolArgumentError):
        assert isinstance(parse_arguments(text), dict)


@given(st.text(alphabet='{}[]",:\\ 0a', max_size=60))
def test_text_that_looks_like_json_is_read_as_json_reads_it(text: str) -> None:
    try:
        found = parse_arguments(text)
    except ToolArgumentError:
        return
    assert found == json.loads(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[1, 2]", "a list"),
        ('"query"', "a string"),
        ("null", "null"),
        ("3", "an integer"),
        ("1.5", "a number"),
        ("true", "a boolean"),
    ],
)
def test_other_values_than_an_object_are_named(text: str, named: str) -> None:
    assert f"must be one JSON object, got {named}" in refusal(text)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_lacks_are_refused(constant: str) -> None:
    assert constant in refusal(f'{{"a": [{constant}]}}')


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert "1e999" in refusal('{"a": 1e999}')
    refusal('{"a": ' + "1" * 5_000 + "}")


def test_a_duplicate_key_is_named_wherever_it_is() -> None:
    assert "'k'" in refusal('{"k": 1, "k": 2}')
    assert "'inner'" in refusal('{"a": [{"inner": 1, "inner": 1}]}')


def test_depth_is_limited_before_anything_recurses() -> None:
    for text in ("[" * 5_000, '{"a":' * 5_000, '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}"):
        assert "64 levels" in refusal(text)


def test_brackets_in_strings_and_side_by_side_are_no_depth() -> None:
    assert parse_arguments(json.dumps({"a": '[{"\\' * 100})) == {"a": '[{"\\' * 100}
    assert parse_arguments(json.dumps({"a": [[]] * 500})) == {"a": [[]] * 500}
    fits = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert parse_arguments(fits)
    refusal('{"a":' + "[" * 64 + "]" * 64 + "}")


def test_size_is_limited() -> None:
    assert "10,000,010 characters" in refusal('{"a": "' + "x" * 10_000_001 + '"}')


def test_lone_surrogates_survive() -> None:
    assert parse_arguments('{"a": "\\ud800"}') == {"a": "\ud800"}


def test_broken_json_is_shown_where_it_breaks() -> None:
    message = refusal('{"query": "x", }')
    assert "line 1, column 16" in message
    assert "not JSON" in refusal("")

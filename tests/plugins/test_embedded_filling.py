"""Arguments of the embedded model: whatever the schema, what it emits is valid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from bottega_plugins.models.embedded.arithmetic import expression_in
from bottega_plugins.models.embedded.filling import fill
from bottega_plugins.models.embedded.schema import fits

STRING = {"type": "string"}


def parameters(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "task", "expected"),
    [
        (parameters(query=STRING), "Who wrote it?", {"query": "Who wrote it?"}),
        (parameters(city=STRING), "What is the weather in Paris?", {"city": "Paris"}),
        (parameters(title=STRING), 'Open "Data Classes" now', {"title": "Data Classes"}),
        (parameters(n={"type": "integer"}), "Roll 3 dice", {"n": 3}),
        (parameters(x={"type": "number"}), "Set it to -2.5 now", {"x": -2.5}),
        (
            parameters(a={"type": "integer"}, b={"type": "integer"}),
            "Add 1,000 and 7",
            {"a": 1000, "b": 7},
        ),
        (
            parameters(unit={"enum": ["celsius", "fahrenheit"]}),
            "How warm is it, in Fahrenheit?",
            {"unit": "fahrenheit"},
        ),
        (parameters(verbose={"type": "boolean"}), "Run it with verbose off", {"verbose": False}),
        (
            parameters(points={"type": "array", "items": {"type": "integer"}}),
            "Sort 3, 1 and 2",
            {"points": [3, 1, 2]},
        ),
        (
            parameters(e={"type": "string", "description": "the arithmetic expression"}),
            "What is 12% of 250?",
            {"e": "12 / 100 * 250"},
        ),
        (
            {
                "type": "object",
                "properties": {"query": STRING, "k": {"type": "integer", "default": 5}},
                "required": ["query"],
            },
            "Find 9 lives",
            {"query": "Find 9 lives"},
        ),
    ],
)
def test_fills_by_type(schema: dict[str, Any], task: str, expected: dict[str, Any]) -> None:
    assert fill(schema, task) == expected


@pytest.mark.parametrize(
    "schema",
    [
        parameters(n={"type": "integer"}),
        parameters(unit={"enum": ["celsius", "fahrenheit"]}),
        parameters(sure={"type": "boolean"}),
        parameters(e={"type": "string", "description": "the arithmetic expression"}),
        parameters(code={"type": "string", "pattern": "^[A-Z]{9}$"}),
        parameters(task={"type": "string", "maxLength": 3}),
        parameters(task={"type": "string", "not": {"minLength": 1}}),
        parameters(x=False),
    ],
)
def test_makes_nothing_up(schema: dict[str, Any]) -> None:
    assert fill(schema, "Tell me about ducks") is None


def test_a_schema_that_branches_into_itself_ends() -> None:
    node: dict[str, Any] = {"anyOf": [{"$ref": "#/$defs/node"} for _ in range(20)]}
    schema = parameters(n={"$ref": "#/$defs/node"}) | {"$defs": {"node": node}}
    assert fill(schema, "Tell me 3 things") is None


def test_a_pattern_that_takes_for_ever_is_not_tried() -> None:
    schema = parameters(query={"type": "string", "pattern": "^(a+)+$"})
    assert fill(schema, "a" * 60 + "!") is None


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("What is 17 * 23?", "17 * 23"),
        ("What is 17 times 23?", "17 * 23"),
        ("Compute (2 + 3) * 4.", "(2 + 3) * 4"),
        ("What is the sum of 3 and 4?", "3 + 4"),
        ("What is the square root of 16?", "16 ** 0.5"),
        ("Divide 9 by 2, please", "9 / 2"),
        ("What is 1,200 minus 300?", "1200 - 300"),
        ("Which PEP introduced data classes?", ""),
        ("What happened on 2017-06-02?", ""),
        ("Was Python 3.7 released before 2018?", ""),
    ],
)
def test_finds_sums(task: str, expected: str) -> None:
    assert expression_in(task) == expected


_TEXTS = st.text(max_size=12)
_LEAVES = st.one_of(
    st.builds(
        lambda low, high: {"type": "string", "minLength": low, "maxLength": high},
        st.integers(0, 30),
        st.integers(0, 60),
    ),
    st.builds(
        lambda kind, low: {"type": kind, "minimum": low, "exclusiveMaximum": low + 50},
        st.sampled_from(["integer", "number"]),
        st.integers(-20, 20),
    ),
    st.builds(lambda n: {"type": "integer", "multipleOf": n}, st.integers(1, 7)),
    st.builds(
        lambda p: {"type": "string", "pattern": p}, st.sampled_from(["^W", "a+", "[0-9]", "("])
    ),
    st.builds(
        lambda options: {"enum": options}, st.lists(st.one_of(_TEXTS, st.integers()), max_size=3)
    ),
    st.builds(lambda value: {"const": value}, st.one_of(_TEXTS, st.booleans(), st.none())),
    st.sampled_from(
        [{}, True, False, {"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}]
    ),
    st.sampled_from(
        [{"format": "date", "type": "string"}, {"not": {}}, {"type": "string", "x-a": 1}]
    ),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.builds(
        lambda properties, required, more: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            "additionalProperties": more,
        },
        st.dictionaries(st.sampled_from(["query", "city", "n", "on", "$x"]), inner, max_size=3),
        st.sets(st.sampled_from(["query", "city", "n", "on", "$x"])),
        st.one_of(st.booleans(), inner),
    )
    arrays = st.builds(
        lambda items, least, most: {
            "type": "array", "items": items, "minItems": least, "maxItems": most,
            "uniqueItems": least > 0,
        },
        inner, st.integers(0, 2), st.integers(0, 3),
    )  # fmt: skip
    unions = st.builds(
        lambda word, branches: {word: branches},
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=3),
    )
    return st.one_of(objects, arrays, unions)


_SCHEMAS = st.recursive(_LEAVES, _nested, max_leaves=8)
_TASKS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ['Is "Data Classes" on in Paris, with n 3 and 4.5?', "What is 3 + 4?", "city: Oslo", ""]
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["query", "city", "n"]), _SCHEMAS, max_size=3), _TASKS)
def test_what_is_filled_validates(properties: dict[str, Any], task: str) -> None:
    schema = parameters(**properties)
    arguments = fill(schema, task)
    if arguments is not None:
        Draft202012Validator(schema).validate(arguments)


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-60, 60), st.floats(allow_nan=False), _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["query", "n"]), inner)
    ),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(_SCHEMAS, _VALUES)
def test_what_fits_validates(schema: Any, value: Any) -> None:
    if fits(schema, value):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError:
            return  # jsonschema refuses to say anything
        assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "task",
    ["What does https://example.org/a?b=c say?", "Read (https://example.org/a?b=c), then tell."],
)
def test_addresses_are_taken_whole(task: str) -> None:
    schema = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    assert fill(schema, task) == {"url": "https://example.org/a?b=c"}

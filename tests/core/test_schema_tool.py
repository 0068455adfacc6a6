"""Tools made from a JSON Schema."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega import Agent
from bottega.calling import call_tool
from bottega.errors import InputError, ToolArgumentError
from bottega.events import Observation
from bottega.schema_tool import SchemaTool
from bottega.testing import ScriptedModel, call
from bottega.tool_name import LONGEST, clean_name
from bottega.tools import ToolContext

WEATHER = {
    "type": "dict",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "float", "minimum": 1, "default": 1},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "hours": {"type": "tuple", "items": {"type": "int"}},
        "place": {"type": "dict", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "whatever": {"type": "any"},
    },
    "required": ["city"],
}


async def echo(arguments: dict[str, Any], context: ToolContext) -> dict[str, Any]:
    return {"got": arguments, "key": context.key}


def weather(**declared: Any) -> SchemaTool:
    return SchemaTool("weather.get", "Tell the weather.", WEATHER, echo, **declared)


def refused(arguments: dict[str, Any], parameters: Any = WEATHER) -> str:
    with pytest.raises(ToolArgumentError) as caught:
        SchemaTool("weather.get", "", parameters, echo).validate(arguments)
    return caught.value.message


def test_models_are_told_json_schema() -> None:
    tool = weather(effects="none", timeout=3)
    assert tool.spec.name == "weather_get"
    assert tool.original == "weather.get"
    assert (tool.effects, tool.timeout, tool.trust) == ("none", 3, "untrusted")
    shown = tool.spec.parameters
    assert shown["type"] == "object"
    assert shown["additionalProperties"] is False
    assert shown["properties"]["days"]["type"] == "number"
    assert shown["properties"]["hours"] == {"type": "array", "items": {"type": "integer"}}
    assert shown["properties"]["whatever"] == {}


def test_an_agent_calls_it() -> None:
    model = ScriptedModel(
        call("weather_get", city="Oslo", citty=1),
        call("weather_get", city="Oslo", days="3"),
        "done",
    )
    agent = Agent(model=model, tools=[weather(effects="none")])
    first, second = (event for event in agent.run("?").events if isinstance(event, Observation))
    assert "unknown argument 'citty', did you mean 'city'?" in first.content
    assert '{"city":"Oslo","days":3}' in second.content


def test_a_sync_call_runs_too() -> None:
    tool = SchemaTool("x", "", None, lambda arguments, context: f"{arguments} {context.node}")
    output = asyncio.run(call_tool(tool, tool.validate({}), ToolContext(node="n")))
    assert output.content == "{} n"


def test_everything_that_is_wrong_is_said() -> None:
    said = refused(
        {"days": 0, "unit": "kelvin", "hours": [1, "x"], "place": {}, "note": 3, "cities": "Oslo"}
    )
    for part in (
        "missing 'city'",
        "'days' must be at least 1, got 0",
        """'unit' must be one of "celsius", "fahrenheit", got "kelvin\"""",
        "'hours[1]' must be an integer, got \"x\"",
        "missing 'x' in 'place'",
        "'note' must be a string or null, got 3",
        "unknown argument 'cities', did you mean 'city'?",
        "expected: city (string, required), days (number, default 1)",
    ):
        assert part in said
    assert len(said) <= 2_000


def test_texts_become_numbers_only_where_nothing_is_lost() -> None:
    validate = weather().validate
    assert validate({"city": "5", "days": "2.5", "hours": ["7"]}) == {
        "city": "5",
        "days": 2.5,
        "hours": [7],
    }
    assert "'hours[0]' must be an integer" in refused({"city": "x", "hours": ["7.5"]})
    assert "'days' must be a number" in refused({"city": "x", "days": "1e999"})
    assert "'days' must be a number" in refused({"city": "x", "days": "true"})
    assert "missing 'city'" in refused({"days": "2"})


def test_arguments_are_a_copy() -> None:
    given_arguments = {"city": "x", "whatever": [1, {"a": 2}]}
    got = weather().validate(given_arguments)
    got["whatever"][1]["a"] = 3
    assert given_arguments["whatever"] == [1, {"a": 2}]


def test_what_is_not_json_is_refused() -> None:
    assert "not JSON" in refused({"city": "x", "whatever": float("nan")})
    assert "not JSON" in refused({"city": "x", "whatever": {1, 2}})
    own: list[Any] = []
    own.append(own)
    assert "not JSON" in refused({"city": "x", "whatever": own})


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}, "Retrieval is disabled"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "cannot be used"),
        ({"properties": {"a": {"$ref": "#/$defs/nope"}}}, "does not exist"),
        ({"properties": {"a": {"pattern": "("}}}, "cannot be used"),
        ({"properties": {"a": {"minimum": "low"}}}, "cannot be used"),
        ({"properties": [1]}, "cannot be used"),
        ({"type": "array"}, "must be an object, got 'array'"),
        ({"properties": {"a": {1, 2}}}, "not JSON"),
        ({"properties": {"a": {"description": "x" * 70_000}}}, "characters long"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(parameters: Any, problem: str) -> None:
    with pytest.raises(InputError, match=r"weather\.get") as caught:
        SchemaTool("weather.get", "", parameters, echo)
    assert problem in caught.value.message


def test_recursive_schemas_and_older_drafts_are_read() -> None:
    tree = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {
            "node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/definitions/node"}, "at": {"type": "integer"}},
            }
        },
        "properties": {"root": {"$ref": "#/definitions/node"}},
    }
    tool = SchemaTool("tree", "", tree, echo)
    assert tool.validate({"root": {"next": {"next": {}}}})
    assert "'root.next.at' must be an integer" in refused({"root": {"next": {"at": "x"}}}, tree)
    assert "$schema" not in tool.spec.parameters


def test_words_of_openapi_and_older_drafts_are_understood() -> None:
    parameters = {
        "properties": {
            "name": {"type": "string", "nullable": True, "required": True},
            "pair": {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
            "share": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        }
    }
    validate = SchemaTool("x", "", parameters, echo).validate
    assert validate({"name": None, "pair": [1, "a"], "share": 0.5})
    assert "'pair[1]' must be a string" in refused({"pair": [1, 2]}, parameters)
    assert "'share' must be greater than 0" in refused({"share": 0}, parameters)


def test_a_value_becomes_the_option_that_it_is() -> None:
    options = {"genre": {"enum": ["Horror", "War"]}, "open": {"enum": ["True", "False", "any"]}}
    validate = SchemaTool("x", "", {"properties": options}, echo).validate
    assert validate({"genre": "horror", "open": True}) == {"genre": "Horror", "open": "True"}
    assert "'genre' must be one of" in refused({"genre": "love"}, {"properties": options})
    alike = {"properties": {"a": {"enum": ["x", "X"]}}}
    assert SchemaTool("x", "", alike, echo).validate({"a": "X"}) == {"a": "X"}


def test_a_default_is_accepted_whatever_its_type() -> None:
    properties = {
        "a": {"type": "string", "default": None},
        "b": {"type": "integer", "enum": [1, 2], "default": "any"},
        "c": {"type": "array", "enum": ["x", "y"], "items": {"type": "string"}},
        "d": {"type": "float", "default": 1},
    }
    parameters = {"type": "dict", "default": "{}", "properties": properties}
    validate = SchemaTool("x", "", parameters, echo).validate
    assert validate({"a": None, "b": "any", "c": ["x"], "d": 2})
    assert "'b' must be" in refused({"b": "some"}, parameters)
    assert "'c[0]' must be one of" in refused({"c": ["z"]}, parameters)
    assert "'d' must be a number" in refused({"d": "x"}, parameters)


def test_open_objects_stay_open() -> None:
    opened = {"properties": {}, "additionalProperties": {"type": "integer"}}
    assert SchemaTool("x", "", opened, echo).validate({"any": 1}) == {"any": 1}
    assert "'any' must be an integer" in refused({"any": "x"}, opened)
    assert SchemaTool("x", "", {"additionalProperties": True}, echo).validate({"a": "b"})


def test_a_pattern_cannot_hang() -> None:
    for pattern in ("^(a+)+$", "^(?=a)(a+)+$"):
        said = refused({"a": "a" * 5_000 + "!"}, {"properties": {"a": {"pattern": pattern}}})
        assert "'a'" in said


def test_names_are_made_of_what_models_accept() -> None:
    assert clean_name("math.factorial") == "math_factorial"
    assert clean_name("math factorial", {"math_factorial"}) == "math_factorial_2"
    assert clean_name("é") == "tool"
    long = clean_name("x" * 100, {"x" * LONGEST})
    assert len(long) == LONGEST
    assert long.endswith("_2")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_json_is_taken_or_refused(value: Any) -> None:
    tool = weather()
    for arguments in ({"city": value}, {"city": "x", "whatever": value}, {"place": value}):
        try:
            got = tool.validate(arguments)
        except ToolArgumentError as error:
            assert len(error.message) <= 2_000
        else:
            assert got == arguments

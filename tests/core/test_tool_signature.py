"""From a typed function to a schema, and from a model's arguments to the function's."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, TypedDict

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue

from bottega.errors import InputError, ToolArgumentError
from bottega.signature import Signature, snake_case
from bottega.tools import Tool, ToolContext, tool


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Options(TypedDict, total=False):
    depth: typing.Required[int]
    tags: list[str]


class Node(BaseModel):
    value: int
    children: list[Node] = []


def search(query: str, k: int = 5) -> str:
    """Find passages.

    Reads the index.

    Args:
        query: what to look for,
            in plain words.
        k (int): how many.

    Returns:
        Passages.

    Raises:
        ToolError: never.
    """
    return query * k


def rich(
    color: Color,
    when: datetime.datetime,
    point: Point | None = None,
    options: Options | None = None,
    node: Optional[Node] = None,  # noqa: UP045
    mode: Literal["fast", "slow"] = "fast",
    pair: tuple[int, str] = (1, "a"),
    numbers: set[int] = frozenset(),  # type: ignore[assignment]
    either: int | str = 3,
    limited: Annotated[int, Field(ge=1, le=50)] = 10,
    noted: Annotated[str, "its own text"] = "",
    price: decimal.Decimal = decimal.Decimal("1.5"),
    anything: JsonValue = None,
) -> list[Point]:
    """Take everything.

    Args:
        noted: not this text.
        limited: a number.
    """
    return []


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    return dict(Signature.of(function).schema)


def refusal(function: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ToolArgumentError) as caught:
        Signature.of(function).validate(arguments)
    return str(caught.value)


def test_a_simple_schema_is_exact() -> None:
    signature = Signature.of(search)
    assert signature.schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "what to look for, in plain words."},
            "k": {"type": "integer", "description": "how many.", "default": 5},
        },
        "required": ["query"],
        "additionalProperties": False,
    }
    assert signature.description == "Find passages.\n\nReads the index."
    assert signature.output_schema == {"type": "string"}


def test_a_rich_schema_is_valid_and_complete() -> None:
    schema = schema_of(rich)
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    assert schema["required"] == ["color", "when"]
    assert schema["$defs"]["Color"]["enum"] == ["red", "blue"]
    assert schema["$defs"]["Options"]["required"] == ["depth"]
    assert properties["when"] == {"type": "string", "format": "date-time"}
    assert properties["mode"]["enum"] == ["fast", "slow"]
    assert properties["limited"]["minimum"] == 1
    assert properties["limited"]["maximum"] == 50
    assert properties["noted"]["description"] == "its own text"
    assert properties["limited"]["description"] == "a number."
    assert properties["pair"]["default"] == [1, "a"]
    assert properties["numbers"] == {
        "type": "array",
        "items": {"type": "integer"},
        "uniqueItems": True,
        "default": [],
    }
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_a_property_called_title_keeps_its_name() -> None:
    def book(title: str, properties: dict[str, int]) -> None: ...

    assert set(schema_of(book)["properties"]) == {"title", "properties"}


def test_values_arrive_as_the_function_takes_them() -> None:
    found = Signature.of(rich).validate(
        {
            "color": "blue",
            "when": "2026-01-31T12:00:00",
            "point": {"x": "3"},
            "options": {"depth": 1, "tags": ["a"]},
            "node": {"value": 1, "children": [{"value": 2}]},
            "pair": ["2", "b"],
            "numbers": [1, 1, 2],
            "price": "2.50",
        }
    )
    assert found["color"] is Color.BLUE
    assert found["when"] == datetime.datetime(2026, 1, 31, 12)
    assert found["point"] == Point(3.0)
    assert found["node"] == Node(value=1, children=[Node(value=2)])
    assert found["pair"] == (2, "b")
    assert found["numbers"] == {1, 2}
    assert found["price"] == decimal.Decimal("2.50")


def test_coercion_is_lax_but_loses_nothing() -> None:
    signature = Signature.of(search)
    assert signature.validate({"query": "a", "k": "3"}) == {"query": "a", "k": 3}
    assert signature.validate({"query": "a", "k": 3.0}) == {"query": "a", "k": 3}
    assert "got 3.5" in refusal(search, query="a", k=3.5)


def test_the_message_says_everything_at_once() -> None:
    message = refusal(search, query=1, k="many", kk=3)
    assert message == (
        "search: 'query' must be a string, got 1; 'k' must be an integer, got \"many\"; "
        "unknown argument 'kk', did you mean 'k'?; "
        "expected: query (string, required), k (integer, default 5)"
    )
    assert refusal(search).startswith("search: missing 'query'; expected: ")


def test_places_inside_values_are_named() -> None:
    base = {"color": "red", "when": "2026-01-01"}
    assert "'node.children[0].value' must be an integer" in refusal(
        rich, **base, node={"value": 1, "children": [{"value": "x"}]}
    )
    assert "missing 'x' in 'point'" in refusal(rich, **base, point={"y": 1})
    assert "'either' must be an integer or a string, got [1]" in refusal(rich, **base, either=[1])
    assert "'mode' must be 'fast' or 'slow'" in refusal(rich, **base, mode="x")
    assert "'limited' must be less than or equal to 50, got 99" in refusal(rich, **base, limited=99)


def test_messages_are_bounded() -> None:
    many = {f"unknown_{n}_{'x' * 500}": n for n in range(2_000)}
    assert len(refusal(search, query=["x" * 1_000_000] * 50, **many)) <= 2_100


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "Infinity"])
def test_what_is_no_number_is_refused_wherever_it_is(value: Any) -> None:
    def measure(x: float = 0.0, xs: list[float] = [], node: Weighted | None = None) -> None: ...  # noqa: B006

    class Weighted(BaseModel):
        weight: float

    for arguments in ({"x": value}, {"xs": [1, value]}, {"node": {"weight": value}}):
        with pytest.raises(ToolArgumentError):
            Signature.of(measure).validate(arguments)


def test_arguments_and_defaults_are_copies() -> None:
    def collect(items: list[int], into: dict[str, list[int]] = {}) -> None: ...  # noqa: B006

    signature = Signature.of(collect)
    given_items = [1, 2]
    first = signature.validate({"items": given_items})
    first["items"].append(3)
    first["into"]["a"] = [1]
    assert given_items == [1, 2]
    assert signature.validate({"items": given_items}) == {"items": [1, 2], "into": {}}
    nested = {"a": [1]}
    signature.validate({"items": [], "into": nested})["into"]["a"].append(2)
    assert nested == {"a": [1]}


def test_any_json_is_copied_too() -> None:
    def store(value: JsonValue) -> None: ...

    value = {"a": [1]}
    found = Signature.of(store).validate({"value": value})
    found["value"]["a"].append(2)
    assert value == {"a": [1]}


def test_the_context_is_not_the_models_to_give() -> None:
    def act(context: ToolContext, x: int) -> None: ...

    def maybe(x: int, context: ToolContext | None = None) -> None: ...

    assert list(schema_of(act)["properties"]) == ["x"]
    assert list(schema_of(maybe)["properties"]) == ["x"]
    assert "unknown argument 'context'" in refusal(act, x=1, context={})


class Untyped:
    """Functions that say too little, and what the message must hold."""

    @staticmethod
    def bare(x) -> None: ...  # type: ignore[no-untyped-def]

    @staticmethod
    def any_(x: Any) -> None: ...

    @staticmethod
    def nested(x: dict[str, list[Any]]) -> None: ...

    @staticmethod
    def object_(x: object) -> None: ...

    @staticmethod
    def list_(x: list) -> None: ...  # type: ignore[type-arg]

    @staticmethod
    def typing_list(x: typing.List) -> None: ...  # type: ignore[type-arg]  # noqa: UP006

    @staticmethod
    def dict_(x: dict | None = None) -> None: ...  # type: ignore[type-arg]

    @staticmethod
    def call(x: Callable[[int], int]) -> None: ...

    @staticmethod
    def stars(*x: int) -> None: ...

    @staticmethod
    def kwargs(**x: int) -> None: ...

    @staticmethod
    def positional(x: int, /) -> None: ...

    @staticmethod
    def unknown(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    @staticmethod
    def kind(x: type[int]) -> None: ...

    @staticmethod
    def plain_class(x: Untyped) -> None: ...


@pytest.mark.parametrize("name", [name for name in vars(Untyped) if not name.startswith("__")])
def test_a_parameter_without_a_usable_type_is_refused_when_the_tool_is_made(name: str) -> None:
    function = getattr(Untyped, name)
    with pytest.raises(InputError) as caught:
        tool(function)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "parameter" in message
    if name != "plain_class":
        assert "'x'" in message
        assert caught.value.hint


def test_a_field_without_a_type_is_refused_too() -> None:
    @dataclasses.dataclass
    class Loose:
        values: list[Any]

    def use(x: Loose) -> None: ...

    with pytest.raises(InputError, match="field 'values' of Loose has type Any"):
        Signature.of(use)


def test_a_schema_that_costs_too_much_is_refused() -> None:
    def huge(x: int) -> None: ...

    huge.__annotations__["x"] = Literal[tuple(f"choice number {n}" for n in range(10_000))]
    with pytest.raises(InputError, match="at most 64,000"):
        Signature.of(huge)


def test_methods_partials_closures_and_callable_objects() -> None:
    class Shelf:
        def find(self, title: str, copies: int = 1) -> str:
            """Find a book."""
            return title * copies

        def __call__(self, title: str) -> str:
            """Call for a book."""
            return title

    class Local(BaseModel):
        x: int

    def closed(local: Local, optional: list[Local] | None = None) -> int:
        return local.x

    async def later(x: int) -> int:
        return x

    assert set(schema_of(Shelf().find)["properties"]) == {"title", "copies"}
    assert Signature.of(Shelf()).description == "Call for a book."
    assert set(schema_of(functools.partial(search, k=3))["properties"]) == {"query"}
    assert Signature.of(closed).validate({"local": {"x": "1"}})["local"] == Local(x=1)
    assert Signature.of(later).output_schema == {"type": "integer"}


def test_a_closure_may_name_what_is_bound_later() -> None:
    @tool
    def count(number: int) -> str:
        """Count down."""
        return count.name if number else later()

    def later() -> str:
        return "done"

    assert count.validate({"number": "2"}) == {"number": 2}
    with pytest.raises(InputError, match="'Missing' cannot be read"):

        @tool
        def lost(thing: Missing) -> str:  # type: ignore[name-defined]  # noqa: F821
            """Be lost."""
            return later()


def test_a_default_may_be_a_field() -> None:
    def paint(size: int = Field(3, ge=1, description="how big")) -> None: ...

    signature = Signature.of(paint)
    assert signature.schema["properties"]["size"]["default"] == 3
    assert signature.schema["properties"]["size"]["description"] == "how big"
    assert signature.validate({}) == {"size": 3}
    with pytest.raises(ToolArgumentError):
        signature.validate({"size": 0})


def test_null_stands_for_a_default_of_none() -> None:
    def ask(query: str = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert Signature.of(ask).validate({"query": None}) == {"query": None}


def test_what_cannot_be_said_about_a_result_is_not_said() -> None:
    def hidden() -> Untyped: ...

    def nothing() -> None: ...

    assert Signature.of(hidden).output_schema is None
    assert Signature.of(nothing).output_schema is None


def test_a_tool_class_is_named_and_described_by_itself() -> None:
    class WebSearch(Tool):
        def run(self, query: str) -> str:
            """Search the web."""
            return query

    made = WebSearch()
    assert made.spec.name == "web_search"
    assert made.spec.description == "Search the web."
    assert made.validate({"query": "x"}) == {"query": "x"}


@pytest.mark.parametrize(
    ("given_name", "snake"),
    [("WebSearch", "web_search"), ("SQLQuery", "sql_query"), ("x", "x"), ("GetURL2", "get_url2")],
)
def test_snake_case(given_name: str, snake: str) -> None:
    assert snake_case(given_name) == snake


arguments = st.fixed_dictionaries(
    {"query": st.text(), "point": st.fixed_dictionaries({"x": st.floats(-9, 9)})},
    optional={
        "k": st.integers(1, 50),
        "mode": st.sampled_from(["fast", "slow"]),
        "tags": st.lists(st.text(max_size=5), max_size=3),
        "table": st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3),
        "when": st.dates().map(str),
        "node": st.fixed_dictionaries(
            {"value": st.integers(-5, 5)},
            optional={"children": st.just([{"value": 1}])},
        ),
        "wrong": st.integers(),
        "k ": st.none(),
    },
)


def everything(
    query: str,
    point: Point,
    k: Annotated[int, Field(ge=1, le=20)] = 5,
    mode: Literal["fast", "slow"] = "fast",
    tags: list[str] | None = None,
    table: dict[str, bool] | None = None,
    when: datetime.date | None = None,
    node: Node | None = None,
) -> None: ...


EVERYTHING = Signature.of(everything)
SCHEMA = jsonschema.Draft202012Validator(dict(EVERYTHING.schema))


@given(arguments)
def test_schema_and_validator_agree(found: dict[str, Any]) -> None:
    try:
        validated = EVERYTHING.validate(found)
    except ToolArgumentError:
        assert not SCHEMA.is_valid(found)
        return
    assert SCHEMA.is_valid(found)
    plain = EVERYTHING.to_json(validated)
    assert EVERYTHING.validate(plain) == validated

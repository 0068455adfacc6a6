"""Tools as Python functions, and a step's last value: whatever the schema, whatever the code."""

import ast
import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.code.functions import as_functions, function_name, renamed, written
from bottega.errors import ToolError
from bottega.model import ToolSpec
from bottega.sandbox import bind
from bottega_plugins.sandbox.monty.last_value import telling_last


def spec(name="look", description="Look.", required=(), **properties):
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(name=name, description=description, parameters=parameters)


@given(st.text(min_size=1, max_size=20))
def test_every_name_becomes_an_identifier(name):
    made = function_name(name)
    assert made.isidentifier()
    assert not keyword.iskeyword(made)


def test_names_that_become_one_are_told_apart_and_keep_their_tools():
    functions = as_functions([spec("my-tool"), spec("my_tool"), spec("import"), spec("2nd")])
    assert list(functions) == ["my_tool", "my_tool_", "import_", "_2nd"]
    assert [one.name for one in functions.values()] == ["my-tool", "my_tool", "import", "2nd"]
    assert [one.name for one in renamed(functions)] == list(functions)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "str"),
        ({"type": "array", "items": {"type": "number"}}, "list[float]"),
        ({"type": "array"}, "list"),
        ({"enum": ["a", 1]}, "Literal['a', 1]"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "int | None"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"$ref": "#/$defs/X"}, "object"),
        (True, "object"),
        ({"enum": list(range(50)), "type": "integer"}, "int"),
    ],
)
def test_a_schema_is_written_as_a_type(schema, kind):
    assert written("look", spec(required=["x"], x=schema)).startswith(f"def look(x: {kind}):")


def test_a_needed_argument_after_one_that_may_be_left_out_is_given_by_name():
    text = written("f", spec(required=["b"], a={"type": "integer"}, b={"type": "integer"}))
    assert text.startswith("def f(a: int | None = None, *, b: int):")


def test_what_is_said_of_arguments_and_quotes_do_not_end_the_docstring():
    one = spec(description='Say """it""".\\n', x={"description": "what\n  to say", "default": "a"})
    text = written("say", one)
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    doc = ast.get_docstring(function)
    assert doc == "Say '''it'''.\\n\n\nArgs:\n    x: what to say"
    assert text.startswith("def say(x: object = 'a'):")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "enum", "anyOf", "items", "default", "description", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


NAMES = st.sampled_from(["a", "b", "from", "my-arg"])


@settings(max_examples=50)
@given(st.dictionaries(NAMES, JSON, max_size=3), st.text(max_size=20))
def test_no_schema_breaks_the_prompt(properties, description):
    parameters = {"type": "object", "properties": properties, "required": ["b"]}
    one = ToolSpec(name="f", description=description, parameters=parameters)
    assert written("f", one).startswith("def f(")


def test_arguments_that_are_no_identifiers_are_given_by_name():
    text = written("f", spec(**{"from": {"description": "whence"}, "a": {"type": "string"}}))
    assert text == (
        'def f(a: str | None = None, **named: object):\n    """Look.\n\n    Args:\n'
        '        from: whence (given as **{\'from\': ...})\n    """'
    )
    assert ast.parse(text)


def test_arguments_are_bound_as_python_does():
    one = spec(a={}, b={})
    assert bind(one, [1], {"b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(ToolError, match="takes 2 arguments but 3 were given"):
        bind(one, [1, 2, 3], {})
    with pytest.raises(ToolError, match="several values for argument 'a'"):
        bind(one, [1], {"a": 2})
    assert bind(one, [], {"z": 1}) == {"z": 1}  # the tool says what it thinks of it


@given(st.lists(st.sampled_from(["x", "(", ")", "\n", "  ", "'é'", ";", "1", "=", "#", ","])))
def test_telling_the_last_value_keeps_every_line_where_it_is(pieces):
    code = "".join(pieces)
    told = telling_last(code)
    try:
        wanted = _places(code)
    except SyntaxError:
        assert told == code
        return
    assert _places(told)[: len(wanted)] == wanted


def _places(code):
    found = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    return sorted((node.lineno, repr(node.value)) for node in found if node.value != 2001)

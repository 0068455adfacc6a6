"""The conformance kit finds what it is there to find, all of it at once."""

from __future__ import annotations

import itertools
import sys
import time
from typing import Any

import pytest

from bottega.testing import check_tool
from bottega.tools import Tool, tool


@tool(effects="none")
def good(text: str, times: int = 1) -> str:
    """Repeat a text.

    Args:
        text: what to repeat.
        times: how often.
    """
    print("heard, and kept off the terminal")
    return text * times


def broken(target: Tool, **sample: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_tool(target, **sample)
    return str(caught.value)


def test_a_good_tool_passes(capsys: pytest.CaptureFixture[str]) -> None:
    check_tool(good, text="x", times=2)
    assert capsys.readouterr().out == ""


def test_declarations_are_checked_all_at_once() -> None:
    @tool(name="bad name", timeout=-1.0, effects="often", trust="blindly", permissions="all")  # type: ignore[arg-type]
    def bad() -> None: ...

    message = broken(bad)
    for word in ("name 'bad name'", "description", "timeout -1", "effects", "trust", "permissions"):
        assert word in message


def test_arguments_without_description_are_named() -> None:
    @tool
    def bad(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    assert "parameter 'second' has no description" in broken(bad, first=1, second=2)


def test_a_schema_of_ones_own_is_checked() -> None:
    class Loose(Tool):
        name = "loose"
        description = "Takes anything at all."

        def run(self, **arguments: Any) -> str:
            return "x"

        def validate(self, arguments: Any) -> dict[str, Any]:
            return dict(arguments)

        @property
        def spec(self) -> Any:
            from bottega.model import ToolSpec

            schema = {
                "type": "list",
                "properties": {"a": {"type": "text"}, "b": {"$ref": "#/$defs/B"}},
                "required": ["c"],
            }
            return ToolSpec(name=self.name, description=self.description, parameters=schema)

    message = broken(Loose())
    for word in ("'object'", "additionalProperties", "no properties: c", "'text'", "'#/$defs/B'"):
        assert word in message


def test_arguments_that_do_not_fit_must_be_refused() -> None:
    class Lenient(Tool):
        def run(self, count: int = 1) -> str:
            """Count to a number."""
            return str(count)

        def validate(self, arguments: Any) -> dict[str, Any]:
            if "no_such_thing" in arguments:
                raise KeyError("no_such_thing")
            return dict(arguments)

    message = broken(Lenient())
    assert "an unknown argument: raised KeyError" in message
    assert "an object for 'count': accepted" in message


def test_a_result_that_changes_is_an_effect() -> None:
    numbers = itertools.count()

    @tool(effects="none")
    def count() -> int:
        """Count the calls of it."""
        return next(numbers)

    assert "a second call gave another result" in broken(count)


def test_a_tool_with_harmful_effects_is_called_once() -> None:
    calls: list[int] = []

    @tool
    def act() -> None:
        """Do what must be done once."""
        calls.append(1)

    check_tool(act)
    assert calls == [1]


def test_the_loop_must_go_on_and_the_terminal_stay_quiet() -> None:
    real = sys.stdout

    @tool(effects="idempotent")
    async def rude() -> str:
        """Block the loop and write past the call."""
        time.sleep(0.6)
        return "x"

    assert "kept the event loop from going on" in broken(rude)
    assert sys.stdout is real


def test_a_call_that_fails_is_told() -> None:
    @tool
    def fail() -> None:
        """Fail in any case."""
        raise ValueError("bad")

    assert "the sample call failed: ValueError: bad" in broken(fail)
    assert "the sample arguments are refused" in broken(good, times=1)

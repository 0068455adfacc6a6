"""A tool's own rate limit: C12 of the bad inputs."""

from __future__ import annotations

import asyncio

import pytest

from bottega import Agent, tool
from bottega.calling import call_tool
from bottega.errors import ToolError
from bottega.events import Observation
from bottega.testing import Call, Say, ScriptedModel, check_tool
from bottega.tools import ToolContext


def test_calls_beyond_the_rate_are_refused_for_all_agents() -> None:
    made: list[int] = []

    @tool(rate=(2, 3600), effects="once")
    def ring(number: int) -> str:
        """Ring."""
        made.append(number)
        return "rung"

    calls = tuple(Call(name="ring", arguments={"number": number}) for number in range(3))
    result = Agent(model=ScriptedModel(Say(calls=calls), "ok"), tools=[ring]).run("go")
    said = sorted(each.content for each in result.events if isinstance(each, Observation))
    assert said[0].startswith("Error: ring may be called 2 times in 3600 s (again in 36")
    assert said[1:] == ["rung", "rung"]
    assert len(made) == 2
    with pytest.raises(ToolError, match="may be called 2 times") as caught:
        asyncio.run(call_tool(ring, {"number": 9}, ToolContext()))
    assert caught.value.retryable


def test_calls_are_free_again_after_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from bottega import pace

    @tool(rate=(1, 60))
    def ring() -> str:
        """Ring."""
        return "rung"

    now = 1000.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    pace.keep_pace(ring, 1, 60)
    now = 1059.0
    with pytest.raises(ToolError, match="once in 60 s"):
        pace.keep_pace(ring, 1, 60)
    now = 1060.0
    pace.keep_pace(ring, 1, 60)


def test_a_rate_that_makes_no_sense_breaks_the_conformance() -> None:
    @tool(rate=(0, 60))
    def never() -> str:
        """Never be called, whatever happens."""
        return ""

    with pytest.raises(AssertionError, match=r"rate \(0, 60\)"):
        check_tool(never)

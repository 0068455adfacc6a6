"""The sandbox `interpreter`: smolagents' executor, which is no boundary."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

import pytest

from bottega.errors import SandboxError, ToolError
from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox

TWICE = ToolSpec(
    name="twice",
    description="Double.",
    parameters={"type": "object", "properties": {"x": {"type": "number"}}},
)


@pytest.fixture(scope="module")
def context() -> FactoryContext:
    return FactoryContext(plugins=PluginManager.discover())


@pytest.fixture
def sandbox(context: FactoryContext) -> Sandbox:
    made: Sandbox = context.make("sandbox", "interpreter")
    made.check()
    return made


async def twice(name: str, arguments: Mapping[str, Json]) -> Json:
    x = arguments["x"]
    if not isinstance(x, int):
        raise ToolError("numbers only")
    return 2 * x


def steps(
    sandbox: Sandbox, *codes: str, call: object = twice, limits: CodeLimits | None = None
) -> list[CodeOutcome]:
    async def run() -> list[CodeOutcome]:
        session = await sandbox.open([TWICE], limits)
        try:
            return [await session.run(code, call) for code in codes]  # type: ignore[arg-type]
        finally:
            await session.aclose()

    return asyncio.run(run())


def test_it_says_that_it_is_no_boundary(sandbox: Sandbox, context: FactoryContext) -> None:
    assert not sandbox.boundary
    with pytest.raises(SandboxError, match="does not hold hostile code"):
        context.make("tool", "python", sandbox="interpreter")
    assert context.make("tool", "python", sandbox="interpreter", trusted=True).spec.name == "python"


def test_steps_share_what_they_define(sandbox: Sandbox) -> None:
    first, second = steps(sandbox, "x = twice(3)\nprint(x)", "twice(x=x) + 1")
    assert first.printed == "6\n"
    assert second.value == "13"


def test_errors_are_told(sandbox: Sandbox) -> None:
    wrong, tool, caught = steps(
        sandbox, "1 / 0", "twice('a')", "try:\n    twice('a')\nexcept Exception as e:\n    print(e)"
    )
    assert "division by zero" in wrong.error
    assert "numbers only" in tool.error
    assert "numbers only" in caught.printed


def test_too_many_calls_end_a_step(sandbox: Sandbox) -> None:
    limits = CodeLimits(calls=3)
    outcome, after = steps(sandbox, "y = 1\nwhile True:\n    twice(1)", "y", limits=limits)
    assert (outcome.stopped, outcome.lost, after.value) == ("calls", False, "1")


def test_code_that_outlasts_its_time_is_given_up_and_runs_on(sandbox: Sandbox) -> None:
    before = set(threading.enumerate())
    go_on = "import time\ny = 1\nfor _ in range(200):\n    time.sleep(0.05)"
    outcome, after = steps(sandbox, go_on, "y", limits=CodeLimits(seconds=0.1))
    assert (outcome.stopped, outcome.lost) == ("seconds", True)
    assert after.error != ""
    assert set(threading.enumerate()) - before  # still at it: this is no boundary


def test_what_the_caller_raises_passes_through(sandbox: Sandbox) -> None:
    async def call(name: str, arguments: Mapping[str, Json]) -> Json:
        raise KeyError("on fire")

    with pytest.raises(KeyError, match="on fire"):
        steps(sandbox, "try:\n    twice(1)\nexcept Exception:\n    pass\ntwice(2)", call=call)


def test_output_is_cut(sandbox: Sandbox) -> None:
    (outcome,) = steps(sandbox, "print('x' * 100)", limits=CodeLimits(output=10))
    assert outcome.printed == "x" * 10
    assert outcome.dropped > 0

"""Calls of tools that behave, and of tools that do not: section C of the bad inputs."""

from __future__ import annotations

import asyncio
import contextvars
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from bottega.calling import call_tool
from bottega.errors import BudgetExceeded, ToolArgumentError, ToolError
from bottega.printed import MAX_PRINTED
from bottega.tools import FunctionTool, Output, Tool, ToolContext, tool

CONTEXT = ToolContext(run_id="r", node="n")


def made(function: Callable[..., Any], **declared: Any) -> Tool:
    return FunctionTool(function, **declared)


def run(target: Tool, context: ToolContext = CONTEXT, **arguments: Any) -> Output:
    return asyncio.run(call_tool(target, target.validate(arguments), context))


def failure(target: Tool, context: ToolContext = CONTEXT, **arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        run(target, context, **arguments)
    return str(caught.value)


def test_sync_and_async_tools_return_their_result() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    async def add_later(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    assert run(made(add), a=1, b=2) == Output(content="3")
    assert run(made(add_later), a=1, b=2) == Output(content="3")


def test_the_context_is_handed_in() -> None:
    def where(context: ToolContext, x: int = 1) -> str:
        return f"{context.node} {x}"

    class Where(Tool):
        async def run(self, context: ToolContext) -> str:
            """Say where."""
            return context.run_id

    assert run(made(where)).content == "n 1"
    assert run(Where()).content == "r"


def test_context_variables_are_seen_by_the_tool() -> None:
    variable = contextvars.ContextVar("variable", default="unset")

    def read() -> str:
        return variable.get()

    async def main() -> str:
        variable.set("set")
        return (await call_tool(made(read), {}, CONTEXT)).content

    assert asyncio.run(main()) == "set"


RAISED: list[BaseException] = [
    ValueError("bad"),
    KeyError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    StopIteration(4),
    BaseExceptionGroup("several", [SystemExit(1), ValueError("x")]),
    MemoryError("no room"),
]


def raisers(error: BaseException) -> Iterator[Tool]:
    def at_once() -> None:
        raise error

    async def in_loop() -> None:
        raise error

    async def after_waiting() -> None:
        await asyncio.sleep(0)
        raise error

    def in_items() -> Iterator[int]:
        yield 1
        raise error

    yield from map(made, (at_once, in_loop, after_waiting, in_items))


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_a_tool_raises_is_a_tool_error(error: BaseException) -> None:
    """C1."""
    for raiser in raisers(error):
        message = failure(raiser)
        assert "Traceback" not in message
        assert len(message) < 1_100


def test_the_message_names_the_error_and_keeps_its_cause() -> None:
    def fail() -> None:
        raise ValueError("bad " + "x" * 5_000)

    with pytest.raises(ToolError) as caught:
        run(made(fail))
    assert str(caught.value).startswith("ValueError: bad xxx")
    assert len(str(caught.value)) <= 1_000
    assert isinstance(caught.value.__cause__, ValueError)


def test_errors_of_the_house_pass_as_they_are() -> None:
    for error in (ToolError("no luck", hint="try x"), BudgetExceeded("tokens", 1, 2)):
        for raiser in raisers(error):
            with pytest.raises(type(error)) as caught:
                run(raiser)
            if raiser.name != "in_items":
                assert caught.value is error


def test_an_error_that_cannot_be_shown_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise Mute

    assert failure(made(fail)) == "Mute"


def test_a_tool_that_hangs_is_left_at_its_timeout() -> None:
    """C2."""
    release = threading.Event()

    def wait() -> None:
        release.wait(20)

    async def wait_in_loop() -> None:
        await asyncio.sleep(20)

    def spin() -> None:
        while True:
            pass

    async def endless_items() -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(0)
            yield ""

    try:
        for function in (wait, wait_in_loop, spin, endless_items):
            started = time.monotonic()
            message = failure(made(function, timeout=0.1))
            assert message == f"{function.__name__} did not finish within 0.1 s"
            assert time.monotonic() - started < 10
    finally:
        release.set()


def test_the_deadline_of_the_run_comes_first() -> None:
    def wait() -> None:
        time.sleep(0.3)

    context = ToolContext(deadline=time.monotonic() + 0.05)
    assert "before the time of the run was up" in failure(made(wait), context)
    assert "before the time of the run was up" in failure(made(wait), context)


def test_python_code_that_hangs_ends_soon_after() -> None:
    beats: list[float] = []

    def spin() -> None:
        while True:
            beats.append(time.monotonic())

    failure(made(spin, timeout=0.1))
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up and time.monotonic() - beats[-1] < 0.1:
        time.sleep(0.05)
    assert time.monotonic() - beats[-1] >= 0.1


def test_hanging_calls_take_no_room_from_others() -> None:
    release = threading.Event()

    def hang() -> None:
        release.wait(20)

    def quick() -> str:
        return "quick"

    async def main() -> list[Any]:
        calls = [call_tool(made(hang, timeout=0.1), {}, CONTEXT) for _ in range(60)]
        await asyncio.gather(*calls, return_exceptions=True)
        return await asyncio.gather(*[call_tool(made(quick), {}, CONTEXT) for _ in range(20)])

    try:
        assert {output.content for output in asyncio.run(main())} == {"quick"}
    finally:
        release.set()


def test_a_hanging_tool_does_not_keep_the_process_from_exiting() -> None:
    code = """
import asyncio, time
from bottega.calling import call_tool
from bottega.errors import ToolError
from bottega.tools import ToolContext, tool
@tool(timeout=0.1)
def hang() -> None:
    "Hang."
    time.sleep(60)
try:
    asyncio.run(call_tool(hang, {}, ToolContext()))
except ToolError as error:
    print(error)
"""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "hang did not finish within 0.1 s\n"
    assert done.stderr == ""
    assert time.monotonic() - started < 50


def test_idle_threads_end() -> None:
    def quick() -> None: ...

    run(made(quick))
    give_up = time.monotonic() + 20
    while any(t.name == "bottega-tool" for t in threading.enumerate()):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_caller_that_is_cancelled_is_cancelled() -> None:
    stopped: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(20)
        finally:
            stopped.append("async")

    def wait_in_thread() -> None:
        try:
            for _ in range(2_000):
                time.sleep(0.01)
        finally:
            stopped.append("sync")

    async def main(target: Tool) -> None:
        task = asyncio.create_task(call_tool(target, {}, CONTEXT))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main(made(wait)))
    asyncio.run(main(made(wait_in_thread)))
    give_up = time.monotonic() + 10
    while len(stopped) < 2 and time.monotonic() < give_up:
        time.sleep(0.01)
    assert sorted(stopped) == ["async", "sync"]


def test_a_timeout_around_the_call_still_works() -> None:
    async def wait() -> None:
        await asyncio.sleep(20)

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await call_tool(made(wait), {}, CONTEXT)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_a_tool_that_cancels_itself_cancels_nobody_else() -> None:
    """C10."""

    async def cancel_and_wait() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    async def cancel_and_return() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "returned"

    async def main() -> str:
        with pytest.raises(ToolError, match="cancelled itself"):
            await call_tool(made(cancel_and_wait), {}, CONTEXT)
        output = await call_tool(made(cancel_and_return), {}, CONTEXT)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0.01)
        return output.content

    assert asyncio.run(main()) == "returned"


def test_a_coroutine_that_ignores_its_end_is_left() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(20)
            except asyncio.CancelledError:
                continue

    started = time.monotonic()
    assert "did not finish" in failure(made(stubborn, timeout=0.05))
    assert time.monotonic() - started < 10


def test_timeouts_inside_a_tool_are_its_own() -> None:
    async def patient() -> str:
        try:
            async with asyncio.timeout(0.02):
                await asyncio.sleep(20)
        except TimeoutError:
            await asyncio.sleep(0.02)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.01))
        return "done"

    async def raises() -> None:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(20)

    assert run(made(patient)).content == "done"
    assert failure(made(raises)) == "TimeoutError"


def test_a_coroutine_cleans_up_within_its_grace() -> None:
    done: list[str] = []

    async def careful() -> None:
        try:
            await asyncio.sleep(20)
        finally:
            await asyncio.sleep(0.02)
            done.append("cleaned")

    failure(made(careful, timeout=0.05))
    assert done == ["cleaned"]


def test_what_is_printed_belongs_to_its_call(capsys: pytest.CaptureFixture[str]) -> None:
    """C3."""

    def say(text: str) -> None:
        for _ in range(3):
            print(text)
            time.sleep(0.005)
        sys.stdout.buffer.write(b"bytes")
        os.linesep  # noqa: B018

    async def say_later(text: str) -> None:
        for _ in range(3):
            print(text)
            await asyncio.sleep(0.005)
        print("bytes", end="")

    async def main() -> list[Output]:
        calls: list[Awaitable[Output]] = []
        for n in range(8):
            function = say if n % 2 else say_later
            calls.append(call_tool(made(function), {"text": str(n)}, CONTEXT))
        gathered = asyncio.gather(*calls)
        await asyncio.sleep(0.002)
        print("outside")
        return list(await gathered)

    outputs = asyncio.run(main())
    assert [output.printed for output in outputs] == [f"{n}\n{n}\n{n}\nbytes" for n in range(8)]
    print("after")
    assert capsys.readouterr().out == "outside\nafter\n"


def test_standard_output_is_given_back_after_calls_that_were_abandoned() -> None:
    """In a process of its own: calls that other tests left hanging need the router."""
    code = """
import asyncio, sys, time
from bottega.calling import call_tool
from bottega.tools import ToolContext, tool

def count() -> None:
    for _ in range(2000):
        pass

async def main() -> None:
    for seconds in (0.0001, 0.0003, 0.001, 0.003):  # before a call began, in it, at its end
        calls = [
            call_tool(tool(timeout=seconds)(count), {}, ToolContext(run_id="r", node="n"))
            for _ in range(50)
        ]
        await asyncio.gather(*calls, return_exceptions=True)

before = sys.stdout
for _ in range(3):
    asyncio.run(main())
give_up = time.monotonic() + 30
while sys.stdout is not before and time.monotonic() < give_up:
    time.sleep(0.01)
print("given back" if sys.stdout is before else "kept")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "given back\n"


def test_a_flood_of_output_is_cut_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    def flood() -> None:
        while True:
            print("x" * 1_000_000)

    def much() -> None:
        for _ in range(3):
            print("y" * 10_000)

    assert "did not finish" in failure(made(flood, timeout=0.2))
    printed = run(made(much)).printed
    assert printed.startswith("y" * MAX_PRINTED + "\n[")
    assert "20,003 more characters" in printed
    assert "x" not in capsys.readouterr().out


def test_standard_output_that_others_replaced_is_left_alone() -> None:
    other = io.StringIO()

    def replace() -> None:
        sys.stdout = other

    before = sys.stdout
    try:
        run(made(replace))
        assert sys.stdout is other
    finally:
        sys.stdout = before


def test_arguments_are_the_tools_own() -> None:
    """C5."""

    def spoil(items: list[int], table: dict[str, list[int]]) -> int:
        items.clear()
        table["a"].append(9)
        return len(items)

    arguments: dict[str, Any] = {"items": [1, 2], "table": {"a": [1]}}
    run(made(spoil), **arguments)
    assert arguments == {"items": [1, 2], "table": {"a": [1]}}


def test_a_sync_tool_does_not_stop_the_loop() -> None:
    """C9."""
    started, ended = threading.Event(), threading.Event()

    def wait() -> str:
        started.set()
        return str(ended.wait(20))

    async def main() -> str:
        task = asyncio.create_task(call_tool(made(wait), {}, CONTEXT))
        while not started.is_set():
            await asyncio.sleep(0.001)
        ended.set()
        return (await task).content

    assert asyncio.run(main()) == "True"


def test_a_coroutine_that_a_plain_function_returns_is_awaited() -> None:
    """C4."""

    def outer() -> Any:
        async def inner() -> str:
            print("inside")
            await asyncio.sleep(0)
            return "inner"

        return inner()

    def forever() -> Any:
        return asyncio.sleep(20)

    def items() -> Any:
        async def inner() -> AsyncIterator[int]:
            for n in range(3):
                yield n

        return inner()

    assert run(made(outer)) == Output(content="inner", printed="inside\n")
    assert run(made(items)).content == "0\n1\n2"
    assert "did not finish within 0.05 s" in failure(made(forever, timeout=0.05))


def test_an_endless_generator_is_cut() -> None:
    def count() -> Iterator[int]:
        n = 0
        while True:
            yield n
            n += 1

    async def count_later() -> AsyncIterator[str]:
        while True:
            yield "x" * 1_000

    for function in (count, count_later):
        content = run(made(function)).content
        assert "[cut here" in content
        assert len(content) < 101_000


def test_a_tool_may_bring_its_own_schema_and_validation() -> None:
    class Adapted(Tool):
        name = "adapted"

        def run(self, **arguments: Any) -> str:
            return str(sorted(arguments))

        def validate(self, arguments: Any) -> dict[str, Any]:
            if "x" not in arguments:
                raise ToolArgumentError("x is missing")
            return dict(arguments)

    assert run(Adapted(), x=1, y=2).content == "['x', 'y']"


@tool
def decorated(x: int) -> int:
    """Double a number."""
    return 2 * x


def test_a_tool_is_still_the_function_it_was() -> None:
    assert decorated(3) == 6
    assert run(decorated, x=3).content == "6"

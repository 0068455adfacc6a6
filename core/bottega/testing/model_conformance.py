"""The rules that every model keeps, as checks for the tests of a model plugin.

    def test_my_model() -> None:
        check_model(lambda: MyModel())

What a model says is not looked at, only how: a model that talks nonsense in good order passes.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bottega.errors import BottegaError
from bottega.messages import Message, user
from bottega.model import CallDelta, Delta, Model, Request, ToolSpec
from bottega.testing.deltas import Violation, demand, in_order

PATIENCE = 30.0
"""Seconds that one check may take."""
_SOON = 0.2
"""Seconds until the deadline of the request that tests deadlines."""
_GRACE = 2.0
"""Seconds that a model may take to notice a deadline, or to clear up."""


def _tool() -> ToolSpec:
    """Make a tool anew, since a bad model may change what it is given."""
    number = {"type": "integer"}
    properties = {"x": dict(number), "y": dict(number)}
    return ToolSpec(
        name="add",
        description="Add two numbers.",
        parameters={"type": "object", "properties": properties, "required": ["x", "y"]},
    )


class ConformanceError(AssertionError):
    """A model breaks rules; the message lists each one."""

    def __init__(self, name: str, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        """What is wrong, by the name of the check that found it."""
        lines = [f"{check}: {problem}" for check, problem in problems.items()]
        super().__init__("\n  ".join([f"{name} breaks {len(lines)} rule(s) for models:", *lines]))


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What the checks work with."""

    make: Callable[[], Model]
    messages: tuple[Message, ...]

    def request(self, **fields: Any) -> Request:
        return Request(messages=self.messages, **fields)


def check_model(make_model: Callable[[], Model], *, prompt: str = "Say hello.") -> None:
    """Make real requests to the model; raise ConformanceError if it breaks any rule.

    The model is made anew for every check, and `prompt` is asked about ten times. To be called
    where no event loop runs.
    """
    case = _Case(make=make_model, messages=(user(prompt),))
    problems: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            asyncio.run(_within(check(case), PATIENCE))
        except Violation as violation:
            problems[name] = str(violation)
        except BottegaError as error:
            problems[name] = f"an ordinary request failed: {type(error).__name__}: {error}"
        except TimeoutError:
            problems[name] = f"not done within {PATIENCE:g} s"
    if problems:
        raise ConformanceError(type(make_model()).__name__, problems)


async def _within(check: Awaitable[None], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await check


async def _named(case: _Case) -> None:
    """`name` is a text that says something, and stays the same."""
    model = case.make()
    name: object = getattr(model, "name", None)
    demand(isinstance(name, str) and bool(name.strip()), f"its name is {name!r}, not a text")
    await _all(model, case.request())
    demand(model.name == name, f"its name changed from {name!r} to {model.name!r}")


async def _streams(case: _Case) -> None:
    """`respond` returns an async iterator of deltas that ends with its only End."""
    in_order(await _all(case.make(), case.request()))


async def _takes_tools(case: _Case) -> None:
    """A request with tools is answered as well, with calls that can be put together."""
    deltas = await _all(case.make(), case.request(tools=(_tool(),)))
    in_order(deltas)
    named = {delta.index for delta in deltas if isinstance(delta, CallDelta) and delta.name}
    for delta in deltas:
        if isinstance(delta, CallDelta):
            demand(delta.index in named, f"no delta of call {delta.index} names its tool")


async def _leaves_requests_alone(case: _Case) -> None:
    """A request is the same after the reply as before."""
    request = case.request(tools=(_tool(),), output_schema={"type": "object"})
    before = copy.deepcopy(request)
    await _all(case.make(), request)
    demand(request == before, "it changed the request")


async def _runs_concurrently(case: _Case) -> None:
    """Two requests at once do not disturb each other."""
    model = case.make()
    both = await asyncio.gather(*(_all(model, case.request()) for _ in range(2)))
    for deltas in both:
        in_order(deltas)


async def _stops_early(case: _Case) -> None:
    """Closing the iterator after the first delta ends all work: no error, no task left."""
    model = case.make()
    tasks = asyncio.all_tasks()
    deltas = _stream(model, case.request())
    await anext(deltas, None)
    close = getattr(deltas, "aclose", None)
    if close is None:
        raise Violation("what respond() returns has no aclose(), so it cannot be stopped")
    try:
        await asyncio.wait_for(close(), _GRACE)
    except Exception as error:
        raise Violation(f"closing its reply early raised {error!r}") from error
    await _no_tasks_but(tasks, "after its reply was closed early")


async def _clears_up(case: _Case) -> None:
    """No task is left when a reply is over."""
    model = case.make()
    tasks = asyncio.all_tasks()
    await _all(model, case.request())
    await _no_tasks_but(tasks, "after its reply was over")


async def _cancels(case: _Case) -> None:
    """Cancelling whoever reads the reply ends it at once, and is not swallowed."""
    model = case.make()
    tasks = asyncio.all_tasks()
    started = asyncio.Event()

    async def read() -> None:
        async for _ in _stream(model, case.request()):
            started.set()
            await asyncio.sleep(PATIENCE)

    reader = asyncio.ensure_future(read())
    starting = asyncio.ensure_future(started.wait())
    await asyncio.wait({reader, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    if reader.done():
        reader.result()  # raises what went wrong; without a delta there is nothing to stop at
        return
    reader.cancel()
    done, _ = await asyncio.wait({reader}, timeout=_GRACE)
    demand(bool(done) and reader.cancelled(), "it outlives the cancellation of its reader")
    await _no_tasks_but(tasks, "after its reader was cancelled")


async def _keeps_deadlines(case: _Case) -> None:
    """A reply is over, or given up with a ModelError, when the deadline comes."""
    model = case.make()
    for left in (_SOON, -1.0):
        started = time.monotonic()
        try:
            async with asyncio.timeout(_SOON + _GRACE):
                await _all(model, case.request(deadline=started + left))
        except TimeoutError:
            raise Violation(f"it outlasts its deadline by {_GRACE:g} s") from None
        except BottegaError:
            pass  # gave up, as it should


async def _outlives_loops(case: _Case) -> None:
    """A model made in one event loop answers in another; each `asyncio.run` makes a new one."""
    model = case.make()
    await _all(model, case.request())

    def again() -> list[Delta]:
        return asyncio.run(_all(model, case.request()))

    try:
        in_order(await asyncio.to_thread(again))
    except RuntimeError as error:
        raise Violation(f"it does not work in a second event loop: {error}") from error


CHECKS: Mapping[str, Callable[[_Case], Awaitable[None]]] = {
    "has a name": _named,
    "streams deltas up to one End": _streams,
    "takes tools": _takes_tools,
    "leaves requests alone": _leaves_requests_alone,
    "runs concurrently": _runs_concurrently,
    "stops early": _stops_early,
    "clears up": _clears_up,
    "can be cancelled": _cancels,
    "keeps deadlines": _keeps_deadlines,
    "outlives event loops": _outlives_loops,
}
"""The checks by name, in the order in which they are made."""


def _stream(model: Model, request: Request) -> AsyncIterator[Delta]:
    deltas = model.respond(request)
    if inspect.iscoroutine(deltas):
        deltas.close()
        raise Violation("respond() returns a coroutine; it must be a generator, or return one")
    kind = type(deltas)
    if not (hasattr(kind, "__aiter__") and hasattr(kind, "__anext__")):
        raise Violation(f"respond() returns {kind.__name__}, not an async iterator")
    return deltas


async def _all(model: Model, request: Request) -> list[Delta]:
    deltas: list[Delta] = []
    async for delta in _stream(model, request):
        deltas.append(delta)
        demand(len(deltas) < 1_000_000, "its reply does not end")
    return deltas


async def _no_tasks_but(before: set[asyncio.Task[Any]], when: str) -> None:
    until = time.monotonic() + _GRACE
    while left := asyncio.all_tasks() - before:
        if time.monotonic() > until:
            names = ", ".join(sorted(task.get_name() for task in left))
            raise Violation(f"it leaves {len(left)} task(s) running {when}: {names}")
        await asyncio.sleep(0.01)

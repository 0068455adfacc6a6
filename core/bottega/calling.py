"""Carrying out one call of a tool: in the loop or in a thread, within its time, whatever it does.

Async functions are awaited where they are called, sync functions run in `bottega.threads`, tools
that ask for a process in `bottega.isolation`. Arguments come validated; what is returned goes
through `bottega.rendering`, what is printed through `bottega.printed`. Everything that a tool can
do wrong ends as a ToolError; only the cancellation of the caller itself passes.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bottega import printed as stdout
from bottega.coroutines import EscapedError, ExpiredError, Guarded
from bottega.errors import BottegaError, ToolError
from bottega.pace import keep_pace
from bottega.printed import Printed
from bottega.rendering import MAX_CONTENT, MAX_KEPT, describe, is_settled, render, settle
from bottega.signature import context_parameter
from bottega.threads import Call
from bottega.tools import Output, Tool, ToolContext

_PLAN = "_bottega_call_plan"


async def call_tool(tool: Tool, arguments: dict[str, Any], context: ToolContext) -> Output:
    """Call the tool with validated arguments, within its timeout and the context's deadline.

    Raises ToolError for whatever goes wrong in the tool, and other BottegaErrors as they are.
    """
    if tool.rate is not None:
        keep_pace(tool, *tool.rate)
    limit = _Limit.of(tool, context)
    if limit.seconds is not None and limit.seconds <= 0:
        raise limit.error()
    if tool.isolation == "process":
        from bottega.isolation import call_in_process

        try:
            return await call_in_process(tool, arguments, context, limit.seconds)
        except TimeoutError:
            raise limit.error() from None
    plan = _plan(tool)
    if plan.context_parameter:
        arguments = {**arguments, plan.context_parameter: context}
    printed = Printed()
    function: Callable[[], Any] = partial(tool.run, **arguments)
    if tool.confined or context.limited:
        from bottega.confinement import held

        function = held(function, tool, context)
    if plan.is_async:
        output = await _in_loop(function, limit, printed)
    else:
        output = await _in_thread(function, limit, printed)
    text = printed.text
    return replace(output, printed=output.printed + text) if text else output


@dataclass(frozen=True, slots=True)
class _Plan:
    """What about a tool is the same for all its calls."""

    is_async: bool
    context_parameter: str | None


def _plan(tool: Tool) -> _Plan:
    plan: _Plan | None = tool.__dict__.get(_PLAN)
    if plan is None:
        run = tool.run
        plan = _Plan(is_async=_is_async(run), context_parameter=context_parameter(run))
        tool.__dict__[_PLAN] = plan
    return plan


def _is_async(function: Callable[..., Any]) -> bool:
    while isinstance(function, partial):
        function = function.func
    candidates = (function, getattr(function, "__call__", None))  # noqa: B004  # its kind, not whether
    return any(inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f) for f in candidates)


@dataclass(slots=True)  # one a call: frozen it takes twice as long to make
class _Limit:
    """How long a call may take, and on whose account."""

    name: str
    seconds: float | None
    of_run: bool
    characters: int = MAX_CONTENT
    """Of the result."""

    @staticmethod
    def of(tool: Tool, context: ToolContext) -> _Limit:
        seconds, of_run = tool.timeout, False
        characters = MAX_CONTENT if context.artifacts is None else MAX_KEPT
        if context.deadline is not None:
            left = context.deadline - time.monotonic()
            if seconds is None or left < seconds:
                seconds, of_run = left, True
        return _Limit(tool.name or type(tool).__name__, seconds, of_run, characters)

    def error(self) -> ToolError:
        if self.of_run:
            return ToolError(f"{self.name} did not finish before the time of the run was up")
        return ToolError(f"{self.name} did not finish within {self.seconds:g} s")


async def _in_thread(function: Callable[[], Any], limit: _Limit, printed: Printed) -> Output:
    call = Call(partial(_work, function, printed, limit.characters), stdout.release)
    started = time.monotonic()
    stdout.hold()
    try:
        call.start()
    except BaseException:
        stdout.release()
        raise
    timer = None
    if limit.seconds is not None:
        timer = call.loop.call_later(limit.seconds, _expire, call.future, limit)
    try:
        value, problem = await call.future
    except asyncio.CancelledError:
        printed.stopped = True
        call.abandon()
        raise
    finally:
        if timer is not None:
            timer.cancel()
    if problem is not None:
        if type(problem) is ExpiredError:
            printed.stopped = True
            call.abandon()
            raise limit.error()
        raise _as_tool_error(problem) from problem
    if isinstance(value, Output):
        return value
    used = time.monotonic() - started
    return await _in_loop(lambda: value, limit, printed, used)


def _expire(future: asyncio.Future[Any], limit: _Limit) -> None:
    if not future.done():
        future.set_result((None, ExpiredError()))


def _work(function: Callable[[], Any], printed: Printed, characters: int) -> Any:
    """Call and render, in the thread; what must be awaited goes back as it is."""
    token = stdout.start(printed)
    try:
        value = function()
        return render(value, characters) if is_settled(value) else value
    finally:
        stdout.stop(token)


async def _in_loop(
    function: Callable[[], Any], limit: _Limit, printed: Printed, used: float = 0.0
) -> Output:
    seconds = None if limit.seconds is None else max(0.0, limit.seconds - used)
    stdout.hold()
    token = stdout.start(printed)
    began = time.monotonic()
    try:
        output = await Guarded(_settled(function, limit.characters), seconds)
    except ExpiredError as error:
        raise limit.error() from error
    except EscapedError as escaped:
        raise _as_tool_error(escaped.error) from escaped.error
    except Exception as error:
        raise _as_tool_error(error) from error
    finally:
        stdout.stop(token)
        stdout.release()
    if seconds is not None and time.monotonic() - began > seconds:
        raise limit.error()  # it never let go of the event loop, so that nothing could stop it
    return output


async def _settled(function: Callable[[], Any], characters: int) -> Output:
    return render(await settle(function(), characters), characters)


def _as_tool_error(error: BaseException) -> BottegaError:
    if isinstance(error, BottegaError):
        return error
    if isinstance(error, asyncio.CancelledError):
        return ToolError("the call cancelled itself")
    return ToolError(describe(error))

"""The sandbox `interpreter`: smolagents' LocalPythonExecutor, in a thread of this process.

It is no boundary, and says so: what runs in it shares memory, files, network and rights with the
host, and a thread cannot be ended. Code that outlasts its time is given up, and may run on for as
long as it likes; memory, processes and disk are not limited at all. For trusted code only.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bottega.errors import ToolError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits, CodeOutcome, Stopped, ToolCaller, bind

if TYPE_CHECKING:
    from smolagents.local_python_executor import (  # type: ignore[import-untyped]  # no py.typed
        LocalPythonExecutor,
    )

_GRACE = 0.3
"""Seconds that code has to end after it was told to."""
_ALL = 1 << 40
"""Characters that the executor keeps of what is printed: it is cut here, and counted."""
_LOOK = 0.1
"""Seconds after which the deadline is looked at again: a tool at work moves it."""
_MOST = 20_000
"""Characters of a value, or of an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """Opens sessions in threads."""

    imports: tuple[str, ...] = ()
    """Modules that code may import beside those that smolagents allows."""

    @property
    def name(self) -> str:
        """`interpreter`."""
        return "interpreter"

    @property
    def boundary(self) -> bool:
        """It holds no hostile code."""
        return False

    def check(self) -> None:
        """It needs nothing of the machine."""

    async def open(
        self, tools: Sequence[ToolSpec] = (), limits: CodeLimits | None = None
    ) -> InterpreterSession:
        """Open a session."""
        return InterpreterSession(tools, limits or CodeLimits(), self.imports)


class InterpreterSession:
    """One executor, replaced by a fresh one when its code had to be given up."""

    def __init__(
        self, tools: Sequence[ToolSpec], limits: CodeLimits, imports: Sequence[str]
    ) -> None:
        self._tools = tools
        self._limits = limits
        self._imports = imports
        self._executor: LocalPythonExecutor | None = None
        self._lock = asyncio.Lock()

    async def run(self, code: str, call: ToolCaller) -> CodeOutcome:
        """Run a step. Cancelling it gives the code up, which is not the same as ending it."""
        async with self._lock:
            executor = self._executor or self._made()
            self._executor = None
            step = _Step(self._tools, self._limits, call)
            outcome = await step.run(executor, code)
            if not outcome.lost:
                self._executor = executor
            if step.failure is not None:
                raise step.failure
            return outcome

    def _made(self) -> LocalPythonExecutor:
        from smolagents.local_python_executor import LocalPythonExecutor

        return LocalPythonExecutor(
            list(self._imports), max_print_outputs_length=_ALL, timeout_seconds=None
        )

    async def aclose(self) -> None:
        """Let go of what steps have defined."""
        self._executor = None


class _Stop(BaseException):
    """The step is to end: code must not catch it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    """What came of the code in its thread."""

    value: str = ""
    error: str = ""


class _Step:
    """A step at work in its thread."""

    def __init__(self, tools: Sequence[ToolSpec], limits: CodeLimits, call: ToolCaller) -> None:
        self.failure: BaseException | None = None
        """What the caller of tools has raised beyond ToolError."""
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._call = call
        self._functions = {tool.name: self._function(tool) for tool in tools}
        self._calls = 0
        self._deadline = 0.0
        self._stopped: Stopped = ""
        self._stopping = asyncio.Event()

    async def run(self, executor: LocalPythonExecutor, code: str) -> CodeOutcome:
        functions: dict[str, Any] = dict(self._functions)  # where its types say smolagents' tools
        executor.send_tools(functions)
        done: asyncio.Future[_Ended] = self._loop.create_future()
        thread = threading.Thread(target=self._work, args=(executor, code, done), daemon=True)
        self._deadline = time.monotonic() + self._limits.seconds
        thread.start()
        try:
            await self._wait(done)
        finally:
            self._stopping.set()
        if not done.done():
            self._stopped = self._stopped or "seconds"
            await asyncio.wait({done}, timeout=_GRACE)
        return self._outcome(executor, done)

    async def _wait(self, done: asyncio.Future[_Ended]) -> None:
        """Wait for the end, or for the deadline, which moves while tools are at work."""
        told = asyncio.ensure_future(self._stopping.wait())
        try:
            while (left := self._deadline - time.monotonic()) > 0:
                both: set[asyncio.Future[Any]] = {done, told}
                await asyncio.wait(both, timeout=min(left, _LOOK), return_when="FIRST_COMPLETED")
                if done.done() or told.done():
                    return
        finally:
            told.cancel()

    def _work(self, executor: LocalPythonExecutor, code: str, done: asyncio.Future[_Ended]) -> None:
        try:
            output = executor(code).output
            ended = _Ended(value="" if output is None else repr(output)[:_MOST])
        except _Stop:
            ended = _Ended()
        except BaseException as error:  # noqa: BLE001  # told as the outcome
            ended = _Ended(error=f"{type(error).__name__}: {error}"[:_MOST])
        with suppress(RuntimeError):  # the loop has ended: nobody waits any longer
            self._loop.call_soon_threadsafe(_settle, done, ended)

    def _function(self, tool: ToolSpec) -> Callable[..., Any]:
        def function(*positional: Any, **named: Any) -> Any:
            if self._stopping.is_set():
                raise _Stop
            waited = asyncio.run_coroutine_threadsafe(
                self._answer(tool, positional, named), self._loop
            )
            return waited.result()

        function.__name__ = function.__qualname__ = tool.name
        return function

    async def _answer(
        self, tool: ToolSpec, positional: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        self._calls += 1
        if self._calls > self._limits.calls:
            self._stopped = "calls"
            self._stopping.set()
            raise _Stop
        left = self._deadline - time.monotonic()
        self._deadline = float("inf")
        try:
            return await self._call(tool.name, bind(tool, positional, named))
        except ToolError:
            raise
        except BaseException as error:
            self.failure = error
            self._stopping.set()
            raise _Stop from error
        finally:
            self._deadline = time.monotonic() + left

    def _outcome(self, executor: LocalPythonExecutor, done: asyncio.Future[_Ended]) -> CodeOutcome:
        printed = str(executor.state.get("_print_outputs", ""))
        kept = printed[: self._limits.output]
        ended = done.result() if done.done() else _Ended()
        return CodeOutcome(
            printed=kept,
            dropped=len(printed) - len(kept),
            value=ended.value,
            error="" if self._stopped else ended.error,
            stopped=self._stopped,
            lost=not done.done(),
        )


def _settle(done: asyncio.Future[_Ended], ended: _Ended) -> None:
    if not done.done():
        done.set_result(ended)

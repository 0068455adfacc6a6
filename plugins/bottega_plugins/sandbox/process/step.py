"""One step of code in a sandbox: its time, its calls, and what is made of how it ends.

The code is asked to stop before it is killed, so that what earlier steps defined may survive; it
has a fraction of a second for that, whatever it does.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import get_args

from bottega.errors import ToolError
from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits, CodeOutcome, Stopped, ToolCaller, bind
from bottega_plugins.sandbox.process.cell import Cell
from bottega_plugins.sandbox.process.printed import Printed
from bottega_plugins.sandbox.process.watch import Watch
from bottega_plugins.sandbox.process.wire import Call, Done, ProtocolError, Said, frame, take

_GRACE = 0.3
"""Seconds that code has to stop when it is asked to."""
_CHUNK = 1 << 18
_DIED = "the code's process has ended: by os._exit, by a signal, or by a crash"


class _Halt(Exception):
    """The step is to end, and why."""

    def __init__(self, why: Stopped, error: Exception | None = None) -> None:
        super().__init__(why)
        self.why: Stopped = why
        self.error = error
        """What the caller of tools has raised: it passes through."""


class Step:
    """A step; `keep` says afterwards whether the sandbox can be used for another."""

    def __init__(self, cell: Cell, tools: Mapping[str, ToolSpec], limits: CodeLimits) -> None:
        self.keep = False
        self._cell = cell
        self._tools = tools
        self._limits = limits
        self._word = secrets.token_hex(8)
        self._data = bytearray()
        self._calls = 0
        self._deadline = 0.0
        self._failure: Exception | None = None
        self._printed = Printed(cell.printed, limits.output)

    async def run(self, code: str, call: ToolCaller, *, bound: bool) -> CodeOutcome:
        """Run the code; `bound` says whether the sandbox knows the tools already.

        Raises what the caller of tools raises beyond ToolError, after the code has been stopped.
        """
        order: dict[str, Json] = {"code": code, "step": self._word}
        if not bound:
            order["tools"] = list(self._tools)
        try:
            message = frame(order)
        except ValueError as error:
            self.keep = True
            return CodeOutcome(error=f"the code cannot be run: {error}")
        if self._cell.is_limited:
            return await self._carry_out(message, call)
        with Watch(self._cell) as watch:
            outcome = await self._carry_out(message, call)
        if watch.passed and not self.keep:
            return replace(outcome, stopped=watch.passed, error="")
        return outcome

    async def _carry_out(self, message: bytes, call: ToolCaller) -> CodeOutcome:
        with self._printed:
            ended, done, why = await self._ended(message, call)
            self._printed.drain()
        if done is not None:
            self.keep = not self._data and await self._cell.is_tidy()
            self._cell.stop()
        outcome = self._outcome(ended, done, why)
        if self._failure is not None:
            raise self._failure
        return outcome

    async def _ended(self, message: bytes, call: ToolCaller) -> tuple[str, Done | None, Stopped]:
        """Return why it is no longer to be trusted, what it says of its end, and who stopped it."""
        try:
            return "", *await self._begun(message, call)
        except ProtocolError as error:
            return f"the code has written to the sandbox's own line: {error}", None, "died"
        except ConnectionError:
            return _DIED, None, self._how_died()

    async def _begun(self, message: bytes, call: ToolCaller) -> tuple[Done | None, Stopped]:
        self._deadline = time.monotonic() + self._limits.seconds
        try:
            self._cell.go()
            await self._send(message)
            return await self._converse(call), ""
        except _Halt as halt:
            self._failure = halt.error
            return await self._stop(halt.why), halt.why
        except TimeoutError:
            self._cell.interrupt()
            return await self._stop("seconds"), "seconds"

    async def _converse(self, call: ToolCaller) -> Done:
        while True:
            match await self._hear():
                case Done() as done:
                    return done
                case Call() as asked:
                    await self._answer(asked, call)
                case _:
                    raise ProtocolError("a frame out of turn")

    async def _answer(self, asked: Call, call: ToolCaller) -> None:
        self._calls += 1
        if self._calls > self._limits.calls:
            raise _Halt("calls")
        begun = time.monotonic()
        reply = await self._reply(asked, call)
        self._deadline += time.monotonic() - begun
        try:
            message = frame(reply)
        except (TypeError, ValueError) as error:
            message = frame({"error": f"what {asked.name} returned cannot be handed on: {error}"})
        await self._send(message)

    async def _reply(self, asked: Call, call: ToolCaller) -> dict[str, Json]:
        tool = self._tools.get(asked.name)
        if tool is None:
            return {"error": f"unknown tool {asked.name[:100]!r}"}
        try:
            return {"value": await call(asked.name, bind(tool, asked.positional, asked.named))}
        except ToolError as error:
            return {"error": str(error)}
        except Exception as error:
            raise _Halt("", error) from error

    async def _stop(self, why: Stopped) -> Done | None:
        """Wait a little for the code to stop; None where it does not, and is to be killed."""
        self._deadline = time.monotonic() + _GRACE
        with suppress(TimeoutError, ProtocolError, ConnectionError):
            if why != "seconds":
                await self._send(frame({"stop": why}))
            while True:
                said = await self._hear()
                if isinstance(said, Done):
                    return said
                await self._send(frame({"stop": why}))
        return None

    async def _hear(self) -> Said:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._deadline - time.monotonic()):
            while (said := take(self._data)) is None:
                chunk = await loop.sock_recv(self._cell.line, _CHUNK)
                if not chunk:
                    raise ConnectionResetError
                self._data += chunk
        if isinstance(said, Done) and said.step != self._word:
            raise ProtocolError("the end of another step")
        return said

    async def _send(self, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._deadline - time.monotonic()):
            await loop.sock_sendall(self._cell.line, message)

    def _how_died(self) -> Stopped:
        return "memory" if self._cell.out_of_memory() else "died"

    def _outcome(self, ended: str, done: Done | None, why: Stopped) -> CodeOutcome:
        told = done or Done(step="")
        stopped: Stopped = why
        if not why and told.limit in get_args(Stopped) and told.limit:
            stopped = told.limit  # type: ignore[assignment]  # just looked up
        return CodeOutcome(
            printed=self._printed.text,
            dropped=self._printed.dropped,
            value=told.value,
            error=ended or told.error or ("" if self.keep or done is None else _LEFT),
            stopped=stopped,
            lost=not self.keep,
        )


_LEFT = "something of the code went on after its end: all of it was ended"

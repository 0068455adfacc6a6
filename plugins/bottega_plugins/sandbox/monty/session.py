"""A session: steps of code in one worker, its calls carried to the host and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from bottega.code.source import unreadable
from bottega.errors import SandboxError, ToolError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits, CodeOutcome, Stopped, ToolCaller, bind
from bottega_plugins.sandbox.monty.last_value import shown, telling_last
from bottega_plugins.sandbox.monty.plain import NotPlainError, as_json
from bottega_plugins.sandbox.monty.rest import rest
from bottega_plugins.sandbox.monty.trouble import Trouble

if TYPE_CHECKING:
    from pydantic_monty import (
        AsyncFunctionSnapshot,
        AsyncMonty,
        AsyncMontySession,
        AsyncSnapshot,
        ExternalResult,
    )

_FAILED: Literal["RuntimeError"] = "RuntimeError"
"""What the failure of a tool is in the code: its interpreter has only Python's own exceptions."""
_MOST_SUSPENSIONS = 10_000_000
"""Of a session; calls of tools are counted here, step by step."""


class MontySession:
    """One agent's code in a worker of its own; a new worker takes over from one that had to go."""

    def __init__(self, pool: AsyncMonty, tools: Sequence[ToolSpec], limits: CodeLimits) -> None:
        self._pool = pool
        self._tools = {tool.name: tool for tool in tools}
        self._functions = {tool.name: _function(tool.name) for tool in tools}
        self._limits = limits
        self._worker: AsyncMontySession | None = None

    async def begin(self) -> None:
        """Take a worker. Raises SandboxError where none is free or none can be started."""
        checkout = self._pool.checkout(
            limits={
                "max_feed_duration_secs": self._limits.seconds,
                "max_memory": self._limits.memory,
                "max_suspensions": _MOST_SUSPENSIONS,
            },
            os_policy={"sleep": "zero"},
            assert_message_annotations=False,
        )
        try:
            self._worker = await checkout.__aenter__()
        except (OSError, RuntimeError) as error:
            raise SandboxError(f"monty has no worker: {error}") from error

    async def run(self, code: str, call: ToolCaller) -> CodeOutcome:
        """Run a step. Never raises on what the code does; cancelling it stops the code at once."""
        problem = unreadable(code)
        if problem:
            return CodeOutcome(error=f"SyntaxError: {problem}")
        if self._worker is None:
            await self.begin()
        step = _Step(self, code, call)
        try:
            outcome = await step.run()
        except BaseException:
            await self.aclose()
            raise
        if outcome.lost:
            await self.aclose()
        return outcome

    async def aclose(self) -> None:
        """Give the worker back; one that is in the middle of something is ended."""
        worker, self._worker = self._worker, None
        if worker is not None:
            with suppress(RuntimeError):  # it is gone already
                await worker.__aexit__(None, None, None)
            rest.begin()

    async def feed(self, source: str, printed: Callable[[str, str], None]) -> AsyncSnapshot:
        """Hand code to the worker, with every tool's name bound to it again."""
        assert self._worker is not None
        return await self._worker.feed_start(
            source, inputs=dict(self._functions), print_callback=printed
        )

    @property
    def limits(self) -> CodeLimits:
        """What a step may use."""
        return self._limits

    def tool(self, name: str) -> ToolSpec | None:
        """Return the tool of that name."""
        return self._tools.get(name)


class _Step:
    """One step at work."""

    def __init__(self, session: MontySession, code: str, call: ToolCaller) -> None:
        self._session = session
        self._code = code
        self._call = call
        self._calls = 0
        self._printed: list[str] = []
        self._room = session.limits.output
        self._dropped = 0

    async def run(self) -> CodeOutcome:
        from pydantic_monty import MontyComplete, MontyError

        try:
            snapshot = await self._session.feed(telling_last(self._code), self._print)
            while not isinstance(snapshot, MontyComplete):
                if self._calls > self._session.limits.calls:
                    return self._outcome(stopped="calls", lost=True)
                snapshot = await self._go_on(snapshot)
        except MontyError as error:
            return self._troubled(error)
        return self._outcome(value=shown(snapshot.output))

    async def _go_on(self, snapshot: AsyncSnapshot) -> AsyncSnapshot:
        """Answer what the code waits for, and let it go on."""
        from pydantic_monty import AsyncFunctionSnapshot, AsyncFutureSnapshot, MontyComplete

        assert not isinstance(snapshot, MontyComplete | AsyncFutureSnapshot)
        if not isinstance(snapshot, AsyncFunctionSnapshot):
            return await snapshot.resume()
        if snapshot.is_os_function:
            return await snapshot.resume_not_handled()
        return await snapshot.resume(await self._answer(snapshot))

    async def _answer(self, snapshot: AsyncFunctionSnapshot) -> ExternalResult:
        name = str(snapshot.function_name)
        tool = self._session.tool(name)
        if tool is None:
            return {"exc_type": "NameError", "message": f"name {name!r} is not defined"}
        self._calls += 1
        if self._calls > self._session.limits.calls:
            return {"exc_type": "SystemExit", "message": "too many calls of tools"}
        try:
            arguments = bind(
                tool,
                [as_json(one) for one in snapshot.args],
                {key: as_json(one) for key, one in snapshot.kwargs.items()},
            )
            return {"return_value": await self._call(name, arguments)}
        except NotPlainError as error:
            return {"exc_type": "TypeError", "message": f"{name}(): {error}"}
        except ToolError as error:
            return {"exc_type": _FAILED, "message": str(error)}

    def _print(self, stream: str, text: str) -> None:
        kept = text[: self._room]
        self._room -= len(kept)
        self._dropped += len(text) - len(kept)
        if kept:
            self._printed.append(kept)

    def _troubled(self, error: Any) -> CodeOutcome:
        trouble = Trouble.of(error, self._code)
        if self._calls > self._session.limits.calls:
            return self._outcome(stopped="calls", lost=True)
        if trouble.stopped:
            return self._outcome(stopped=trouble.stopped, lost=True)
        return self._outcome(error=trouble.text, lacking=trouble.lacking)

    def _outcome(
        self,
        *,
        value: str = "",
        error: str = "",
        lacking: str = "",
        stopped: Stopped = "",
        lost: bool = False,
    ) -> CodeOutcome:
        return CodeOutcome(
            printed="".join(self._printed),
            dropped=self._dropped,
            value=value,
            error=error,
            lacking=lacking,
            stopped=stopped,
            lost=lost,
        )


def _function(name: str) -> Callable[..., None]:
    """Return something callable of that name: it stands for the tool, and is never called here."""

    def stand_in() -> None:
        raise NotImplementedError(name)

    stand_in.__name__ = stand_in.__qualname__ = name
    return stand_in

"""Carrying out what the model asked for: look up, allow, validate, journal, call.

Whatever goes wrong on the way is a result that the model can act on. Threads, deadlines and
processes are `bottega.calling`; when to stop is the loop's business.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bottega.calling import call_tool
from bottega.errors import BottegaError, BudgetExceeded, StorageError, UnknownNameError
from bottega.journal import Journal
from bottega.messages import ToolCall, ToolResult, result_from_json, result_to_json
from bottega.middleware import Invocation, wrap_tool
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega.tools import Output, Tool, ToolContext

OUTCOME_UNKNOWN = (
    "The process died while this call was under way, and calling it twice could do harm: whether "
    "it took effect is unknown. Find out before you call it again."
)


@dataclass(kw_only=True, slots=True)
class Done:
    """A call that was carried out, or refused."""

    result: ToolResult
    final: bool = False
    """The result is the agent's answer."""
    misused: bool = False
    """The call itself was wrong: no such tool, or arguments that do not fit."""
    printed: str = ""
    seconds: float = 0.0
    replayed: bool = False


class Actions:
    """The tools of one agent, ready to be called."""

    def __init__(self, parts: AgentParts, run: RunContext, journal: Journal, path: str) -> None:
        self._tools: Mapping[str, Tool] = {tool.spec.name: tool for tool in parts.tools}
        self._allow = parts.allow
        self._node = parts.name
        self._run = run
        self._journal = journal
        self._path = path
        self._handler = wrap_tool(_call, parts.middleware)

    def tool(self, name: str) -> Tool | None:
        """Return the tool that the model names, if there is one."""
        return self._tools.get(name)

    async def carry_out(self, call: ToolCall, step: int) -> Done:
        """Carry out one call. Raises BudgetExceeded and StorageError, and programming errors."""
        started = time.perf_counter()
        tool = self._tools.get(call.name)
        if tool is None:
            error = UnknownNameError("tool", call.name, self._tools)
            return Done(result=failed(call, str(error)), misused=True)
        denied = self._denied(tool)
        if denied:
            return Done(result=failed(call, denied))
        try:
            arguments = tool.validate(call.arguments)
        except BottegaError as error:
            return Done(result=failed(call, str(error)), misused=True)
        done = await self._journaled(tool, call, arguments, step)
        done.seconds = time.perf_counter() - started
        return done

    def _denied(self, tool: Tool) -> str:
        """Say which permission is missing; nothing when all are there."""
        if self._allow is None:
            return ""
        missing = sorted(need for need in tool.permissions if not _granted(need, self._allow))
        if not missing:
            return ""
        return (
            f"denied: {tool.spec.name} needs {', '.join(missing)}, which {self._node} may not use"
        )

    async def _journaled(
        self, tool: Tool, call: ToolCall, arguments: dict[str, Any], step: int
    ) -> Done:
        intent, result = f"{step}/intent/{call.id}", f"{step}/result/{call.id}"
        if not self._journal.keeps:
            return await self._called(self._invocation(tool, call, arguments, step))
        entries = self._journal.entries
        recorded = entries.get(result)
        if recorded is not None:
            return _replayed(recorded)
        if tool.effects == "once":  # another may simply be called again: its intent says nothing
            if intent in entries:
                return Done(result=failed(call, OUTCOME_UNKNOWN))
            await self._journal.write(intent, call.name)
        done = await self._called(self._invocation(tool, call, arguments, step))
        recorded = {"result": result_to_json(done.result), "final": done.final}
        await self._journal.write(result, recorded)
        return done

    def _invocation(
        self, tool: Tool, call: ToolCall, arguments: dict[str, Any], step: int
    ) -> Invocation:
        context = ToolContext(
            run_id=self._run.run_id,
            node=self._node,
            step=step,
            call_id=call.id,
            key=f"{self._run.run_id}/{self._path}/{step}/{call.id}",
            deadline=self._run.meter.deadline,
            ask=self._run.ask,
        )
        return Invocation(call=call, tool=tool, arguments=arguments, context=context)

    async def _called(self, invocation: Invocation) -> Done:
        call, tool = invocation.call, invocation.tool
        try:
            output = await self._handler(invocation)
        except (BudgetExceeded, StorageError):  # nothing that the model could do about these
            raise
        except BottegaError as error:
            return Done(result=failed(call, str(error)))
        result = ToolResult(
            call_id=call.id,
            name=call.name,
            content=output.content,
            trust=tool.trust,
            citations=output.citations,
            images=output.images,
        )
        return Done(result=result, final=output.final, printed=output.printed)


async def _call(invocation: Invocation) -> Output:
    return await call_tool(invocation.tool, invocation.arguments, invocation.context)


def failed(call: ToolCall, problem: str) -> ToolResult:
    """Make the result of a call that did not work."""
    content = f"Error: {problem}"
    return ToolResult(call_id=call.id, name=call.name, content=content, is_error=True)


def _granted(need: str, allowed: frozenset[str]) -> bool:
    """`files:read` is granted by `files:read` and by `files`."""
    return need in allowed or need.partition(":")[0] in allowed


def _replayed(recorded: Mapping[str, Any]) -> Done:
    result = result_from_json(recorded["result"])
    return Done(result=result, final=recorded["final"], replayed=True)

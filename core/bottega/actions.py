"""Carrying out what the model asked for: look up, allow, validate, journal, call.

Whatever goes wrong on the way is a result that the model can act on. Threads, deadlines and
processes are `bottega.calling`; when to stop is the loop's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bottega import chance
from bottega.artifacts import READ_ARTIFACT
from bottega.calling import call_tool
from bottega.confinement import free
from bottega.counsel import Counsel
from bottega.done import Done, failed, misused, replayed
from bottega.errors import (
    BottegaError,
    BudgetExceeded,
    StorageError,
    ToolError,
    UnknownNameError,
)
from bottega.halt import call_under_way
from bottega.heard import Heard
from bottega.inner_calls import InnerCalls
from bottega.journal import Journal
from bottega.labels import Conversation
from bottega.messages import Message, ToolCall, ToolResult, result_from_json, result_to_json
from bottega.middleware import Invocation, refusal_hearers, wrap_tool
from bottega.node import AgentParts
from bottega.permissions import Permissions
from bottega.person import Person
from bottega.place import place, within
from bottega.questions import PersonNeeded
from bottega.run import RunContext
from bottega.secrets import mask, mask_citation
from bottega.spending import Spending
from bottega.tools import Output, Tool, ToolContext

OUTCOME_UNKNOWN = (
    "The process died while this call was under way, and calling it twice could do harm: whether "
    "it took effect is unknown. Find out before you call it again."
)

SHOWN_TO_CODE = 100_000
"""Characters of a result that code which calls a tool is given."""


class Actions:
    """The tools of one agent, ready to be called."""

    def __init__(
        self,
        parts: AgentParts,
        run: RunContext,
        journal: Journal,
        path: str,
        messages: Sequence[Message] = (),
    ) -> None:
        self.heard: Heard | None = None
        """What calls within calls have read; None where no tool makes any."""
        if any(tool.calls_tools for tool in parts.tools):
            messages = self.heard = Heard(messages, journal.entries)
        self.conversation = Conversation.of(messages, parts.tools, run)
        """What the agent reads."""
        self._tools = self.conversation.tools
        self._allow = None if parts.allow is None else Permissions.of(parts.allow)
        self._permitted: dict[str, Permissions] = {}
        self._node = parts.name
        self.run = run
        self.journal = journal
        self.path = path
        self._handler = wrap_tool(self._call, parts.middleware)
        self._hearers = refusal_hearers(parts.middleware)
        self._spending = Spending(run.meter, parts.decider)
        self._counsel = Counsel(
            model=parts.model, decider=parts.decider, middleware=parts.middleware, meter=run.meter
        )
        self._intended: set[str] = set()
        self.tell: Callable[[ToolCall | Done], None] | None = None
        """Hears of the calls that calls make, and of what comes of them."""

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools themselves."""
        return tuple(self._tools.values())

    def tool(self, name: str) -> Tool | None:
        """Return the tool that the model names, if there is one."""
        return self._tools.get(name)

    async def carry_out(self, call: ToolCall, step: int) -> Done:
        """Carry out one call. Raises BudgetExceeded and StorageError, and programming errors."""
        with within(call.id), free():
            return await self._carried_out(call, step)

    async def _carried_out(self, call: ToolCall, step: int) -> Done:
        started = chance.ticks()
        keeps = self.journal.keeps
        recorded = self.journal.entries.get(f"{step}/result/{call.id}") if keeps else None
        if recorded is not None:  # whatever tools there are now
            return replayed(recorded)
        tool = self._tools.get(call.name) or self._pager(call.name)
        if tool is None:
            error = UnknownNameError("tool", call.name, self._tools)
            return misused(call, str(error))
        try:
            self._allowed(tool)
        except BottegaError as error:
            await self._tell_refused(tool, call, step, str(error))
            return Done(result=failed(call, str(error)))
        try:
            arguments = tool.validate(call.arguments)
        except BottegaError as error:
            return misused(call, str(error))
        refused = self._refused(call, step) if keeps else None
        if refused is not None:
            return Done(result=refused, misused=True, replayed=True, recorded=True)
        async with call_under_way():
            done = await self._journaled(tool, call, arguments, step)
        done.seconds = chance.ticks() - started
        return done

    async def _tell_refused(self, tool: Tool, call: ToolCall, step: int, why: str) -> None:
        context = ToolContext(
            run_id=self.run.run_id,
            node=self._node,
            step=step,
            call_id=call.id,
            conversation=self.conversation,
        )
        arguments = dict(call.arguments)
        for hear in self._hearers:
            await hear(Invocation(call=call, tool=tool, arguments=arguments, context=context), why)

    def _refused(self, call: ToolCall, step: int) -> ToolResult | None:
        """Return why the call was not made in the run that this one goes on from, if it was not."""
        for refused in self.journal.entries.get(f"{step}/refused", ()):
            if refused["call_id"] == call.id:
                return result_from_json(refused)
        return None

    def _allowed(self, tool: Tool) -> Permissions:
        """Return what the tool may use. Raises ToolError when a permission is missing."""
        known = self._permitted.get(tool.spec.name)
        if known is not None:
            return known
        needed = allowed = Permissions.of(tool.permissions)
        if self._allow is not None:
            missing = ", ".join(self._allow.missing(needed))
            if missing:
                who = f"which {self._node} may not use"
                raise ToolError(f"denied: {tool.spec.name} needs {missing}, {who}")
            allowed = self._allow.meet(needed)
        self._permitted[tool.spec.name] = allowed
        return allowed

    def _pager(self, name: str) -> Tool | None:
        """Return what reads artifacts: every agent may, whether or not it names the tool."""
        if name != READ_ARTIFACT:
            return None
        from bottega.paging import pager

        return pager()

    async def _journaled(
        self, tool: Tool, call: ToolCall, arguments: dict[str, Any], step: int
    ) -> Done:
        invocation = self._invocation(tool, call, arguments, step)
        done = await self._called(invocation)
        if invocation.context.calls is not None:
            done.note = invocation.context.calls.note
        if not self.journal.keeps:
            return done
        if done.question is not None:
            await self.journal.write(f"{step}/parked/{call.id}", call.name)
            return done
        recorded: dict[str, Any] = {"result": result_to_json(done.result), "final": done.final}
        if done.structured:
            recorded["structured"] = True
        if done.note is not None:
            recorded["note"] = done.note
        await self.journal.write(f"{step}/result/{call.id}", recorded)
        done.recorded = True
        return done

    def _invocation(
        self, tool: Tool, call: ToolCall, arguments: dict[str, Any], step: int
    ) -> Invocation:
        place = f"{self.path}/{step}/{call.id}"
        person = Person(self.run, self.journal, self._node, place, step)
        context = ToolContext(
            run_id=self.run.run_id,
            node=self._node,
            step=step,
            call_id=call.id,
            key=f"{self.run.run_id}/{place}",
            deadline=None if tool.attended else self.run.meter.deadline,
            ask=person.answer if self.run.reaches_somebody else None,
            spending=self._spending,
            counsel=self._counsel,
            person=person,
            calls=InnerCalls(self, call, step) if tool.calls_tools else None,
            allowed=self._allowed(tool),
            limited=self._allow is not None,
            artifacts=self.run.artifacts,
            conversation=self.conversation,
        )
        return Invocation(call=call, tool=tool, arguments=arguments, context=context)

    async def _call(self, invocation: Invocation) -> Output:
        """Make the call itself, inside all middleware; write down first that it begins."""
        tool, context = invocation.tool, invocation.context
        if context.deadline is not None:  # it may have been put off by a wait for an approval
            context = replace(context, deadline=self.run.meter.deadline)
        if self.journal.keeps and tool.effects == "once":
            await self._intend(tool, context)
        return await call_tool(tool, invocation.arguments, context)

    async def _intend(self, tool: Tool, context: ToolContext) -> None:
        """Write the intent. Raises ToolError where a call was under way when the process died.

        A tool that passes its key on is simply called again: the service knows the key.
        """
        key = f"{context.step}/intent/{context.call_id}"
        entries = self.journal.entries
        if not _is_settled(entries, key, f"{context.step}/parked/{context.call_id}"):
            if not tool.keyed:
                raise ToolError(OUTCOME_UNKNOWN)
        elif key not in self._intended:
            self._intended.add(key)
            if key not in entries:
                await self.journal.write(key, tool.spec.name)

    async def _called(self, invocation: Invocation) -> Done:
        call, tool = invocation.call, invocation.tool
        try:
            output = await self._handler(invocation)
        except (BudgetExceeded, StorageError):  # nothing that the model could do about these
            raise
        except PersonNeeded as needed:
            return Done(result=failed(call, needed.message), question=needed.question)
        except BottegaError as error:
            result = failed(call, str(error))
            return Done(result=replace(result, trust="derived") if _derives(tool) else result)
        content, secret = mask(output.content), tool.secret or output.secret
        if len(content) > tool.max_result and not output.final:
            content = self._cut(content, call, tool, secret=secret)
        result = ToolResult(
            call_id=call.id,
            name=call.name,
            content=content,
            trust=tool.trust,
            citations=tuple(map(mask_citation, output.citations)),
            images=output.images,
            secret=secret,
        )
        return Done(
            result=result,
            final=output.final,
            structured=output.structured,
            printed=mask(output.printed),
        )

    def _cut(self, content: str, call: ToolCall, tool: Tool, *, secret: bool) -> str:
        """Cut what is too long for a model, and keep the whole; code that calls is shown more."""
        outer = call.id.rpartition("/")[0]
        inner = bool(outer) and place().endswith(f"{outer}/{call.id}")
        limit = max(tool.max_result, SHOWN_TO_CODE) if inner else tool.max_result
        return self.run.artifacts.shown(content, limit, secret=secret)


def _is_settled(entries: Mapping[str, Any], intent: str, parked: str) -> bool:
    """Say whether a call that was begun before came to a person's question, not to its death."""
    return intent not in entries or parked in entries


def _derives(tool: Tool) -> bool:
    """Say whether what the tool returns, its errors as well, follows from its arguments."""
    return tool.trust == "derived"

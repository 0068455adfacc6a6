"""The loop of thought, action and observation.

    ask the model -> read its reply -> carry out the calls -> report the results -> ask again

until there is an answer, a limit is reached or the model cannot be understood. Everything that
happens is an event. Whatever a tool or a reply does wrong goes back to the model as an observation,
a bounded number of times.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bottega.actions import Actions, Done, failed
from bottega.citations import evidence_in, resolve
from bottega.dialect import Turn
from bottega.errors import BottegaError, BudgetExceeded, ModelError, ReplyFormatError
from bottega.events import (
    Action,
    Answer,
    BudgetReached,
    Event,
    Failure,
    Observation,
    StepStarted,
    Thought,
)
from bottega.journal import Journal, NullJournal
from bottega.messages import Message, ToolCall, ToolResult, user
from bottega.middleware import wrap_model
from bottega.model import Reply, collect
from bottega.node import AgentParts
from bottega.outcome import Outcome
from bottega.repeats import REPEATED, Repeats
from bottega.replies import reply_from_json, reply_to_json
from bottega.run import RunContext

E = TypeVar("E", bound=Event)

MAX_CALLS = 32
"""Most calls that are carried out in one turn; the rest are refused."""
MAX_BAD_TURNS = 3
"""Turns in a row that cannot be used before the run fails."""
CUT = "Your reply was cut off at the length limit before it was complete. Answer more briefly."
TOO_MANY = f"not carried out: at most {MAX_CALLS} calls in one turn"


@dataclass(slots=True)
class Loop:
    """One agent at work on one conversation. Iterate `events()`, then read `outcome`."""

    parts: AgentParts
    run: RunContext
    messages: list[Message]
    """The conversation; grows as the loop goes."""
    journal: Journal = field(default_factory=NullJournal)
    path: str = ""
    """Names this loop within the run, beyond the agent's name: part of idempotency keys."""
    step: int = 0
    """The last step taken; a loop that goes on after a hand-over goes on counting."""
    outcome: Outcome = Outcome(status="cancelled", reason="the loop did not end")

    async def events(self) -> AsyncGenerator[Event, None]:
        """Work, and report. Never raises on what models and tools do wrong: see `outcome`."""
        try:
            async with aclosing(_Work(self).steps()) as steps:
                async for event in steps:
                    yield event
        except BudgetExceeded as error:
            for event in self._out_of_budget(error):
                yield event
        except BottegaError as error:
            self.outcome = Outcome(status="failed", reason=error.message, error=error)
            yield self.event(
                Failure,
                error=type(error).__name__,
                message=error.message,
                hint=error.hint,
                fatal=True,
            )

    def event(self, kind: type[E], **fields: Any) -> E:
        """Make an event of this loop."""
        return kind(
            run_id=self.run.run_id,
            node=self.parts.name,
            step=self.step,
            time=time.time(),
            **fields,
        )

    def answer(self, text: str, *, abstained: bool = False, partial: bool = False) -> Answer:
        """Make the answer, with the passages that its keys point at."""
        citations = resolve(text, evidence_in(self.messages))
        return self.event(
            Answer, text=text, citations=citations, abstained=abstained, partial=partial
        )

    def _out_of_budget(self, error: BudgetExceeded) -> list[Event]:
        spent = {
            "steps": self.run.meter.steps,
            "seconds": round(self.run.meter.seconds, 3),
            "tokens": self.run.meter.usage.total,
        }
        allowed = getattr(self.run.meter.budget, error.limit, None) or 0
        reached = self.event(
            BudgetReached, limit=error.limit, allowed=allowed, spent=spent.get(error.limit, allowed)
        )
        best = best_so_far(self.messages)
        answer = self.answer(best, partial=True) if best else None
        self.outcome = Outcome(status="budget", reason=error.message, error=error, answer=answer)
        return [reached, answer] if answer else [reached]


def best_so_far(messages: Sequence[Message]) -> str:
    """Return the last thing said in the conversation that could serve as an answer."""
    for message in reversed(messages):
        if message.role == "assistant" and message.text.strip():
            return message.text.strip()
        good = [result.content for result in message.results if not result.is_error]
        if good:
            return good[-1]
    return ""


class _Work:
    """The loop's steps, with what is worked out once for all of them."""

    def __init__(self, loop: Loop) -> None:
        parts = loop.parts
        self._loop = loop
        self._meter = loop.run.meter
        self._dialect = parts.dialect
        self._sampling = parts.sampling
        self._specs = tuple(tool.spec for tool in parts.tools)
        self._model = wrap_model(parts.model, parts.middleware)
        path = loop.path or parts.name
        self._actions = Actions(parts, loop.run, loop.journal, path)
        self._ids = {call.id for message in loop.messages for call in message.calls}
        self._bad_turns = 0
        self._repeats = Repeats()

    async def steps(self) -> AsyncGenerator[Event, None]:
        loop = self._loop
        while True:
            self._meter.take_step()
            loop.step += 1
            yield loop.event(StepStarted)
            reply = await self._reply()
            turn = self._named(self._dialect.read(reply))
            if turn.thought:
                yield loop.event(Thought, text=turn.thought)
            problem = self._problem(reply, turn)
            if problem:
                loop.messages.append(self._dialect.replied(reply, turn))
                loop.messages.append(user(problem))
                yield loop.event(Failure, error="ReplyFormatError", message=problem)
                self._bad_turn(problem)
                continue
            if turn.answer is not None:
                loop.messages.append(self._dialect.replied(reply, turn))
                yield self._answered(turn.answer, abstained=reply.end.finish == "abstain")
                return
            async with aclosing(self._act(reply, turn)) as events:
                async for event in events:
                    yield event
            if loop.outcome.status == "done":
                return

    async def _reply(self) -> Reply:
        """Ask the model, or read from the journal what it said before a crash."""
        loop = self._loop
        key = f"{loop.step}/reply"
        recorded = loop.journal.entries.get(key)
        if recorded is not None:
            reply = reply_from_json(recorded)
        else:
            reply = await self._ask()
            await loop.journal.write(key, reply_to_json(reply))
        self._meter.add(reply.end.usage)
        return reply

    async def _ask(self) -> Reply:
        request = self._dialect.request(self._loop.messages, self._specs, self._sampling)
        deadline = self._meter.deadline
        if deadline is None:
            return await collect(self._model(request))
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await collect(self._model(replace(request, deadline=deadline)))
        except (TimeoutError, ModelError):
            self._meter.check()  # a model that fails because the time is up is the budget's end
            raise

    def _named(self, turn: Turn) -> Turn:
        """Give every call an id that is unique in the run, whatever the model gave."""
        if not turn.calls and not turn.bad_calls:
            return turn
        calls = tuple(replace(call, id=self._id(call.id)) for call in turn.calls)
        bad = tuple(replace(call, id=self._id(call.id)) for call in turn.bad_calls)
        return replace(turn, calls=calls, bad_calls=bad)

    def _id(self, given: str) -> str:
        name, count = given or f"call-{self._loop.step}", 1
        while name in self._ids or not name:
            count += 1
            name = f"{given or f'call-{self._loop.step}'}-{count}"
        self._ids.add(name)
        return name

    def _problem(self, reply: Reply, turn: Turn) -> str:
        """Say what keeps the reply from being used; nothing when it is fine."""
        if reply.end.finish == "filter":
            raise ModelError("the server withheld the reply: its content filter stopped it")
        if reply.end.finish == "length":
            return CUT
        return turn.problem

    def _bad_turn(self, problem: str) -> None:
        self._bad_turns += 1
        if self._bad_turns >= MAX_BAD_TURNS:
            raise ReplyFormatError(
                f"the model gave {MAX_BAD_TURNS} replies in a row that cannot be used: {problem}"
            )

    def _answered(self, text: str, *, abstained: bool = False) -> Answer:
        answer = self._loop.answer(text, abstained=abstained)
        self._loop.outcome = Outcome(answer=answer)
        return answer

    async def _act(self, reply: Reply, turn: Turn) -> AsyncGenerator[Event, None]:
        """Carry out a turn's calls and put their results into the conversation."""
        loop = self._loop
        loop.messages.append(self._dialect.replied(reply, turn))
        for call in turn.calls:
            arguments = dict(call.arguments)
            yield loop.event(Action, call_id=call.id, tool=call.name, arguments=arguments)
        done: dict[str, Done] = {}
        waiting: list[ToolCall] = []
        async with aclosing(self._carry_out(turn, waiting)) as results:
            async for item in results:
                done[item.result.call_id] = item
                yield self._observed(item)
        order = [item.id for item in turn.calls] + [item.id for item in turn.bad_calls]
        results_in_order = [done[name].result for name in order if name in done]
        if waiting:
            loop.outcome = Outcome(handed_on=tuple(waiting), results=tuple(results_in_order))
            return
        loop.messages.append(self._dialect.observed(results_in_order))
        final = next((item for item in done.values() if item.final), None)
        if final is not None:
            yield self._answered(final.result.content)
            return
        self._judge_turn(turn, list(done.values()), results_in_order)

    async def _carry_out(self, turn: Turn, waiting: list[ToolCall]) -> AsyncGenerator[Done, None]:
        """Yield what comes of each call, as it comes; calls to hand on go to `waiting`."""
        for bad in turn.bad_calls:
            call = ToolCall(id=bad.id, name=bad.name)
            yield Done(result=failed(call, bad.problem), misused=True)
        for call in turn.calls[MAX_CALLS:]:
            yield Done(result=failed(call, TOO_MANY), misused=True)
        now = turn.calls[:MAX_CALLS]
        if self._meter.budget.repeats is not None and self._repeats.stuck(now):
            for call in now:
                yield Done(result=failed(call, REPEATED))
            return
        run: list[ToolCall] = []
        for call in now:
            refused = self._refusal(call)
            if refused is not None:
                yield refused
            elif self._is_handed_on(call):
                waiting.append(call)
            else:
                run.append(call)
        step = self._loop.step
        if len(run) == 1:
            yield await self._actions.carry_out(run[0], step)
        elif run:
            async with aclosing(self._together(run, step)) as results:
                async for item in results:
                    yield item

    def _is_handed_on(self, call: ToolCall) -> bool:
        tool = self._actions.tool(call.name)
        return tool is not None and tool.hand_off

    def _refusal(self, call: ToolCall) -> Done | None:
        """Say what is wrong with a call that is to be handed on; nothing where all is well."""
        tool = self._actions.tool(call.name)
        if tool is None or not tool.hand_off:
            return None
        try:
            tool.validate(call.arguments)
        except BottegaError as error:
            return Done(result=failed(call, str(error)), misused=True)
        return None

    async def _together(self, calls: Sequence[ToolCall], step: int) -> AsyncGenerator[Done, None]:
        tasks = {asyncio.ensure_future(self._actions.carry_out(call, step)) for call in calls}
        try:
            pending = tasks
            while pending:
                finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    yield task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _observed(self, done: Done) -> Observation:
        result = done.result
        return self._loop.event(
            Observation,
            call_id=result.call_id,
            tool=result.name,
            content=result.content,
            is_error=result.is_error,
            citations=result.citations,
            printed=done.printed,
            seconds=done.seconds,
            replayed=done.replayed,
        )

    def _judge_turn(self, turn: Turn, done: Sequence[Done], results: Sequence[ToolResult]) -> None:
        """Count turns without a usable call, and turns that only repeat the one before."""
        if done and all(item.misused for item in done):
            self._bad_turn(done[-1].result.content)
            return
        self._bad_turns = 0
        self._repeats.note(turn.calls, results)
        most = self._meter.budget.repeats
        if most is not None and self._repeats.count >= most:
            raise BudgetExceeded("repeats of the same call", most, self._repeats.count)

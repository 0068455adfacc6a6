"""The steps of the loop: ask, read, act, report; again until there is an answer.

What a whole loop comes to, and what ends it from outside, is `bottega.loop`; how the model is asked
is `bottega.asking`, how one call is carried out `bottega.actions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from bottega.actions import Actions
from bottega.asking import Asking
from bottega.dialect import Turn
from bottega.done import Done, failed, in_order, waits_for
from bottega.errors import (
    BottegaError,
    ModelError,
    ReplyFormatError,
)
from bottega.events import (
    Action,
    Answer,
    Asked,
    Event,
    Failure,
    Observation,
    StepStarted,
    Stuck,
    Thought,
)
from bottega.history import unusable, without_calls
from bottega.messages import ToolCall, ToolResult, result_to_json, user
from bottega.model import End, Reply
from bottega.outcome import Outcome
from bottega.place import within
from bottega.repeats import REPEATED, Repeats
from bottega.tape import in_turn

if TYPE_CHECKING:
    from bottega.loop import Loop

MAX_CALLS = 32
"""Most calls that are carried out in one turn; the rest are refused."""
MAX_BAD_TURNS = 3
"""Turns in a row that cannot be used before the run fails."""

TOO_MANY = f"not carried out: at most {MAX_CALLS} calls in one turn"


class Steps:
    """A loop under way, with what is worked out once for all its steps."""

    def __init__(self, loop: Loop) -> None:
        parts = loop.parts
        self._loop = loop
        self._meter = loop.run.meter
        self._dialect = parts.dialect
        self._asking = Asking(loop)
        path = loop.path or parts.name
        self._actions = Actions(parts, loop.run, loop.journal, path, loop.messages)
        self._hands_on = any(tool.hand_off for tool in parts.tools)
        self._calls_on = any(tool.calls_tools for tool in parts.tools)
        self._bad_turns = 0
        self._most = loop.run.meter.repeats
        """How often the same may be done; None for as often as it likes."""
        self._repeats = Repeats.of(loop.messages, parts.dialect) if loop.began else Repeats()

    async def events(self) -> AsyncGenerator[Event, None]:  # noqa: PLR0912  # a second costs 3 µs a step
        """Step until the loop has an outcome; what ends it is an outcome, too."""
        loop = self._loop
        try:
            while True:
                await in_turn()
                self._meter.take_step()
                loop.step += 1
                yield loop.event(StepStarted)
                reply = await self._asking.reply()
                turn = self._asking.read(reply)
                for event in self._heard(turn):
                    yield event
                problem = self._problem(reply, turn)
                if problem:
                    yield self._unusable(reply, turn, problem)
                    self._bad_turn(problem)
                    continue
                loop.messages.append(self._dialect.replied(reply, turn))
                if turn.answer is not None:
                    yield self._answered(turn.answer, reply.end)
                    return
                done = self._refused(turn)
                for event in self._announced(turn, done):
                    yield event
                own, handed_on = self._sorted(turn, done)
                if len(own) == 1 and not self._calls_on:
                    done.append(await self._actions.carry_out(own[0], loop.step))
                    if done[-1].question is None:
                        yield self._observed(done[-1])
                elif own:
                    async with aclosing(self._together(own, done)) as observations:
                        async for observation in observations:
                            yield observation
                for event in await self._over(turn, done, handed_on):
                    yield event
                if loop.outcome.status in ("done", "waiting"):
                    return
        except BottegaError as error:
            for event in loop.fail(error):
                yield event

    def _heard(self, turn: Turn) -> list[Event]:
        """Return the events that tell what the model was shown and thought."""
        if not turn.thought and not self._asking.news:
            return []
        events, self._asking.news[:] = self._asking.news[:], []
        if turn.thought:
            self._loop.thought = turn.thought
            events.append(self._loop.event(Thought, text=turn.thought))
        return events

    def _unusable(self, reply: Reply, turn: Turn, problem: str) -> Failure:
        """Tell the model what was wrong with its reply."""
        loop = self._loop
        loop.unfinished = turn
        loop.messages.append(self._dialect.replied(reply, without_calls(turn)))
        loop.messages.append(user(problem))
        return loop.event(Failure, error="ReplyFormatError", message=problem)

    def _problem(self, reply: Reply, turn: Turn) -> str:
        """Say what keeps the reply from being used; nothing when it is fine."""
        if reply.end.finish == "filter":
            raise ModelError("the server withheld the reply: its content filter stopped it")
        return unusable(reply, turn)

    def _bad_turn(self, problem: str) -> None:
        self._bad_turns += 1
        if self._bad_turns >= MAX_BAD_TURNS:
            raise ReplyFormatError(
                f"the model gave {MAX_BAD_TURNS} replies in a row that cannot be used: {problem}"
            )

    def _answered(self, text: str, end: End) -> Answer:
        abstained = end.finish == "abstain"
        answer = self._loop.answer(text, cited=end.citations, abstained=abstained)
        self._loop.outcome = Outcome(answer=answer)
        return answer

    def _announced(self, turn: Turn, refused: Sequence[Done]) -> list[Event]:
        """Return the events that tell of a turn's calls before any is carried out."""
        loop = self._loop
        events: list[Event] = [
            loop.event(Action, call_id=call.id, tool=call.name, arguments=call.arguments)
            for call in turn.calls
        ]
        if refused and self._is_stuck(turn.calls[:MAX_CALLS]):
            what = self._repeats.told(loop.parts.name, turn.calls[:MAX_CALLS])
            events.append(loop.event(Stuck, what=what, times=self._repeats.count))
        events += map(self._observed, refused)
        return events

    async def _over(
        self, turn: Turn, done: Sequence[Done], handed_on: Sequence[ToolCall]
    ) -> list[Event]:
        """End a turn whose calls are through; return the events that tell of it."""
        loop = self._loop
        questions = tuple([item.question for item in done if item.question is not None])
        if questions:  # what is finished is recorded; the turn is taken up again with the rulings
            loop.outcome = Outcome(
                status="waiting", reason=waits_for(questions), questions=questions
            )
            return [loop.event(Asked, question=question.to_json()) for question in questions]
        if loop.journal.keeps:
            await self._record(done)
        answer = self._concluded(turn, done, handed_on)
        return [] if answer is None else [answer]

    async def _record(self, done: Sequence[Done]) -> None:
        """Keep the results that came of no call, so that the conversation can be told again."""
        unmade = [result_to_json(item.result) for item in done if not item.recorded]
        if unmade:
            await self._loop.journal.write(f"{self._loop.step}/refused", unmade)

    def _sorted(
        self, turn: Turn, done: Sequence[Done]
    ) -> tuple[Sequence[ToolCall], Sequence[ToolCall]]:
        """Return the calls to carry out here, and those that others carry out."""
        calls: Sequence[ToolCall] = turn.calls
        if done:
            over = {item.result.call_id for item in done}
            calls = [call for call in calls if call.id not in over]
        if not self._hands_on:
            return calls, ()
        handed_on = [call for call in calls if self._is_handed_on(call)]
        return [call for call in calls if call not in handed_on], handed_on

    def _concluded(
        self, turn: Turn, done: Sequence[Done], handed_on: Sequence[ToolCall]
    ) -> Answer | None:
        """Put a turn's results into the conversation; return the answer if one of them is it."""
        loop = self._loop
        results = in_order(turn, done)
        if handed_on:
            loop.outcome = Outcome(handed_on=tuple(handed_on), results=results)
            return None
        loop.messages.append(self._dialect.observed(results))
        for item in done:
            if item.final:
                return self._answered(item.result.content, End())
        self._judge_turn(turn, done, results)
        return None

    def _refused(self, turn: Turn) -> list[Done]:
        """Return the results of calls that are not carried out at all."""
        refused: list[Done] = []
        for bad in turn.bad_calls:
            result = failed(ToolCall(id=bad.id, name=bad.name), bad.problem)
            refused.append(Done(result=result, misused=True))
        now, over = turn.calls[:MAX_CALLS], turn.calls[MAX_CALLS:]
        if over:
            refused += [Done(result=failed(call, TOO_MANY), misused=True) for call in over]
        if self._is_stuck(now):
            return refused + [Done(result=failed(call, REPEATED)) for call in now]
        if not self._hands_on:
            return refused
        misfits = (self._misfit(call) for call in now if self._is_handed_on(call))
        return refused + [misfit for misfit in misfits if misfit is not None]

    def _is_stuck(self, calls: Sequence[ToolCall]) -> bool:
        return self._repeats.stale > 0 and self._most is not None and self._repeats.stuck(calls)

    def _is_handed_on(self, call: ToolCall) -> bool:
        tool = self._actions.tool(call.name)
        return tool is not None and tool.hand_off

    def _misfit(self, call: ToolCall) -> Done | None:
        """Say what is wrong with a call that is to be handed on; nothing where all is well."""
        tool = self._actions.tool(call.name)
        try:
            if tool is not None:
                tool.validate(call.arguments)
        except BottegaError as error:
            return Done(result=failed(call, str(error)), misused=True)
        return None

    async def _together(
        self, calls: Sequence[ToolCall], done: list[Done]
    ) -> AsyncGenerator[Action | Observation, None]:
        """Carry out several calls at once; `done` takes what comes of each, as it comes.

        What calls do within themselves is told while they are at work.
        """
        step = self._loop.step
        heard = asyncio.Queue[asyncio.Future[Done] | ToolCall | Done]()
        self._actions.tell = heard.put_nowait
        tasks = {asyncio.ensure_future(self._actions.carry_out(call, step)) for call in calls}
        for task in tasks:
            task.add_done_callback(heard.put_nowait)
        under_way = len(tasks)
        try:
            while under_way:
                item = await heard.get()
                if isinstance(item, ToolCall):
                    yield self._acted(item)
                    continue
                if not isinstance(item, Done):
                    under_way -= 1
                    item = item.result()
                    done.append(item)
                if item.question is None:
                    yield self._observed(item)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _acted(self, call: ToolCall) -> Action:
        """Tell of a call that a call makes."""
        with within(call.id):
            return self._loop.event(
                Action, call_id=call.id, tool=call.name, arguments=call.arguments
            )

    def _observed(self, done: Done) -> Observation:
        result = done.result
        with within(result.call_id):  # calls that are made together come in any order
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
        self._repeats.check(self._loop.parts.name, self._most)

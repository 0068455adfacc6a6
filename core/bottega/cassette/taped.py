"""The cassette around one run: its agents' models, deciders and tools, and the way to the person.

It stands outside all other middleware of a model, so that retries and their waits are not repeated,
and inside all of a tool's, so that approvals are. What happens inside a recorded call, such as the
run of another agent, is part of what came of it, and not recorded by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, TypeVar

from bottega.cassette.asked import Asked
from bottega.cassette.came import (
    CUT,
    delta_from_json,
    delta_to_json,
    error_from_json,
    error_to_json,
    output_from_json,
    output_to_json,
)
from bottega.cassette.order import Emit, Ordered, event_name
from bottega.cassette.player import Player
from bottega.cassette.recorder import Recorder
from bottega.chance import DRAWS
from bottega.decider import Choice, Decider, Judgement, Option, Score
from bottega.engine import Team
from bottega.errors import BottegaError, ToolError
from bottega.events import Event
from bottega.messages import Json
from bottega.middleware import Invocation, Middleware, ModelHandler, ToolHandler
from bottega.model import Delta, Request, Usage
from bottega.node import AgentParts
from bottega.place import place
from bottega.run import Ask
from bottega.tape import TAPE
from bottega.tools import Output

Decided = TypeVar("Decided", Choice, Judgement, Score)


@contextmanager
def unheard() -> Generator[None, None, None]:
    """Let nothing be recorded in here."""
    tape, draws = TAPE.set(None), DRAWS.set(None)
    try:
        yield
    finally:
        TAPE.reset(tape)
        DRAWS.reset(draws)


class Around:
    """What puts an open cassette around agents."""

    def __init__(self, deck: Recorder | Player) -> None:
        self.deck = deck
        self._asked: dict[str, Asked] = {}
        self._teams: dict[int, tuple[Team, Team]] = {}

    def team(self, team: Team) -> Team:
        """Return the team with the cassette around it, the same for the same team."""
        if id(team) not in self._teams:  # it is kept with it, so that its id stays its own
            parts = {name: self.parts(one) for name, one in team.parts.items()}
            self._teams[id(team)] = (team, replace(team, parts=parts))
        return self._teams[id(team)][1]

    def parts(self, parts: AgentParts) -> AgentParts:
        """Return the parts with the cassette around their model, decider and tools."""
        heard = (_Models(self, parts.model.name), *parts.middleware, _Tools(self))
        return replace(parts, middleware=heard, decider=_Deciding(self, parts.decider))

    async def call(self, kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
        """Make a call with nothing else recorded in it, or tell what came of it."""

        async def alone() -> Json:
            with unheard():
                return await make()

        return await self.deck.call(kind, asked, alone)

    async def respond(
        self, model: str, request: Request, next: ModelHandler
    ) -> AsyncIterator[Delta]:
        """Stream a reply, from the model or from the cassette."""
        asked = self._asked.setdefault(place(), Asked()).told(model, request)
        if isinstance(self.deck, Player):
            came = await self.deck.recorded("model", asked)
            for delta in came["deltas"]:
                yield delta_from_json(delta)
            if "error" in came:
                raise error_from_json(came["error"])
            if "cut" in came:
                raise TimeoutError  # a limit of the run; the next look at the clock tells which
            return
        at, deltas, end = place(), list[Json](), CUT
        try:
            async for delta in _stream(next(request)):
                deltas.append(delta_to_json(delta))
                yield delta
            end = {}
        except BottegaError as error:
            end = {"error": error_to_json(error)}
            raise
        finally:
            self.deck.note("model", at, asked, {"deltas": deltas, **end})


class Taped:
    """One run, recorded or played; see `bottega.tape.TapedRun`."""

    def __init__(self, around: Around, number: int) -> None:
        self.place = str(number)
        self.team = around.team
        self.parts = around.parts
        self._deck = around.deck
        self._ordered: Ordered | None = None

    def ask(self, ask: Ask | None) -> Ask | None:
        """Return the way to the person; a person whom the recorded run had is there again."""
        told = self._deck.begin(self.place, {"person": True} if ask else {})

        async def heard(question: str) -> str:
            async def asked() -> Json:
                assert ask is not None
                return {"reply": await ask(question)}

            if TAPE.get() is None:  # asked by a tool: its output is recorded, not what it asks
                return str((await asked())["reply"])
            came = await self._deck.call("person", {"question": question}, asked)
            return str(came["reply"])

        return heard if told else None

    def through(self, emit: Emit) -> Emit:
        """Return what takes the run's events."""
        if isinstance(self._deck, Player):
            self._ordered = Ordered(self._deck, self.place, emit)
            return self._ordered.put
        recorder = self._deck

        def put(event: Event) -> None:
            recorder.passed(place(), event_name(event))
            emit(event)

        return put

    def check(self) -> None:
        """Raise CassetteError once something was not as recorded."""
        if isinstance(self._deck, Player) and self._deck.problem is not None:
            raise self._deck.problem

    def finish(self) -> None:
        """Raise CassetteError when something was recorded that did not happen."""
        self.check()
        if not isinstance(self._deck, Player):
            return
        self._deck.unmade(self.place)
        problem = self._ordered.finish() if self._ordered else None
        if problem is not None:
            raise self._deck.failed(problem)


async def _stream(deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
    """Yield what the model says, with nothing recorded while it is at work."""
    try:
        while True:
            with unheard():
                delta = await anext(deltas, None)
            if delta is None:
                return
            yield delta
    finally:
        close = getattr(deltas, "aclose", None)
        if close is not None:
            await close()


class _Models(Middleware):
    """The cassette around a model."""

    def __init__(self, around: Around, model: str) -> None:
        self._around = around
        self._model = model

    def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        return self._around.respond(self._model, request, next)


class _Tools(Middleware):
    """The cassette around tools."""

    def __init__(self, around: Around) -> None:
        self._around = around

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        async def make() -> Json:
            return output_to_json(await next(invocation))

        call = invocation.call
        if invocation.tool.calls_tools:  # it is made again: what it calls is recorded
            return await next(invocation)
        asked = {"tool": call.name, "arguments": dict(call.arguments)}
        try:
            return output_from_json(await self._around.call("tool", asked, make))
        except TimeoutError:
            raise ToolError("the call was broken off when it was recorded") from None


class _Deciding:
    """The cassette around a decider."""

    def __init__(self, around: Around, decider: Decider) -> None:
        self._around = around
        self._decider = decider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decider, name)

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        listed = [asdict(option) for option in options]
        asked = {"choose": question, "options": listed, "context": context}
        decided = self._decider.choose
        return await self._made(asked, lambda: decided(question, options, context=context), Choice)

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        asked = {"judge": question, "context": context}
        decided = self._decider.judge
        return await self._made(asked, lambda: decided(question, context=context), Judgement)

    async def score(self, question: str, *, context: str = "") -> Score:
        asked = {"score": question, "context": context}
        decided = self._decider.score
        return await self._made(asked, lambda: decided(question, context=context), Score)

    async def _made(
        self, asked: Json, decide: Callable[[], Awaitable[Decided]], kind: type[Decided]
    ) -> Decided:
        async def make() -> Json:
            return asdict(await decide())

        came: dict[str, Any] = {**await self._around.call("decision", asked, make)}
        came["usage"] = Usage(**came["usage"])
        return kind(**came)

"""The seam between a run and a cassette that listens to it.

A run looks here for somebody who listens; what is recorded, and how it is given back, is
`bottega.cassette`'s business.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from bottega.place import at

if TYPE_CHECKING:
    from bottega.engine import Team
    from bottega.events import Event
    from bottega.messages import Json
    from bottega.node import AgentParts
    from bottega.run import Ask


class TapedRun(Protocol):
    """One run, as a cassette listens to it."""

    @property
    def place(self) -> str:
        """Names the run among those of the cassette; see `bottega.place`."""
        ...

    def team(self, team: Team) -> Team:
        """Return the team with the cassette around all its agents."""
        ...

    def parts(self, parts: AgentParts) -> AgentParts:
        """Return the parts with the cassette around their model, decider and tools."""
        ...

    def ask(self, ask: Ask | None) -> Ask | None:
        """Return the way to the person with the cassette around it."""
        ...

    def through(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return what takes the run's events, as they happen, on their way to `emit`."""
        ...

    def check(self) -> None:
        """Raise CassetteError once the run has left its recording."""
        ...

    def finish(self) -> None:
        """Raise CassetteError when the run is over, and its recording is not."""
        ...


class Tape(Protocol):
    """A cassette that is open."""

    @property
    def replays(self) -> bool:
        """Whether it plays: then nothing outside is changed."""
        ...

    async def turn(self) -> None:
        """Return when the branch at work may go on."""
        ...

    async def call(self, kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
        """Return what comes of a call, from wherever it comes. Raises CassetteError."""
        ...

    def run(self) -> TapedRun:
        """Listen to a run that begins."""
        ...


TAPE: ContextVar[Tape | None] = ContextVar("bottega_tape", default=None)


async def listened(
    events: AsyncGenerator[Event, None], taped: TapedRun
) -> AsyncGenerator[Event, None]:
    """Yield the events of an agent that runs alone, as its cassette has them."""
    out: list[Event] = []
    emit = taped.through(out.append)
    async with aclosing(events) as stream:
        while True:
            with at(taped.place):
                event = await anext(stream, None)
                if event is None:
                    break
                emit(event)
            taped.check()
            ready, out[:] = list(out), []
            for one in ready:
                yield one
    taped.finish()


async def from_outside(kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
    """Make a call whose outcome no run can know before, so that a cassette has it.

    For whatever is neither model, tool nor decider and yet changes what an agent does, such as what
    a memory recalls. `asked` says what is asked for, `kind` of whom, in one word.
    """
    tape = TAPE.get()
    return await make() if tape is None else await tape.call(kind, asked, make)


async def in_turn() -> None:
    """Go on when it is this branch's turn: at once, but where a cassette is played.

    To be awaited before branches compete for something, such as the last step of a budget.
    """
    tape = TAPE.get()
    if tape is not None:
        await tape.turn()


def played() -> bool:
    """Say whether what happens is a recording."""
    tape = TAPE.get()
    return tape is not None and tape.replays


def taped_run() -> TapedRun | None:
    """Tell the open cassette of a run that begins; None where there is none."""
    tape = TAPE.get()
    return None if tape is None else tape.run()

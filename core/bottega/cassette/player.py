"""Giving a recorded run back: what came is read from the cassette, nothing is called.

Calls are found by their place, the first one there first, so that parallel branches may come in
any order. Whatever is not as it was recorded is a CassetteError, kept until somebody asks for it:
within a run it would pass for the failure of one model.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bottega.cassette.came import error_from_json
from bottega.cassette.divergence import AGAIN, CassetteError, differs
from bottega.cassette.file import masked
from bottega.cassette.turns import Turns
from bottega.chance import Draw
from bottega.messages import Json
from bottega.place import place

CALLS: Mapping[str, str] = {
    "model": "the request to the model",
    "tool": "the call of a tool",
    "decision": "the question to the decider",
    "person": "the question to a person",
}
"""The kinds of calls, in words; others name themselves."""
Line = tuple[int, Mapping[str, Json]]


class Player:
    """The lines of a cassette that is played."""

    replays = True

    def __init__(self, file: Path, lines: Iterable[Line]) -> None:
        self._file = file
        self._calls: dict[tuple[str, str], deque[Line]] = defaultdict(deque)
        self._drawn: dict[tuple[str, str], deque[Json]] = {}
        self._last: dict[str, Json] = {}
        self.events: dict[str, deque[Line]] = defaultdict(deque)
        """What each run's events were, in order, by the run's place."""
        self._coming: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._due: dict[str, set[int]] = defaultdict(set)
        self.problem: CassetteError | None = None
        """The first thing that was not as recorded."""
        numbers = [self._take(number, line) for number, line in lines]
        self.turns = Turns(number for number in numbers if number)
        """Of calls and events."""

    def _take(self, number: int, line: Mapping[str, Json]) -> int:
        """Sort a line in; return its number, if it has a turn."""
        at = line["at"]
        if line["kind"] == "drawn":
            for what, values in line.items():
                if what not in ("kind", "at"):
                    self._drawn[at, what] = deque(values)
        elif line["kind"] == "event":
            self.events[at.partition("/")[0]].append((number, line))
            self._coming[at, line["is"]].append(number)
            self._due[at].add(number)
            return number
        else:
            self._calls[line["kind"], at].append((number, line))
            if line["kind"] != "run":
                self._due[at].add(number)
                return number
        return 0

    def begin(self, at: str, told: Json) -> Json:
        """Return what was noted when the run began. Raises CassetteError for one run too many."""
        waiting = self._calls["run", at]
        if not waiting:
            raise self.failed(CassetteError(f"{self._file}: only {int(at) - 1} runs are recorded"))
        return waiting.popleft()[1]["asked"]

    def finish(self) -> None:
        """Raise CassetteError when something went wrong, or a run was recorded and never began."""
        if self.problem is not None:
            raise self.problem
        for (kind, at), waiting in self._calls.items():
            if kind == "run" and waiting:
                raise CassetteError(f"{self._file}:{waiting[0][0]}: run {at} was not begun")

    async def call(self, kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
        """Return what came of the call, or raise what it raised; TimeoutError if broken off."""
        came = await self.recorded(kind, asked)
        if "cut" in came:
            raise TimeoutError
        if "error" in came:
            raise error_from_json(came["error"])
        return came

    async def recorded(self, kind: str, asked: Json) -> Mapping[str, Json]:
        """Return what was noted of the call, in its turn. Raises CassetteError for another one."""
        number, line = self._next(kind, place(), asked)
        try:
            await self.turns.turn(number)
        finally:
            self._due[place()].discard(number)
            self.turns.done(number)
        return line["came"]  # type: ignore[no-any-return]

    async def turn(self) -> None:
        """Wait until the next call or event of this place is due."""
        due = self._due.get(place())
        if due:
            await self.turns.turn(min(due))

    def happened(self, at: str, name: str) -> None:
        """Say that an event has come, whether it may go out yet or not."""
        numbers = self._coming.get((at, name))
        if numbers:
            number = numbers.popleft()
            self._due[at].discard(number)
            self.turns.done(number)

    def _next(self, kind: str, at: str, asked: Json) -> Line:
        waiting, asked = self._calls[kind, at], masked(asked)
        if not waiting:
            raise self.failed(differs(_named(kind, at), None, asked, str(self._file)))
        wanted = _known_by(kind, asked)
        for found in waiting:  # calls that one place makes at once were noted as they ended
            if _known_by(kind, found[1]["asked"]) == wanted:
                waiting.remove(found)
                return found
        number, line = waiting[0]
        where = f"{self._file}:{number}"
        raise self.failed(differs(_named(kind, at), line["asked"], asked, where))

    def failed(self, problem: CassetteError) -> CassetteError:
        """Note the first thing that is not as recorded, and return the error."""
        self.problem = self.problem or problem
        self.turns.stop()
        return problem

    def unmade(self, run: str) -> None:
        """Raise CassetteError when something was recorded of the run that was not asked for."""
        for (kind, at), waiting in self._calls.items():
            if waiting and at.partition("/")[0] == run:
                where = f"{self._file}:{waiting[0][0]}"
                problem = f"{where}: {_named(kind, at)} was recorded, and not made"
                raise self.failed(CassetteError(problem, hint=AGAIN))

    def draw(self, what: Draw, fresh: Callable[[], Any]) -> Any:
        """Return what was drawn. Raises CassetteError for a number that was not recorded."""
        values = self._drawn.get((place(), what))
        if values:
            self._last[what] = values.popleft()
        elif what in ("random", "id") or what not in self._last:
            raise self.failed(
                CassetteError(f"{self._file}: {what!r} was drawn at {place()!r}, and not recorded")
            )
        return self._last[what]  # a clock that is read once more shows the same


def _known_by(kind: str, asked: Json) -> Json:
    """Return what a call is known by: of a request, the digest of all that the model sees."""
    return (asked["model"], asked["digest"]) if kind == "model" else asked


def _named(kind: str, at: str) -> str:
    return f"{CALLS.get(kind, f'the call of {kind}')} at {at}"

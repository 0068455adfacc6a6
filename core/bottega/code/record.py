"""What is known of the steps of a conversation's code, so that its state can be made again.

A step that is run again gets the recorded results of the calls it made: nothing takes effect twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.errors import ToolError
from bottega.inner_calls import Finished, MadeCall
from bottega.messages import Json

PARTED = "run again, this step asked for {asked}, which it had not asked for the first time"
ANSWERED = "the answer was given here"


class FinalAnswer(Exception):
    """The code gave the answer: it ends there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step that ended by itself, with an error or without."""

    code: str
    calls: tuple[MadeCall, ...] = ()
    sandbox: str = ""
    """Where it ran."""

    def note(self) -> dict[str, Json]:
        """Return what is written down of it; the journal has its calls."""
        return {"code": self.code, "sandbox": self.sandbox}

    def to_json(self) -> dict[str, Json]:
        """Return all of it as a JSON object."""
        calls = [{name: getattr(call, name) for name in MadeCall.__slots__} for call in self.calls]
        return {**self.note(), "calls": calls}


def steps_of(finished: Sequence[Finished]) -> list[Step]:
    """Return the steps that a journal knows; the first may know those before it."""
    steps: list[Step] = []
    for one in finished:
        note: Mapping[str, Any] = one.note
        steps += [_step(earlier) for earlier in note.get("earlier", ())]
        if note.get("code") is not None:
            steps.append(Step(code=note["code"], sandbox=note["sandbox"], calls=one.calls))
    return steps


def _step(data: Mapping[str, Any]) -> Step:
    calls = tuple(MadeCall(**call) for call in data["calls"])
    return Step(code=data["code"], sandbox=data["sandbox"], calls=calls)


class Repeated:
    """Answers the calls of a step that is run again, and lets none be made.

    A call that was not recorded fails, as does every one after it, and one after the answer.
    """

    def __init__(self, calls: Sequence[MadeCall]) -> None:
        self._calls = calls
        self._next = 0
        self.parted = ""
        """What was asked for that had not been asked for the first time."""
        self._answered = False

    @property
    def is_through(self) -> bool:
        """Whether every recorded call was asked for again, and nothing else."""
        return self._next == len(self._calls) and not self.parted

    def answer(self, name: str, arguments: Mapping[str, Json]) -> Json:
        """Return what came of the call. Raises ToolError."""
        if self._answered:
            raise ToolError(ANSWERED)
        made = self._calls[self._next] if self._next < len(self._calls) else None
        if self.parted or made is None or not made.is_of(name, arguments):
            self.parted = self.parted or MadeCall(name=name, arguments=arguments).told()
            raise ToolError(PARTED.format(asked=self.parted))
        self._next += 1
        if made.final:
            self.end()
        return made.value()

    def end(self) -> None:
        """Come to the answer, which was given the first time. Raises ToolError."""
        self._answered = True
        raise ToolError(ANSWERED)

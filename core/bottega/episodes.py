"""A run's events read as an episode, to be remembered: opt-in, `memory: {episodes: true}`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bottega.errors import BottegaError
from bottega.escape import mask, one_line
from bottega.events import (
    Action,
    Answer,
    Event,
    Failure,
    MessageSent,
    Observation,
    PlanMade,
    RunEnded,
    RunStarted,
)
from bottega.memory import Episode
from bottega.reminding import Remembering
from bottega.tape import played

MOST = 8
"""Steps of a plan, and failures, that are kept."""
LONGEST = 2_000
"""Characters of a task or an answer."""
SHORT = 300
"""Characters of a step or a failure."""


class EpisodeReader:
    """Reads the events of one run, and records what they tell when it has ended."""

    def __init__(self, remembering: Remembering) -> None:
        self._remembering = remembering
        self._started = RunStarted()
        self._answer = ""
        self._plan: list[str] = []
        self._tools: Counter[str] = Counter()
        self._failures: list[str] = []

    @classmethod
    def of(cls, remembering: Iterable[Remembering | None]) -> EpisodeReader | None:
        """Return a reader for the first memory that wants episodes; None where none does.

        A run that is played from a cassette is no new episode.
        """
        wanted = (one for one in remembering if one is not None and one.episodes)
        first = next(wanted, None)
        return cls(first) if first and not played() else None

    async def read(self, event: Event) -> Failure | None:
        """Take an event in; at the end, return what kept the episode from being recorded."""
        self._note(event)
        if not isinstance(event, RunEnded) or event.status in ("waiting", "cancelled"):
            return None
        try:
            await self._remembering.memory.record(self._episode(event))
        except BottegaError as error:
            problem = f"this run is not remembered: {mask(error.message)}"
            kind = type(error).__name__
            return Failure(
                run_id=event.run_id,
                time=event.time,
                error=kind,
                message=problem,
                hint=mask(error.hint),
            )
        return None

    def _note(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started = event
        elif isinstance(event, Action):
            self._tools[event.tool] += 1
        elif isinstance(event, Answer) and event.final:
            self._answer = event.text
        elif isinstance(event, PlanMade):
            self._plan = [str(task["goal"]) for task in event.plan.get("tasks", ())]
        elif isinstance(event, MessageSent):
            self._plan.append(f"{event.to}: {event.text}")
        elif isinstance(event, Failure):
            self._failures.append(event.message)
        elif isinstance(event, Observation) and event.is_error:
            self._failures.append(f"{event.tool}: {event.content}")

    def _episode(self, end: RunEnded) -> Episode:
        started = self._started
        return Episode(
            run=end.run_id,
            task=mask(started.task[:LONGEST]),
            user=self._remembering.user,
            graph=started.name,
            status=end.status,
            answer=mask(self._answer[:LONGEST]),
            plan=_short(self._plan),
            tools=dict(self._tools),
            failures=_short([*self._failures, *([end.reason] if end.reason else [])]),
            time=end.time,
        )


def _short(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the first few, each once, each on a line."""
    lines = dict.fromkeys(one_line(mask(text), SHORT) for text in texts)
    return tuple(lines)[:MOST]

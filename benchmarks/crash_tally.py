"""What the outside process knows of the runs, and what it makes of it in the end.

A request is *under way* until the framework has told in its stream that the step is over, or the
run has gone on to its next request. Asked for again before that it was in flight; asked for again
after that a finished step has run again. Kills and sockets are the business of `crash_outside`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Literal

UNKNOWN = "unknown"
"""What an answer says of a step whose outcome the run could not learn."""

Kind = Literal["model", "effect"]


@dataclass(frozen=True, order=True, slots=True)
class Item:
    """A request of a run: the effect of a step, or the reply of a model that leads to it."""

    run: str
    lane: str
    """The agent that asks; each does one thing after the other."""
    number: int
    kind: Kind

    @property
    def order(self) -> int:
        """Where in its lane it stands."""
        return 2 * self.number + (self.kind == "effect")


def receipt(run: str, step: int) -> str:
    """Return what the service answers to the effect of a step; the final answer holds them all."""
    return hashlib.sha256(f"{run}/{step}".encode()).hexdigest()[:8]


@dataclass(kw_only=True)
class Tally:
    """Counts of all runs."""

    steps: int
    """Effects that each run has."""
    applied: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    keys: set[str] = field(default_factory=set[str])
    accepted: set[str] = field(default_factory=set[str])
    """Runs of which the submitter has heard that they were accepted."""
    told: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Final answers as the framework told them."""
    stored: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Status and answer of each run, as its store has them in the end."""
    in_flight: Counter[Item] = field(default_factory=Counter[Item])
    """How often a request was under way when its worker was killed."""
    again: Counter[Kind] = field(default_factory=Counter[Kind])
    """Requests for what was finished."""
    repeated: Counter[Kind] = field(default_factory=Counter[Kind])
    """Requests for what had been in flight."""
    asked: Counter[Kind] = field(default_factory=Counter[Kind])
    on_the_way: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """Steps that a kill may have met between the model's reply and the request for the effect."""
    _last: dict[tuple[str, str], tuple[Item, str]] = field(
        default_factory=dict[tuple[str, str], tuple[Item, str]]
    )
    """The last request of each lane, and the worker that made it."""
    _finished: set[Item] = field(default_factory=set[Item])
    _under_way: dict[Item, str] = field(default_factory=dict[Item, str])
    """The worker that asked last."""

    def request(self, item: Item, worker: str, *, dead: bool) -> bool:
        """Take in a request; say whether it is the first of its kind.

        `dead`: its worker was killed while the request was on its way.
        """
        self.asked[item.kind] += 1
        for other in [one for one in self._under_way if _before(one, item)]:
            self.finish(other)
        first = item not in self._finished and item not in self._under_way
        if item in self._finished:
            self.again[item.kind] += 1
        elif not first:
            self.repeated[item.kind] += 1
        if item not in self._finished:
            self._under_way[item] = worker
        self._last[item.run, item.lane] = (item, worker)
        if dead:
            self.in_flight[item] += 1
        return first

    def finish(self, item: Item) -> None:
        """Take note that a step is over."""
        self._under_way.pop(item, None)
        self._finished.add(item)

    def kill(self, worker: str) -> None:
        """Take note of what the worker had under way."""
        self.in_flight.update(item for item, one in self._under_way.items() if one == worker)
        last = (item for item, one in self._last.values() if one == worker)
        self.on_the_way.update((item.run, item.number) for item in last if item.kind == "model")

    def apply(self, run: str, step: int, key: str) -> None:
        """Have the effect, unless the key is known; an empty one never is."""
        if key not in self.keys:
            self.applied[run, step] += 1
        if key:
            self.keys.add(key)

    def result(self) -> dict[str, int]:
        """Return the figures. An outcome that is told to be unknown is not missing."""
        flights = _by_step(self.in_flight)
        more = {place: times - 1 for place, times in self.applied.items() if times > 1}
        done = {run for run in self.accepted if self._status(run) == "done"}
        places = [(run, step) for run in done for step in range(1, self.steps + 1)]
        may_be_unknown = self.on_the_way | flights.keys()
        unknown = {place for place in places if self._token(*place) == UNKNOWN}
        return {
            "accepted": len(self.accepted),
            "lost": len(self.accepted - done),
            "finished_steps_run_again": self.again["effect"],
            "duplicated_effects": sum(more.values()),
            "duplicated_beyond_in_flight": sum(
                max(0, times - flights[place]) for place, times in more.items()
            ),
            "missing_effects": sum(
                not self.applied[place] for place in places if place not in unknown
            ),
            "finished_model_calls_repeated": self.again["model"],
            "wrong_answers": sum(self._wrong(run, may_be_unknown) for run in done),
            "outcome_unknown": len(unknown),
            "outcome_unknown_and_applied": sum(self.applied[place] > 0 for place in unknown),
            "effects_in_flight_at_kills": sum(flights.values()),
            "model_calls_in_flight_at_kills": sum(
                times for item, times in self.in_flight.items() if item.kind == "model"
            ),
            "model_calls_in_flight_repeated": self.repeated["model"],
            "effect_requests": self.asked["effect"],
            "model_requests": self.asked["model"],
        }

    def _status(self, run: str) -> str:
        return self.stored.get(run, ("", ""))[0]

    def _token(self, run: str, step: int) -> str:
        tokens = self.stored[run][1].split()
        return tokens[step - 1] if len(tokens) == self.steps else ""

    def _wrong(self, run: str, may_be_unknown: Set[tuple[str, int]]) -> bool:
        """Say whether the answer is not that of an undisturbed run, or not the one that was told.

        Of a step that was under way at a kill it may say that the outcome is unknown.
        """
        answer = self.stored[run][1]
        if any(told != answer for told in self.told.get(run, ())):
            return True
        return not all(
            token == receipt(run, step) or (token == UNKNOWN and (run, step) in may_be_unknown)
            for step, token in self._tokens(run)
        )

    def _tokens(self, run: str) -> Iterator[tuple[int, str]]:
        return ((step, self._token(run, step)) for step in range(1, self.steps + 1))


def _before(one: Item, other: Item) -> bool:
    """Say whether the one is over because the other has begun."""
    return (one.run, one.lane) == (other.run, other.lane) and one.order < other.order


def _by_step(in_flight: Counter[Item]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for item, times in in_flight.items():
        if item.kind == "effect":
            found[item.run, item.number] += times
    return found

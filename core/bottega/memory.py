"""The seam for what is kept between runs: facts that were learned, and episodes of past runs.

What comes out of a memory is material, never an instruction: whoever shows it to a model quotes it
(`bottega.reminding`). Which store keeps it is a plugin's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bottega.messages import Json

if TYPE_CHECKING:
    from bottega.decider import Decider


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a fact comes from."""

    run: str = ""
    node: str = ""
    step: int = 0
    citation: str = ""
    """Key of the passage that it rests on, or whatever else was named as its source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing that is remembered."""

    text: str
    subject: str = ""
    """What it is about, in a word or two; empty where nobody said."""
    user: str = ""
    """Whose memory it belongs to; empty for everybody's."""
    source: Source = Source()
    confidence: float = 1.0
    """How sure whoever remembered it was, from 0 to 1."""
    time: float = 0.0
    """Seconds since the epoch (UTC) at which it was remembered."""
    id: str = ""
    """Given by the memory where it is empty; remembering one id twice does nothing more."""
    supersedes: str = ""
    """Id of the older fact about the same thing that this one takes the place of."""
    superseded_by: str = ""
    """Id of the newer fact that has taken its place; empty for what holds now."""

    def to_json(self) -> dict[str, Json]:
        """Return the fact as a JSON object."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Fact:
        """Read what `to_json` wrote."""
        plain: dict[str, Any] = {**data, "source": Source(**data["source"])}
        return Fact(**plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One past run, as it may help with a similar task."""

    run: str
    task: str
    user: str = ""
    graph: str = ""
    """Name of the graph or agent that did it."""
    status: str = "done"
    """See `bottega.events.Status`."""
    answer: str = ""
    plan: tuple[str, ...] = ()
    """What was planned or handed on, in order."""
    tools: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tools that were called, and how often."""
    failures: tuple[str, ...] = ()
    """What went wrong on the way."""
    time: float = 0.0
    """Seconds since the epoch (UTC) at which it ended."""

    def to_json(self) -> dict[str, Json]:
        """Return the episode as a JSON object."""
        data = asdict(self)
        return {**data, "plan": list(self.plan), "failures": list(self.failures)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Episode:
        """Read what `to_json` wrote."""
        plain: dict[str, Any] = {**data}
        for name in ("plan", "failures"):
            plain[name] = tuple(data[name])
        return Episode(**plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalled:
    """A fact that was found, and how well it fits: from 0 to 1."""

    fact: Fact
    score: float
    newer: str = ""
    """Id of a fact, found with it, that was remembered later and seems to be about the same thing:
    it may be out of date, though nobody could tell. Empty where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relived:
    """An episode that was found, and how similar its task is: from 0 to 1."""

    episode: Episode
    score: float


@runtime_checkable
class Memory(Protocol):
    """Something that remembers. Every method raises StorageError when its store fails.

    What belongs to a user is found for that user alone; what belongs to nobody, for everybody.
    """

    async def remember(self, fact: Fact, judge: Decider | None = None) -> Fact:
        """Keep the fact, on disk when this returns; return it with its id and what it supersedes.

        A fact that is there already, word for word, is returned as it is. `judge` is asked whether
        a fact about the same thing is out of date now; without one the memory decides by likeness.
        """
        ...

    async def recall(self, query: str, k: int = 5, *, user: str = "") -> Sequence[Recalled]:
        """Return at most k facts that hold now, best first; fewer when nothing more fits."""
        ...

    async def record(self, episode: Episode) -> None:
        """Keep the episode; one of the same run takes the place of the earlier."""
        ...

    async def similar(self, task: str, k: int = 3, *, user: str = "") -> Sequence[Relived]:
        """Return at most k episodes of similar tasks, best first."""
        ...

    async def facts(self, user: str | None = None) -> Sequence[Fact]:
        """Return all facts of a user, the oldest first, the superseded ones too; None for all."""
        ...

    async def episodes(self, user: str | None = None) -> Sequence[Episode]:
        """Return all episodes of a user, the oldest first; None for all."""
        ...

    async def forget(self, *, user: str | None = None, id: str | None = None) -> int:
        """Delete all of a user, or one fact with those that it superseded, or one run's episode.

        Return how many entries are gone: from disk, too. Raises InputError unless exactly one of
        the two is given, or when there is nothing of that id.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the store; the next use opens it again."""
        ...


async def export(memory: Memory, user: str) -> dict[str, Json]:
    """Return all that a memory holds of a user, as a JSON object."""
    return {
        "user": user,
        "facts": [fact.to_json() for fact in await memory.facts(user)],
        "episodes": [episode.to_json() for episode in await memory.episodes(user)],
    }

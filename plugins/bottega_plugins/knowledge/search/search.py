"""How a search is to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, runtime_checkable

from bottega.errors import InputError

MODES = ("hybrid", "words", "vectors")


@runtime_checkable
class Reranker(Protocol):
    """A model that reads a query and a text together."""

    async def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers the query; more is better."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What a search does beside ranking by the query."""

    mode: Literal["hybrid", "words", "vectors"] = "hybrid"
    diversity: float = 0.0
    """0 for the best passages, however alike; up to 1 for the most different of the good ones."""
    reranker: Reranker | None = None
    """Puts the best candidates in order anew."""
    exact: tuple[str, ...] = ()
    """Phrases, each of which must stand in the passage, its title or a heading. A single text is
    taken as one phrase. Of passages that have all their words the best 20,000 are read."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"unknown mode {self.mode!r}", hint=f"known: {', '.join(MODES)}")
        diversity: Any = self.diversity
        if not isinstance(diversity, int | float) or not 0 <= diversity <= 1:
            raise InputError(f"diversity is {diversity!r:.80}: it goes from 0 to 1")
        phrases: Any = self.exact
        object.__setattr__(self, "exact", _phrases(phrases))


def _phrases(given: Any) -> tuple[str, ...]:
    """Return one phrase or several as a tuple."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list | tuple):
        phrases = tuple(cast("Sequence[Any]", given))
        if all(isinstance(phrase, str) for phrase in phrases):
            return phrases
    raise InputError(
        f"exact must be phrases, not {given!r:.80}", hint='write exact=("cold winter",)'
    )

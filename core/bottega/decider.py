"""The seam for small decisions: which one, whether, how good.

Routing, stop or continue, a critic's verdict, whether passages suffice, whether an action is risky:
all pass through a `Decider`. A prompt over a model is the default (`bottega.deciders`); a
classifier, an embedding comparison or a learned policy can take its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from bottega.model import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One thing to choose."""

    name: str
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which option, and how sure."""

    name: str | None
    """The chosen option; None when the decider abstains."""
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])
    """Calibrated, one per option; what is missing to 1 is the probability of none of them."""
    reason: str = ""
    usage: Usage = Usage()
    """Tokens that the decision took, where it took any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Yes or no, and how sure."""

    verdict: bool | None
    """None when the decider abstains."""
    probability: float | None = None
    """Calibrated probability of yes; None where the decider has no honest figure."""
    reason: str = ""
    usage: Usage = Usage()
    """Tokens that the decision took, where it took any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How good, from 0 to 1."""

    value: float | None
    """None when the decider abstains."""
    reason: str = ""
    usage: Usage = Usage()
    """Tokens that the decision took, where it took any."""


@runtime_checkable
class Decider(Protocol):
    """Something that decides; every method may abstain."""

    @property
    def name(self) -> str:
        """How users name it."""
        ...

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        """Pick one of the options for the question."""
        ...

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        """Say whether the statement or question holds, given the context."""
        ...

    async def score(self, question: str, *, context: str = "") -> Score:
        """Say how well the context does what the question asks."""
        ...

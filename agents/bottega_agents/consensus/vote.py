"""The kind `vote`: the answer that most members give, each with its weight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bottega_agents.consensus.agreement import Compare, Group, grouped
from bottega_agents.consensus.opinion import Ask, Verdict
from bottega_agents.consensus.panel import Panel
from bottega_agents.consensus.sitting import Sitting

Ties = Literal["first", "abstain"]
"""What a tie comes to: the answer of the member that is listed first, or none."""


@dataclass(frozen=True, kw_only=True)
class Vote(Panel):
    """The kind `vote`."""

    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of a member's vote; 1 where nothing is said."""
    share: float = 0.0
    """The winner needs more than this share of the votes cast: 0.5 for an absolute majority."""
    ties: Ties = "first"
    compare: Compare = "meaning"

    @property
    def role(self) -> str:
        """The kind's name."""
        return "vote"

    async def settle(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        """Count the votes."""
        groups = await grouped(sitting, self.compare)
        self.tell(sitting, groups)
        return self.counted(groups)

    def counted(self, groups: Sequence[Group]) -> Verdict:
        """Return what the votes come to. `groups` are those that gave the same answer."""
        most = max(map(self._weight, groups))
        total = sum(map(self._weight, groups))
        first = [group for group in groups if math.isclose(self._weight(group), most)]
        told = "; ".join(f"{self._weight(group):g} for {_names(group)}" for group in groups)
        if len(first) > 1 and self.ties == "abstain":
            return Verdict(winner=None, reason=f"a tie: {told}", share=most / total)
        if most / total <= self.share:
            needed = f"more than {self.share:.0%} is needed"
            return Verdict(winner=None, reason=f"no majority: {told}; {needed}", share=most / total)
        if len(first) > 1:
            told = f"a tie, decided for {first[0][0].member}, who is listed first: {told}"
        winner = max(first[0], key=lambda opinion: len(opinion.citations))
        return Verdict(winner=winner, reason=told, share=most / total)

    def _weight(self, group: Group) -> float:
        return sum(self.weights.get(opinion.member, 1.0) for opinion in group)

    def tell(self, sitting: Sitting, groups: Sequence[Group]) -> None:
        """Say who voted what."""
        votes = {id(opinion): group[0] for group in groups for opinion in group}
        for opinion in sitting.opinions:
            vote = votes.get(id(opinion))
            whose = f"vote of {opinion.member}, weight {self.weights.get(opinion.member, 1.0):g}"
            if vote is None:
                sitting.decided(whose, "abstain", f"{whose}: {opinion.why_not}")
            else:
                own = f": {opinion.text}" if opinion is not vote else ""
                sitting.decided(whose, vote.text, f"{whose}{own}")


def _names(group: Group) -> str:
    text = group[0].text
    names = ", ".join(opinion.member for opinion in group)
    return f"{text[:60]!r} ({names})"


def weight_problem(weights: Mapping[str, float], members: Sequence[str]) -> str:
    """Say what is wrong with the weights; nothing when all is well."""
    for name, weight in weights.items():
        if name not in members:
            return f"weights: {name!r} is no member"
        if not (weight > 0 and math.isfinite(weight)):
            return f"weights: that of {name!r} must be a positive number"
    return ""

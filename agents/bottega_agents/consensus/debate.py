"""The kind `debate`: members see each other's answers and revise theirs, until they agree.

After Du et al., "Improving Factuality and Reasoning in Language Models through Multiagent Debate"
(2023), https://arxiv.org/abs/2305.14325. What others say is shown as quotations, never as
instructions. After the last round it is put to the vote, or to the judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bottega_agents.consensus.agreement import Group, grouped
from bottega_agents.consensus.judge import Judge
from bottega_agents.consensus.opinion import Ask, Opinion, Verdict
from bottega_agents.consensus.sitting import Sitting
from bottega_agents.consensus.vote import Vote

OWN = "Your own answer in round {round} of a debate"
OTHERS = "The answer of {member} in round {round} of the debate"
AGAIN = "{task}\n\nThis is a debate: weigh the answers above against yours. Then answer again."


@dataclass(frozen=True, kw_only=True)
class Debate(Vote):
    """The kind `debate`."""

    rounds: int = 2
    """How often members answer at most; the first time they see the task alone."""
    settle_by: Literal["vote", "judge"] = "vote"
    rubric: str = ""
    """For the judge: what a good answer does, beyond doing the task."""

    @property
    def role(self) -> str:
        """The kind's name."""
        return "debate"

    async def settle(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        """Have another round, or come to an end."""
        _keep_earlier(sitting)
        groups = await grouped(sitting, self.compare)
        number = len(sitting.rounds)
        agreed = len(groups) == 1
        told = f"{len(sitting.standing)} answers of {len(groups)} kinds after round {number}"
        sitting.decided("do the members agree?", "yes" if agreed else "no", told)
        if not agreed and number < self.rounds:
            return [self._again(sitting, member) for member in self.members]
        return await self._end(sitting, groups)

    async def _end(self, sitting: Sitting, groups: Sequence[Group]) -> Verdict:
        self.tell(sitting, groups)
        if self.settle_by == "vote":
            return self.counted(groups)
        return await Judge(members=self.members, rubric=self.rubric).picked(sitting, groups)

    def _again(self, sitting: Sitting, member: str) -> Ask:
        """Put the task to a member again, with what was answered so far."""
        number = len(sitting.rounds)
        others = [opinion for opinion in sitting.standing if opinion.member != member]
        own = [opinion for opinion in sitting.standing if opinion.member == member]
        quotes = [(OWN.format(round=number), opinion.text) for opinion in own]
        quotes += [(OTHERS.format(member=one.member, round=number), one.text) for one in others]
        cited = [citation for opinion in sitting.standing for citation in opinion.citations]
        task = AGAIN.format(task=sitting.task)
        return sitting.ask(member, task=task, quotes=quotes, citations=cited)


def _keep_earlier(sitting: Sitting) -> None:
    """Let a member that had an answer, and none this time, keep the one it had."""
    for earlier in sitting.rounds[-2:-1]:
        had = {opinion.member: opinion for opinion in earlier if opinion.counts}
        sitting.rounds[-1] = [_kept(opinion, had) for opinion in sitting.opinions]


def _kept(opinion: Opinion, had: dict[str, Opinion]) -> Opinion:
    return opinion if opinion.counts else had.get(opinion.member, opinion)

"""The kind `judge`: a decider picks the best of several answers, and says why.

It is asked in both orders, for models prefer what stands in a certain place: Zheng et al., "Judging
LLM-as-a-Judge" (2023), https://arxiv.org/abs/2306.05685.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bottega.decider import Choice, Option
from bottega_agents.consensus.agreement import Group, by_text
from bottega_agents.consensus.opinion import Ask, Verdict
from bottega_agents.consensus.panel import Panel
from bottega_agents.consensus.sitting import Sitting

BEST = "Which of these answers, each a quotation, does the task best?\nTask: {task}"
RUBRIC = "{best}\nA good answer: {rubric}"
_LONGEST = 4_000
"""Characters of an answer that the judge reads."""


@dataclass(frozen=True, kw_only=True)
class Judge(Panel):
    """The kind `judge`."""

    rubric: str = ""
    """What a good answer does, beyond doing the task."""

    @property
    def role(self) -> str:
        """The kind's name."""
        return "judge"

    async def settle(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        """Have the best answer picked."""
        return await self.picked(sitting, by_text(sitting.standing))

    async def picked(self, sitting: Sitting, groups: Sequence[Group]) -> Verdict:
        """Return the best of the answers; `groups` are those that say the same."""
        first = groups[0][0]
        if len(groups) == 1:
            return Verdict(winner=first, reason="all answers are the same", share=1.0)
        options = [
            Option(name=f"answer_{number}", description=_quoted(group))
            for number, group in enumerate(groups, 1)
        ]
        there = await self._choice(sitting, options)
        back = await self._choice(sitting, options[::-1])
        named = {choice.name: choice for choice in (there, back) if choice.name}
        reason = "; ".join(dict.fromkeys(one.reason for one in (there, back) if one.reason))
        if len(named) != 1:
            doubt = "wavers between two answers" if named else "cannot tell"
            said = f"the judge {doubt}; that of {first.member}, listed first, stands: {reason}"
            return Verdict(winner=first, reason=said.rstrip(": "))
        (name,) = named
        place = [option.name for option in options].index(name)
        winner = max(groups[place], key=lambda opinion: len(opinion.citations))
        share = named[name].probabilities.get(name)
        return Verdict(winner=winner, reason=f"{name} is by {winner.member}: {reason}", share=share)

    async def _choice(self, sitting: Sitting, options: Sequence[Option]) -> Choice:
        best = BEST.format(task=sitting.question)
        question = RUBRIC.format(best=best, rubric=self.rubric) if self.rubric else best
        return await sitting.decisions.choose(question, options)


def _quoted(group: Group) -> str:
    """Return an answer as one line that cannot be taken for another option."""
    return json.dumps(group[0].text[:_LONGEST], ensure_ascii=False)

"""The kind `best_of`: several tries at a task, each scored, and the best one kept.

After Cobbe et al., "Training Verifiers to Solve Math Word Problems" (2021),
https://arxiv.org/abs/2110.14168. The scores come from the decider, or from a node that verifies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bottega.decider import Score
from bottega.json_object import find_object
from bottega_agents.consensus.agreement import Group, by_text
from bottega_agents.consensus.opinion import Ask, Opinion, Verdict
from bottega_agents.consensus.panel import Panel
from bottega_agents.consensus.sitting import Sitting

QUOTE = "An answer that somebody gave to the task below"
VERIFY = """\
How well does the answer above do this task? Check it as well as you can; do not do the task anew.
Reply with one JSON object and nothing else: {{"score": <0 to 1>, "reason": "<short>"}}

The task: {task}"""
_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)(?:\s*(?:/|(?:out )?of)\s*(\d+(?:\.\d+)?))?")
"""A number, and what it is a part of where that is said: `0.8`, `0.8/1`, `7 out of 10`."""
_SCORE = re.compile(rf"\bscore\b[\"'*\s]*(?:is|of|:|=)?[\"'*\s]*{_NUMBER.pattern}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class BestOf(Panel):
    """The kind `best_of`."""

    samples: int = 3
    """Tries of each member."""
    verifier: str = ""
    """A node that scores each try; empty for the decider."""
    floor: float = 0.0
    """Below this score, from 0 to 1, the panel abstains; with 0 it never does: where nothing could
    be scored, the first try stands."""

    @property
    def delegates(self) -> Sequence[str]:
        """The members and the verifier."""
        return (*self.members, self.verifier) if self.verifier else self.members

    @property
    def role(self) -> str:
        """The kind's name."""
        return "best_of"

    def open(self, sitting: Sitting) -> Sequence[Ask]:
        """Ask every member several times."""
        return [sitting.ask(member) for member in self.members for _ in range(self.samples)]

    async def settle(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        """Score the tries; those that say the same are scored once."""
        tries = by_text(opinion for opinion in sitting.rounds[0] if opinion.counts)
        if len(sitting.rounds) > 1:
            return self._best(sitting, tries, [_read(opinion) for opinion in sitting.opinions])
        if self.verifier:
            return [self._verify(sitting, group) for group in tries]
        scored = [
            await sitting.decisions.score(sitting.question, context=group[0].text)
            for group in tries
        ]
        return self._best(sitting, tries, scored)

    def _verify(self, sitting: Sitting, group: Group) -> Ask:
        task = VERIFY.format(task=sitting.question)
        quotes = [(QUOTE, group[0].text)]
        return sitting.ask(self.verifier, task=task, quotes=quotes, citations=group[0].citations)

    def _best(self, sitting: Sitting, tries: Sequence[Group], scores: Sequence[Score]) -> Verdict:
        for group, score in zip(tries, scores, strict=True):
            value = "none" if score.value is None else f"{score.value:.2f}"
            scored = f"score of {group[0].text[:60]!r}"
            sitting.decided(scored, value, f"{scored}: {score.reason}", score.value)
        values = [-1.0 if score.value is None else score.value for score in scores]
        best = max(range(len(tries)), key=values.__getitem__)  # the first of those that are equal
        score = scores[best]
        told = f"the best of {len(tries)} different answers: {score.reason}".rstrip(": ")
        if self.floor and values[best] < self.floor:
            told = f"none of {len(tries)} different answers reaches {self.floor:g}"
            return Verdict(winner=None, reason=told, share=score.value)
        return Verdict(winner=tries[best][0], reason=told, share=score.value)


def _read(opinion: Opinion) -> Score:
    """Read a verifier's reply; one without a score is an abstention."""
    if not opinion.counts:
        return Score(value=None, reason=opinion.why_not)
    data = find_object(opinion.text)
    value, reason = data.get("score"), str(data.get("reason", "")) or opinion.text
    if not data:
        value = _number(opinion.text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return Score(value=None, reason=f"the verifier gave no score from 0 to 1: {reason}")
    return Score(value=float(value), reason=reason)


def _number(text: str) -> float | None:
    """Return the score in a text: the number after that word, or the only one; else None."""
    found = _SCORE.findall(text) or _NUMBER.findall(text)
    scores = {float(number) if float(whole or 1) == 1 else None for number, whole in found}
    return scores.pop() if len(scores) == 1 else None

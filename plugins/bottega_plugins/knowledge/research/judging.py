"""Judging what came back, through the `Decider`: each passage, and all of them together.

A passage is judged once for a question; what was said of it is kept for the turns that follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bottega.decider import Decider, Judgement
from bottega.messages import Citation
from bottega.model import Usage
from bottega_plugins.knowledge.research.case import Case

HELPS = "The material helps to answer this question: {question}"
SUFFICES = "The material holds everything that is needed to answer this question: {question}"
SUPPORTED = "{claim}"
AT_ONCE = 8
"""Judgements that are asked for at the same time."""
MOST_REMEMBERED = 2_000
UNSURE_KEPT = 2
"""Best results of a search that are kept where the decider abstains."""
LONGEST = 4_000
"""Characters of a passage that are judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was made of a passage."""

    passage: Citation
    kept: bool
    probability: float | None = None
    """That it helps to answer."""
    reason: str = ""


@dataclass(kw_only=True)
class Judge:
    """A decider at work on one turn."""

    decider: Decider
    usage: Usage = Usage()
    """Tokens that judgements have taken so far."""
    said: dict[tuple[str, str], Judgement] = field(default_factory=dict[tuple[str, str], Judgement])
    """What was judged before, by question and passage; several judges may share it."""

    async def verdicts(self, case: Case) -> list[Verdict]:
        """Judge every passage that was found, by the question and by the query that found it."""
        ranks = _ranks(case)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(passage: Citation) -> Verdict:
            async with limit:
                said = await self._helps(case.question, passage)
            unsure = said.verdict is None and ranks[passage.key] < UNSURE_KEPT
            return Verdict(
                passage=passage,
                kept=said.verdict is True or unsure,
                probability=said.probability,
                reason=said.reason,
            )

        return list(await asyncio.gather(*map(one, case.passages.values())))

    async def sufficient(self, question: str, kept: Sequence[Citation]) -> Judgement:
        """Judge whether the kept passages hold everything that the answer needs."""
        if not kept:
            return Judgement(verdict=False, reason="nothing that was found helps")
        context = "\n\n".join(material(passage) for passage in kept)
        return await self._judge(SUFFICES.format(question=question), context)

    async def supported(self, claim: str, text: str) -> Judgement:
        """Judge whether a text supports a claim."""
        return await self._judge(SUPPORTED.format(claim=claim), text)

    async def contradicted(self, claim: str, text: str) -> Judgement:
        """Judge whether a text contradicts a claim."""
        return await self._judge(f"The material contradicts this statement: {claim}", text)

    async def _helps(self, question: str, passage: Citation) -> Judgement:
        key = (question, passage.key)
        if key not in self.said:
            if len(self.said) >= MOST_REMEMBERED:
                self.said.pop(next(iter(self.said)))
            asked = HELPS.format(question=question)
            self.said[key] = await self._judge(asked, material(passage))
        return self.said[key]

    async def _judge(self, statement: str, context: str) -> Judgement:
        said = await self.decider.judge(statement, context=context)
        self.usage = self.usage + said.usage
        return said


def material(passage: Citation) -> str:
    """Return a passage as deciders read it: where it stands, and its text."""
    return f"{passage.heading}\n{passage.quote[:LONGEST]}".strip()


def kept_passages(verdicts: Iterable[Verdict], most: int) -> list[Citation]:
    """Return the passages worth answering from, the likeliest first, at most so many."""
    kept = [verdict for verdict in verdicts if verdict.kept]
    kept.sort(key=lambda verdict: -(verdict.probability or 0.0))  # stable: else in order of finding
    return [verdict.passage for verdict in kept[:most]]


def _ranks(case: Case) -> Mapping[str, int]:
    """Return the best place of each passage among the results of a search."""
    ranks: dict[str, int] = {}
    for search in case.searches:
        for rank, citation in enumerate(search.found):
            ranks[citation.key] = min(rank, ranks.get(citation.key, rank))
    return ranks

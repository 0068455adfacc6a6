"""Judging what came back, through the `Decider`: each passage, and all of them together.

A passage is judged once for a question; what was said of it is kept for the turns that follow.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bottega.decider import Decider, Judgement
from bottega.errors import BottegaError
from bottega.messages import Citation
from bottega.model import Usage
from bottega_plugins.knowledge.research.case import Case
from bottega_plugins.knowledge.visible import visible

HELPS = "The material helps to answer this question: {question}"
SUFFICES = "The material holds everything that is needed to answer this question: {question}"
SUPPORTED = "The material supports this statement: {claim}"
CONTRADICTED = "The material contradicts this statement: {claim}"
RULE = "\n\n---\n\n"
"""What stands between passages that are judged together."""
AT_ONCE = 8
"""Judgements that are asked for at the same time."""
MOST_REMEMBERED = 2_000
FLOOR = 0.2
"""What a passage is worth to the answer even where the decider finds it improbable: the step on the
way to an answer does not look like one."""
HEAD = 3
"""Of the reciprocal ranks: small, so that the first results of each search count most."""
LONGEST = 4_000
"""Characters of a passage that are judged."""


T = TypeVar("T")
Said = dict[tuple[str, str], Judgement]


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once; where one part fails, the others are stopped and its error raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except* BottegaError as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was made of a passage."""

    passage: Citation
    kept: bool
    worth: float
    """How often and how high searches have found it, times how likely it is to help."""
    probability: float | None = None
    """That it helps to answer."""
    reason: str = ""
    sure: bool = True
    """Whether the decider said so; what it cannot tell is kept while there is room."""
    crowded_out: bool = False
    """Whether it may help, but others do more, and there is no room for all."""


@dataclass(kw_only=True)
class Judge:
    """A decider at work on one turn."""

    decider: Decider
    usage: Usage = Usage()
    """Tokens that judgements have taken so far."""
    said: Said = field(default_factory=dict[tuple[str, str], Judgement])
    """What was judged before, by question and text; several judges may share it."""
    tokens_left: int | None = None
    """Tokens that judging may take; what is left over then is not judged."""
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def is_spent(self) -> bool:
        """Whether no tokens are left for more."""
        return self.tokens_left is not None and self.usage.total >= self.tokens_left

    async def verdicts(self, case: Case, most: int) -> list[Verdict]:
        """Judge every passage that was found; keep at most so many, and none that does not help.

        The likeliest to be of use come first.
        """
        found = list(case.passages.values())
        said = await together(self._helps(case.question, passage) for passage in found)
        seen = _prominence(case)
        order = [
            _verdict(passage, judgement, seen[passage.key])
            for passage, judgement in zip(found, said, strict=True)
        ]
        order.sort(key=lambda verdict: (not verdict.kept, -verdict.worth))
        return [v if p < most else _crowded_out(v) for p, v in enumerate(order)]

    async def sufficient(self, question: str, kept: Sequence[Citation]) -> Judgement:
        """Judge whether the kept passages hold everything that the answer needs."""
        if not kept:
            return Judgement(verdict=False, reason="nothing that was found helps")
        context = RULE.join(material(passage) for passage in kept)
        return await self._judge(SUFFICES.format(question=question), context)

    async def supported(self, claim: str, text: str) -> Judgement:
        """Judge whether a text supports a claim."""
        return await self._judge(SUPPORTED.format(claim=_quoted(claim)), visible(text))

    async def contradicted(self, claim: str, text: str) -> Judgement:
        """Judge whether a text contradicts a claim."""
        return await self._judge(CONTRADICTED.format(claim=_quoted(claim)), visible(text))

    async def _helps(self, question: str, passage: Citation) -> Judgement:
        key = (question, material(passage))
        if key not in self.said:
            said = await self._judge(HELPS.format(question=question), key[1])
            if self.is_spent:
                return said
            if len(self.said) >= MOST_REMEMBERED:
                self.said.pop(next(iter(self.said)))
            self.said[key] = said
        return self.said[key]

    async def _judge(self, statement: str, context: str) -> Judgement:
        async with self._at_once:
            if self.is_spent:
                return Judgement(verdict=None, reason="no tokens are left to judge it")
            said = await self.decider.judge(statement, context=context)
            self.usage = self.usage + said.usage
            return said


def _quoted(claim: str) -> str:
    """Return a claim as a JSON string: a draft may have been talked into giving orders."""
    return json.dumps(visible(claim), ensure_ascii=False)


def material(passage: Citation) -> str:
    """Return a passage as deciders read it: where it stands, and its text."""
    return visible(f"{passage.heading}\n{passage.quote[:LONGEST]}".strip())


def _verdict(passage: Citation, said: Judgement, prominence: float) -> Verdict:
    likely = 0.5 if said.probability is None else said.probability
    return Verdict(
        passage=passage,
        kept=said.verdict is not False,
        sure=said.verdict is not None,
        worth=prominence * (FLOOR + likely),
        probability=said.probability,
        reason=said.reason,
    )


def _crowded_out(verdict: Verdict) -> Verdict:
    return replace(verdict, kept=False, crowded_out=verdict.kept)


def _prominence(case: Case) -> Mapping[str, float]:
    """Return how often and how high each passage was found: its reciprocal ranks added up."""
    seen: dict[str, float] = {}
    for search in case.searches:
        for rank, citation in enumerate(search.found):
            seen[citation.key] = seen.get(citation.key, 0.0) + 1 / (HEAD + rank)
    return seen

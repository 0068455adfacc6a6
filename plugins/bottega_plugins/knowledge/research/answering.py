"""From the kept passages to an answer: drafted, its sentences checked, contradictions beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bottega.messages import Citation
from bottega_plugins.knowledge.research.case import Case
from bottega_plugins.knowledge.research.conflicts import Conflict, find_conflicts, outranked
from bottega_plugins.knowledge.research.judging import Judge
from bottega_plugins.knowledge.research.query import Draft, Scribe
from bottega_plugins.knowledge.research.verifying import Verified, verify


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A draft and what was found out about it; only that of an abstention was not checked."""

    draft: Draft
    verified: Verified
    conflicts: tuple[Conflict, ...] = ()


async def write_answer(
    case: Case, kept: Sequence[Citation], scribe: Scribe, judge: Judge
) -> Answer:
    """Answer from the kept passages.

    Quotes contradicted by a source that searches ranked higher are taken from that source instead:
    which value stands first must not depend on how the sentence around it reads.
    """
    draft = await scribe.answer(case, kept)
    if draft.abstains:
        return Answer(draft=draft, verified=Verified(sentences=()))
    answer = await _checked(case, draft, kept, scribe, judge)
    worse = (
        outranked(answer.conflicts, case.ranked(kept)) if scribe.extractive else frozenset[str]()
    )
    if not worse:
        return answer
    other = await scribe.answer(case, [p for p in kept if p.source not in worse])
    usage = draft.usage + other.usage
    if other.abstains:
        return replace(answer, draft=replace(draft, usage=usage))
    return await _checked(case, replace(other, usage=usage), kept, scribe, judge)


async def _checked(
    case: Case, draft: Draft, kept: Sequence[Citation], scribe: Scribe, judge: Judge
) -> Answer:
    """Compare a draft with the passages; quotes need no judge for that, nor could one tell more."""
    quoted = scribe.extractive
    verified = await verify(draft.text, kept, judge, quoted=quoted)
    conflicts = await find_conflicts(
        case.question, verified, case.ranked(kept), judge, confirm=not quoted
    )
    return Answer(draft=draft, verified=verified, conflicts=conflicts)

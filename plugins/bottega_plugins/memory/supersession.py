"""Whether a new fact takes the place of an older one. When in doubt it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bottega.decider import Decider
from bottega.errors import BottegaError, BudgetExceeded, StorageError
from bottega.memory import Fact, Recalled
from bottega_plugins.memory.negation import denies
from bottega_plugins.memory.ranking import words

LIKE = 0.6
"""Cosine from which two facts may be about the same thing, and a judge is asked."""
SAME_SUBJECT = 0.75
"""Cosine from which, without a judge, facts of the same subject are taken for the same thing."""
SURE = 0.7
"""Least probability with which a judge may say that a fact is out of date."""
QUESTION = (
    "The material is two notes, an older and a newer one. Is the older one out of date now: do "
    "both tell the same property of the same thing, with different values, so that only the newer "
    "one can hold?"
)


async def superseded(
    fact: Fact, candidates: Sequence[Recalled], judge: Decider | None
) -> Fact | None:
    """Return the one of the candidates that the fact takes the place of; scores are cosines."""
    for candidate in candidates:
        old = candidate.fact
        if candidate.score < LIKE or old.user != fact.user or _differ(old, fact):
            continue
        if denies(old.text, fact.text):
            return old
        verdict = await _judged(old, fact, judge)
        if verdict is None:
            same = bool(old.subject) and words(old.subject) == words(fact.subject)
            verdict = same and candidate.score >= SAME_SUBJECT
        if verdict:
            return old
    return None


def _differ(old: Fact, new: Fact) -> bool:
    """Say whether both name a subject, and not the same."""
    return bool(old.subject and new.subject) and words(old.subject) != words(new.subject)


async def _judged(old: Fact, new: Fact, judge: Decider | None) -> bool | None:
    """Ask; None when nobody can tell."""
    if judge is None:
        return None
    notes = json.dumps({"older": _shown(old), "newer": _shown(new)}, ensure_ascii=False)
    try:
        said = await judge.judge(QUESTION, context=notes)
    except (BudgetExceeded, StorageError):
        raise
    except BottegaError:
        return None
    if said.verdict is None:
        return None
    if said.verdict and said.probability is not None and said.probability < SURE:
        return False
    return said.verdict


def _shown(fact: Fact) -> str:
    return f"{fact.subject}: {fact.text}" if fact.subject else fact.text

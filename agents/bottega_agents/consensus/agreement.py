"""Which answers say the same: by their words, and where those differ, by their meaning.

Two answers mean the same when each supports the other, after Kuhn et al., "Semantic Uncertainty"
(2023), https://arxiv.org/abs/2302.09664; who says so is the decider.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Literal

from bottega_agents.consensus.opinion import Opinion
from bottega_agents.consensus.sitting import Sitting

Compare = Literal["meaning", "text"]
"""By what answers are grouped: `text` spares the decider, and is enough for short ones."""
Group = list[Opinion]
"""Answers that say the same, in the order of the members."""

STATED = "The material supports this statement: {statement}"
_EDGES = " \t\r\n.,;:!?\"'`()[]{}*_\u201c\u201d\u2018\u2019\u00ab\u00bb"
_LONGEST_TASK = 1_000
"""Characters of the task that a comparison is told."""


def normalised(opinion: Opinion) -> str:
    """Return an answer's words without case, keys of passages and punctuation around them."""
    text = opinion.text
    for citation in opinion.citations:
        text = text.replace(f"[{citation['key']}]", " ")
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = (word.strip(_EDGES) for word in folded.split())
    return " ".join(word for word in words if word) or folded.strip()


def by_text(opinions: Iterable[Opinion]) -> list[Group]:
    """Group answers whose words are the same."""
    found: dict[str, Group] = {}
    for opinion in opinions:
        found.setdefault(normalised(opinion), []).append(opinion)
    return list(found.values())


async def grouped(sitting: Sitting, compare: Compare) -> list[Group]:
    """Group the answers that count; at most one comparison for each pair of different ones."""
    groups: list[Group] = []
    for group in by_text(sitting.standing):
        same = await _same(group, groups, sitting) if compare == "meaning" else None
        if same is None:
            groups.append(group)
        else:
            same.extend(group)
    return groups


async def _same(group: Group, groups: list[Group], sitting: Sitting) -> Group | None:
    for other in groups:
        if await _supports(other[0], group[0], sitting) and await _supports(
            group[0], other[0], sitting
        ):
            return other
    return None


async def _supports(one: Opinion, other: Opinion, sitting: Sitting) -> bool:
    task = " ".join(sitting.question.split())[:_LONGEST_TASK]
    statement = json.dumps(normalised(other), ensure_ascii=False)
    judgement = await sitting.decisions.judge(
        STATED.format(statement=statement), context=f"Task: {task}\n\n{one.text}"
    )
    return judgement.verdict is True

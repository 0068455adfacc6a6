"""The tool by which an agent looks into its memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bottega.escape import mask
from bottega.messages import Citation
from bottega.reminding import day, facts_to_show, newest_first
from bottega.tools import Output, Tool

if TYPE_CHECKING:
    from bottega.memory import Memory, Recalled

MOST = 20


class Recall(Tool):
    """Find facts that were remembered."""

    name = "recall"
    effects = "none"
    permissions = frozenset({"files:read"})
    trust = "untrusted"  # whatever was remembered is material, never an instruction

    def __init__(self, memory: Memory, user: str = "") -> None:
        self._memory = memory
        self._user = user

    async def run(self, query: str, k: int = 5) -> Output:
        """Find what was remembered in earlier work: facts, preferences, decisions.

        Each fact begins with its key in square brackets; cite the keys of those that you use. One
        that names a newer fact may be out of date.

        Args:
            query: what to look for: a question, or words of the fact.
            k: how many facts to return at most.
        """
        found = await self._memory.recall(query, max(1, min(k, MOST)), user=self._user)
        if not found:
            return Output(content="nothing is remembered about that")
        cited = tuple(_citation(one) for one in newest_first(found))
        shown = (json.dumps(fact, ensure_ascii=False) for fact in facts_to_show(found))
        lines = (f"[{one.key}] {fact}" for one, fact in zip(cited, shown, strict=True))
        return Output(content="\n".join(lines), citations=cited)


def _citation(found: Recalled) -> Citation:
    """Make a fact a passage that an answer can point at."""
    fact = found.fact
    text = mask(fact.text)
    return Citation(
        key=f"memory:{fact.id}",
        source="memory",
        start=0,
        end=len(text),
        heading=fact.subject,
        quote=text,
        score=found.score,
        metadata={
            "source": asdict(fact.source),
            "confidence": fact.confidence,
            "since": day(fact.time),
            **({"newer": f"memory:{found.newer}"} if found.newer else {}),
        },
    )

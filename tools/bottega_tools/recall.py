"""The tool by which an agent looks into its memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bottega.reminding import facts_to_show
from bottega.tools import Tool

if TYPE_CHECKING:
    from bottega.memory import Memory

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

    async def run(self, query: str, k: int = 5) -> str:
        """Find what was remembered in earlier work: facts, preferences, decisions.

        Args:
            query: what to look for: a question, or words of the fact.
            k: how many facts to return at most.
        """
        found = await self._memory.recall(query, max(1, min(k, MOST)), user=self._user)
        if not found:
            return "nothing is remembered about that"
        return json.dumps(facts_to_show(found), ensure_ascii=False)

"""The tool by which an agent keeps a fact for later runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bottega.errors import InputError, ToolError
from bottega.escape import mask
from bottega.memory import Fact, Source
from bottega.tools import Tool, ToolContext

if TYPE_CHECKING:
    from bottega.decider import Decider
    from bottega.memory import Memory


class Remember(Tool):
    """Keep a fact, with where it comes from."""

    name = "remember"
    effects = "idempotent"  # a call that is made again has the same key, and so the fact its id
    permissions = frozenset({"files:write"})

    def __init__(self, memory: Memory, user: str = "", judge: Decider | None = None) -> None:
        self._memory = memory
        self._user = user
        self._judge = judge

    async def run(  # noqa: D417  # the context is not the model's to give
        self,
        fact: str,
        context: ToolContext,
        about: str = "",
        source: str = "",
        confidence: float = 1.0,
    ) -> str:
        """Keep one fact for later tasks: a sentence that will be understood without this one.

        Keep what will matter again, such as a preference, a decision or how something works. A fact
        that contradicts an older one takes its place. Never keep passwords or keys.

        Args:
            fact: the fact, in one sentence.
            about: who or what it is about, in a word or two.
            source: key of the passage that it rests on, or who said it.
            confidence: how sure it is, from 0 to 1.
        """
        said = Source(run=context.run_id, node=context.node, step=context.step, citation=source)
        wanted = Fact(
            text=mask(fact),
            subject=mask(about),
            user=self._user,
            source=said,
            confidence=confidence,
            id=hashlib.sha256(context.key.encode()).hexdigest()[:16] if context.key else "",
        )
        try:
            kept = await self._memory.remember(wanted, self._judge)
        except InputError as error:
            raise ToolError(error.message, hint=error.hint) from error
        older = "; it takes the place of an older one" if kept.supersedes else ""
        return f"remembered as {kept.id}{older}"

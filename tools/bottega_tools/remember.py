"""The tool by which an agent keeps a fact for later runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bottega.errors import InputError, ToolError
from bottega.escape import mask
from bottega.memory import Fact, Source
from bottega.tools import Tool, ToolContext

if TYPE_CHECKING:
    from bottega.decider import Decider, Judgement
    from bottega.memory import Memory
    from bottega.spending import Spending


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
            kept = await self._memory.remember(wanted, self._paid(context))
        except InputError as error:
            raise ToolError(error.message, hint=error.hint) from error
        older = "; it takes the place of an older one" if kept.supersedes else ""
        return f"remembered: {kept.text} ({kept.id}{older})"

    def _paid(self, context: ToolContext) -> Decider | None:
        """Return the judge, on the run's account."""
        if self._judge is None or context.spending is None:
            return self._judge
        return _Paid(self._judge, context.spending)


class _Paid:
    """A decider whose judgements are paid for: asked within the budget, counted after."""

    def __init__(self, judge: Decider, spending: Spending) -> None:
        self.name = judge.name
        self.choose = judge.choose
        self.score = judge.score
        self._judge = judge
        self._spending = spending

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        """Ask. Raises BudgetExceeded when there is nothing left to pay for it."""
        async with self._spending.question(f"{question}\n{context}"):
            said = await self._judge.judge(question, context=context)
        self._spending.decided(said.usage)
        return said

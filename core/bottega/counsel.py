"""What a tool may ask of its agent's model and decider, on the run's account.

A tool that sums up, classifies or looks at a picture uses whichever model its agent has. What that
takes is paid for as the agent's own steps are: refused before it is too much, and counted after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bottega.deciders import PromptDecider
from bottega.errors import ModelReplyError
from bottega.middleware import wrap_model
from bottega.model import Reply, Request, collect
from bottega.spending import Spending

if TYPE_CHECKING:
    from bottega.decider import Choice, Decider, Judgement, Option
    from bottega.meter import Meter
    from bottega.middleware import Middleware
    from bottega.model import Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Counsel:
    """An agent's model and decider, as its tools may ask them."""

    model: Model
    decider: Decider
    middleware: Sequence[Middleware]
    meter: Meter

    def asking(self, model: Model) -> Counsel:
        """Return the counsel of another model, paid for alike; it decides, too, if it writes."""
        other = replace(self, model=model)
        if other.extractive:
            return other
        return replace(other, decider=PromptDecider(model, self.middleware))

    @property
    def extractive(self) -> bool:
        """Whether the model writes nothing of its own."""
        return bool(getattr(self.model, "extractive", False))

    async def reply(self, request: Request) -> Reply:
        """Ask the model, within the run's time and budget.

        Raises BudgetExceeded where it cannot be paid for, ModelError, and ModelReplyError for a
        reply that was cut.
        """
        left = self.meter.seconds_left()
        spending = Spending(self.meter, self.model)
        respond = wrap_model(self.model, self.middleware)
        try:
            async with asyncio.timeout(left):
                async with spending.call(replace(request, deadline=self.meter.deadline)) as sent:
                    reply = spending.count(sent, await collect(respond(sent)))
        except TimeoutError:
            self.meter.check_time()
            raise
        if reply.end.finish in ("length", "filter"):
            raise ModelReplyError(f"the model's reply was cut: {reply.end.finish}")
        return reply

    async def choose(self, question: str, options: Sequence[Option], context: str = "") -> Choice:
        """Ask the decider to choose. Raises BudgetExceeded where it cannot be paid for."""
        spending = Spending(self.meter, self.decider)
        listed = " ".join(f"{one.name} {one.description}" for one in options)
        async with spending.question(f"{question}\n{listed}\n{context}"):
            said = await self.decider.choose(question, options, context=context)
        spending.decided(said.usage)
        return said

    async def judge(self, question: str, context: str = "") -> Judgement:
        """Ask the decider for yes or no. Raises BudgetExceeded where it cannot be paid for."""
        spending = Spending(self.meter, self.decider)
        async with spending.question(f"{question}\n{context}"):
            said = await self.decider.judge(question, context=context)
        spending.decided(said.usage)
        return said

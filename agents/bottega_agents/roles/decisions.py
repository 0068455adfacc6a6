"""The decider of one visit of a node: metered, bounded by the run's time, and asked once.

What was decided is in the visit's journal, so that a crash costs no question twice. A decider that
fails abstains; that it failed is an event. What is asked, and what follows, is the node's business.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from bottega.decider import Choice, Judgement, Option, Score
from bottega.errors import BottegaError, StorageError
from bottega.escape import mask
from bottega.events import Failure
from bottega.halt import call_under_way
from bottega.messages import Json
from bottega.model import Usage
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega.spending import Spending
from bottega.tape import in_turn
from bottega_agents.storage.journal import NodeJournal

Decided = TypeVar("Decided", Choice, Judgement, Score)


class Decisions:
    """Asks on behalf of one visit; the same question is asked once."""

    def __init__(self, parts: AgentParts, run: RunContext, journal: NodeJournal) -> None:
        self._parts = parts
        self._run = run
        self._journal = journal
        self._spending = Spending(run.meter, parts.decider)
        self._made: dict[str, Json] = dict(journal.entries)
        self._counted: set[str] = set()

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        """Pick one of the options."""
        listed = [[option.name, option.description] for option in options]
        decider = self._parts.decider
        return await self._decided(
            _key("choose", question, context, listed),
            f"{question}{context}{listed}",
            lambda: decider.choose(question, options, context=context),
            lambda data: Choice(**data),
            lambda why: Choice(name=None, reason=why),
        )

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        """Say whether it holds."""
        decider = self._parts.decider
        return await self._decided(
            _key("judge", question, context),
            question + context,
            lambda: decider.judge(question, context=context),
            lambda data: Judgement(**data),
            lambda why: Judgement(verdict=None, reason=why),
        )

    async def score(self, question: str, *, context: str = "") -> Score:
        """Say how well the context does what is asked."""
        decider = self._parts.decider
        return await self._decided(
            _key("score", question, context),
            question + context,
            lambda: decider.score(question, context=context),
            lambda data: Score(**data),
            lambda why: Score(value=None, reason=why),
        )

    async def _decided(
        self,
        key: str,
        material: str,
        ask: Callable[[], Awaitable[Decided]],
        read: Callable[[Mapping[str, Any]], Decided],
        abstain: Callable[[str], Decided],
    ) -> Decided:
        """Read what was decided before, or ask; raises StorageError only."""
        recorded = self._made.get(key)
        if recorded is not None:
            decided = read({**recorded, "usage": Usage(**recorded["usage"])})
        else:
            async with call_under_way():
                try:
                    decided = await self._asked(ask, material, key)
                except StorageError:
                    raise
                except (BottegaError, TimeoutError) as error:
                    return abstain(self._failed(error))
                self._made[key] = asdict(decided)
                await self._journal.write(key, self._made[key])
        self._count(key, decided.usage)
        return decided

    async def _asked(
        self, ask: Callable[[], Awaitable[Decided]], material: str, key: str
    ) -> Decided:
        meter = self._run.meter
        await in_turn()
        meter.check()
        async with asyncio.timeout(meter.seconds_left()), self._spending.question(material):
            decided = await ask()
            self._count(key, decided.usage)  # before others may spend what was reserved for it
            return decided

    def _count(self, key: str, usage: Usage) -> None:
        """Count what a decision took, once."""
        if key not in self._counted:
            self._counted.add(key)
            self._spending.decided(usage)

    def _failed(self, error: BottegaError | TimeoutError) -> str:
        """Tell of the error; return why nothing was decided."""
        problem = mask(str(error)) or "the time is up"
        told = {"error": type(error).__name__, "message": problem}
        self._run.tell(Failure, self._parts.name, **told)
        return f"no decision: {problem}"


def _key(*asked: Json) -> str:
    """Name a question: the same in every process."""
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    return f"decided/{digest[:24]}"

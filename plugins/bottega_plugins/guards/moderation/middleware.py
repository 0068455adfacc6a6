"""Middleware that refuses, or flags, harmful requests to a model and harmful replies of it.

Asked are, in this order: the words that are given, then the decider that is named, or else the
classifier that comes with Bottega. A text is judged once. What is refused ends the run as failed,
with the reason; what is flagged is logged (`bottega.moderation`) and goes on.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bottega.errors import InputError, ModelError
from bottega.middleware import Middleware, ModelHandler
from bottega.model import CallDelta, Delta, Reply, Request, TextDelta, ThoughtDelta, collect

Action = Literal["refuse", "flag"]
Judge = Callable[[str], Awaitable[float]]
"""Says how likely a text is harmful."""
THRESHOLD = 0.7
_REMEMBERED = 1_000
_log = logging.getLogger("bottega.moderation")


class ModerationError(ModelError):
    """What was asked, or answered, is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Why a text is harmful."""

    where: Literal["request", "reply"]
    probability: float
    word: str = ""
    """The word of the list that is in it; empty where the judge found it harmful."""

    def __str__(self) -> str:
        why = f"it holds {self.word!r}" if self.word else f"harmful with {self.probability:.2f}"
        return f"the {self.where} is refused by moderation: {why}"


class Moderation(Middleware):
    """Judge what people ask and what models answer."""

    def __init__(
        self,
        judge: Judge | None,
        *,
        words: Sequence[str] = (),
        threshold: float = THRESHOLD,
        action: Action = "refuse",
        where: Sequence[str] = ("request", "reply"),
    ) -> None:
        """Take the judge, None for the words alone. Raises InputError for what makes no sense."""
        if not 0 < threshold <= 1:
            raise InputError(f"moderation: threshold {threshold:g}", hint="from 0 to 1")
        unknown = sorted(set(where) - {"request", "reply"})
        if unknown:
            raise InputError(f"moderation: unknown place {unknown[0]!r}", hint="request or reply")
        self._judge = judge
        self._threshold = threshold
        self._action = action
        self._where = frozenset(where)
        listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word)
        self._words = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE) if listed else None
        self._known: OrderedDict[str, float] = OrderedDict()
        self.flagged: list[Verdict] = []
        """What was flagged, the newest last."""

    async def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Judge the person's words, ask the model, judge its reply, and pass it on."""
        if "request" in self._where:
            for message in request.messages:
                if message.role == "user":
                    await self._check(message.text, "request")
        reply = await collect(next(request))
        if "reply" in self._where:
            await self._check(reply.text, "reply")
        for delta in _deltas(reply):
            yield delta

    async def _check(self, text: str, where: Literal["request", "reply"]) -> None:
        """Raise ModerationError for a harmful text, or flag it."""
        if not text.strip():
            return
        word = self._words.search(text) if self._words else None
        probability = 1.0 if word else await self._probability(text)
        if not word and probability < self._threshold:
            return
        verdict = Verdict(where=where, probability=probability, word=word[0] if word else "")
        if self._action == "refuse":
            raise ModerationError(str(verdict), hint="say it in other words, or ask something else")
        _log.warning("flagged: %s", verdict)
        self.flagged = [*self.flagged[-_REMEMBERED:], verdict]

    async def _probability(self, text: str) -> float:
        if self._judge is None:
            return 0.0
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = await self._judge(text)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known


def _deltas(reply: Reply) -> list[Delta]:
    parts: list[Delta] = [ThoughtDelta(text=reply.thought)] if reply.thought else []
    if reply.text:
        parts.append(TextDelta(text=reply.text))
    parts += [
        CallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(reply.calls)
    ]
    return [*parts, reply.end]

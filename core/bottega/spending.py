"""Paying for model calls: an overspend is refused before a byte is sent.

Where tokens or money are limited, a call's input is estimated first (`bottega.estimate`), its reply
is capped by what is left, and both are reserved while the call is under way, so that calls that run
side by side cannot spend the same rest. Afterwards the real usage is counted, also where a server
did not keep to the cap. A call that only lacks what others under way have reserved waits for them.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from bottega import estimate
from bottega.errors import BudgetExceeded, decimal
from bottega.estimate import Estimate, is_counted
from bottega.messages import user
from bottega.meter import Meter, Resource
from bottega.model import Reply, Request, Usage
from bottega.price import affordable, is_priced

USUAL_REPLY = 8_192
"""Tokens reserved for a reply whose length nobody has limited, or a quarter of what is left."""
SHORT_REPLY = 256
"""With less than this a call rather waits for others to give back what they have reserved."""
DECISION = 1_024
"""With less than this a decider rather waits: half a verdict is none."""
TOLD = 512
"""Tokens reserved for how a decider is told to decide."""
_CAP: ContextVar[int | None] = ContextVar("bottega_reply_tokens", default=None)
_Rest = Callable[[Resource], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What one call may take."""

    input_tokens: int
    reply_tokens: int

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.reply_tokens


def reply_tokens() -> int | None:
    """Return the most that a decider may write to the question at hand; None without a limit."""
    return _CAP.get()


class Spending:
    """The calls of one conversation, paid out of a meter; `model` is a model or a decider."""

    def __init__(self, meter: Meter, model: object) -> None:
        self._meter = meter
        self._model = model
        self._price = model if is_priced(model) else None
        self._estimate = Estimate(model if is_counted(model) else None)

    def tokens(self, request: Request) -> int:
        """Return the tokens of a request, as far as they can be told."""
        return self._estimate.of(request)

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit that calls are paid for beforehand."""
        return self._meter.limits("tokens") or self._meter.limits("money")

    @asynccontextmanager
    async def call(self, request: Request) -> AsyncGenerator[Request, None]:
        """Reserve what the call may cost; yield the request with its cap.

        Raises BudgetExceeded when what is left does not pay for the prompt, InputError where money
        is limited and the price not known.
        """
        if not self.is_limited:
            yield request
            return
        left = self._meter.tokens_left()
        allowed = await self._allowed(request, self._estimate.of(request), SHORT_REPLY)
        with self._reserved(allowed):
            sampling = replace(request.sampling, max_tokens=allowed.reply_tokens)
            yield replace(request, sampling=sampling, tokens_left=left)

    @asynccontextmanager
    async def question(self, text: str) -> AsyncGenerator[None, None]:
        """Reserve what a decider may take that is asked this, and cap what it writes.

        Raises as `call` does.
        """
        if not self.is_limited:
            yield
            return
        request = Request(messages=(user(text),))
        allowed = await self._allowed(request, self._estimate.of(request) + TOLD, DECISION)
        with self._reserved(allowed):
            before = _CAP.set(allowed.reply_tokens)
            try:
                yield
            finally:
                _CAP.reset(before)

    def decided(self, usage: Usage) -> None:
        """Count what a decider took."""
        self._meter.add(usage, self._cost(usage))

    def count(self, request: Request, reply: Reply) -> Reply:
        """Count what a reply took; return it with its cost, where that is known."""
        usage, charged = reply.end.usage, reply.end.usage
        if usage.input_tokens is None or usage.output_tokens is None:
            if self.is_limited:
                charged = self._guessed(request, reply)
        else:
            self._estimate.learn(request, usage)
        cost = reply.end.cost
        if cost is None:
            cost = self._cost(charged)
        self._meter.add(usage, cost, charged.total)
        return reply if cost is None else replace(reply, end=replace(reply.end, cost=cost))

    def _cost(self, usage: Usage) -> float | None:
        return None if self._price is None else self._price.cost(usage)

    def _guessed(self, request: Request, reply: Reply) -> Usage:
        """Return what a reply is charged whose server does not say what it took."""
        usage = reply.end.usage
        read, written = usage.input_tokens, usage.output_tokens
        return Usage(
            input_tokens=self._estimate.of(request) if read is None else read,
            output_tokens=estimate.of_reply(reply) if written is None else written,
        )

    async def _allowed(self, request: Request, tokens: int, least: int) -> Allowance:
        """Wait until the call can be paid for, with so many tokens of input.

        While others may give something back, it begins with no less than `least` for the reply.
        Raises BudgetExceeded when it can never be paid for.
        """
        wanted = request.sampling.max_tokens
        while True:
            now = self._reply_tokens(tokens, wanted, self._meter.room)
            at_best = self._reply_tokens(tokens, wanted, self._meter.left)
            if at_best < 1:
                raise self._too_dear(tokens)
            if now >= min(at_best, least):
                return Allowance(input_tokens=tokens, reply_tokens=now)
            await self._meter.settlement()

    def _reply_tokens(self, tokens: int, wanted: int | None, rest: _Rest) -> int:
        """Return how long a reply may be, beside that many tokens of input; below 1 for none."""
        room = rest("tokens") - tokens
        dollars = rest("money")
        if not math.isinf(dollars):
            room = min(room, affordable(self._model, tokens, dollars))
        if wanted is None:
            wanted = max(USUAL_REPLY, 0 if math.isinf(room) else int(room) // 4)
        return int(min(room, wanted))

    def _too_dear(self, tokens: int) -> BudgetExceeded:
        """Make the error of a call whose input alone is more than what is left, in its unit."""
        if self._meter.left("tokens") < tokens + 1:
            why = f"the next call takes about {tokens:,} tokens before its reply begins"
            return self._meter.exceeded("tokens", why)
        dollars = decimal(self._cost(Usage(input_tokens=tokens, output_tokens=0)) or 0.0)
        why = f"the next call costs about {dollars} US dollars before its reply begins"
        return self._meter.exceeded("money", why)

    @contextmanager
    def _reserved(self, allowed: Allowance) -> Generator[None, None, None]:
        usage = Usage(input_tokens=allowed.input_tokens, output_tokens=allowed.reply_tokens)
        dollars = self._cost(usage) or 0.0
        tokens, money = self._meter.account("tokens"), self._meter.account("money")
        try:
            with tokens.promised(allowed.total), money.promised(dollars):
                yield
        finally:
            self._meter.settled()

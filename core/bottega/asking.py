"""Asking a loop's model for its next reply: once, within the budget, with what it can read.

A reply that is in the journal is not asked for again. How a conversation is shortened is
`bottega.compactor`, what a call may cost `bottega.spending`; what follows from a reply is
`bottega.steps`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from bottega.call_ids import CallIds
from bottega.compactor import Compactor
from bottega.dialect import Turn
from bottega.errors import ContextLengthError, ModelError
from bottega.halt import call_under_way
from bottega.middleware import wrap_model
from bottega.model import Reply, ReplyBuilder, Request, collect
from bottega.replies import reply_from_json, reply_to_json
from bottega.secrets import mask_reply
from bottega.spending import Spending

if TYPE_CHECKING:
    from bottega.events import Event
    from bottega.loop import Loop


class Asking:
    """One loop's model, with what is worked out once for all that it is asked."""

    def __init__(self, loop: Loop) -> None:
        parts = loop.parts
        self._loop = loop
        self._meter = loop.run.meter
        self._dialect = parts.dialect
        self._sampling = parts.sampling
        self._spending = Spending(loop.run.meter, parts.model)
        self._specs = tuple(tool.spec for tool in parts.tools if not tool.withheld)
        self._all_specs, self._offering = self._specs, parts.offer
        self._model = wrap_model(parts.model, parts.middleware)
        self._ids = CallIds(loop.messages, loop.path)
        self._compactor = Compactor(loop, self._spending, self._ask)
        self.news: list[Event] = self._compactor.news
        """What happened to the conversation since somebody looked."""

    async def reply(self) -> Reply:
        """Ask the model, or read from the journal what it said before a crash."""
        loop = self._loop
        keeps = loop.journal.keeps
        if self._compactor.replay():
            self._rename()
        recorded = loop.journal.entries.get(f"{loop.step}/reply") if keeps else None
        if recorded is not None:
            self._meter.clock.go_on_from(recorded.get("elapsed", 0.0))
            return self._spending.count(self._request(), reply_from_json(recorded))
        async with call_under_way():
            if self._offering is not None:
                told = await self._offering.narrow(self._all_specs, loop.messages, loop.task)
                self._specs = told
            reply = mask_reply(await self._fitted())
            if keeps:
                entry = {**reply_to_json(reply), "elapsed": self._meter.seconds}
                await loop.journal.write(f"{loop.step}/reply", entry)
        return reply

    def read(self, reply: Reply) -> Turn:
        """Read a reply; its calls are named."""
        return self._ids.named(self._dialect.read(reply), self._loop.step)

    def _request(self) -> Request:
        specs = self._specs
        if self._loop.run.artifacts.begun:
            from bottega.paging import with_pager

            specs = with_pager(specs)
        request = self._dialect.request(self._loop.messages, specs, self._sampling)
        deadline = self._meter.deadline
        return request if deadline is None else replace(request, deadline=deadline)

    def _rename(self) -> None:
        """Name calls as whoever tells the shorter conversation again will name them."""
        self._ids = CallIds(self._loop.messages, self._loop.path)

    async def _fitted(self) -> Reply:
        """Ask with a conversation that fits; what the model finds too long is asked once more."""
        request = self._request()
        if await self._compactor.fit(request):
            self._rename()
            request = self._request()
        try:
            return await self._ask(request)
        except ContextLengthError:
            if not await self._compactor.refused(request):
                raise
        self._rename()
        return await self._ask(self._request())

    async def _ask(self, request: Request) -> Reply:
        """Ask within the budget; what has come when its end is reached is kept."""
        left = self._meter.seconds_left()
        if left is None and not self._spending.is_limited:
            return self._spending.count(request, await collect(self._model(request)))
        builder = ReplyBuilder()
        try:
            async with asyncio.timeout(left):
                async with self._spending.call(request) as sent:
                    reply = await collect(self._model(sent), builder)
                    return self._spending.count(request, reply)
        except (TimeoutError, ModelError):
            self._loop.unfinished = self._dialect.read(builder.so_far)
            self._meter.check_time()  # one that fails because the time is up is the budget's end
            raise

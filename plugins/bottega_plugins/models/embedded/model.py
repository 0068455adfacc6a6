"""The model `embedded`: reads a conversation, decides by its policy, and streams the turn.

Nothing is generated: every statement is taken from what tools returned. It acts by native tool
calls. Sampling settings and output schemas have no effect: the same conversation gives the same
reply.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

from bottega.embedder import Embedder
from bottega.errors import ModelTimeoutError
from bottega.model import (
    CallDelta,
    Delta,
    End,
    FinishReason,
    Request,
    TextDelta,
    ThoughtDelta,
    Usage,
)
from bottega_plugins.models.embedded.plan import Plan
from bottega_plugins.models.embedded.policy import plan
from bottega_plugins.models.embedded.situation import read_situation
from bottega_plugins.models.embedded.tokens import TokenCounter
from bottega_plugins.models.embedded.vectors import Vectors


class EmbeddedModel:
    """A `bottega.model.Model` over an embedder."""

    name = "embedded"
    extractive = True
    """It answers with quotes and writes no queries: who asks it for research must."""

    def __init__(self, embedder: Embedder) -> None:
        self._vectors = Vectors(embedder)
        self._tokens = TokenCounter(embedder)
        self._embedder = embedder

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the turn: a thought, then calls or an answer. Raises ModelTimeoutError."""
        try:
            async with asyncio.timeout(request.seconds_left()):
                situation = await asyncio.to_thread(read_situation, request.messages)
                turn = await plan(situation, request.tools, self._vectors)
                usage = await self._usage(request, turn)
        except TimeoutError as error:
            raise ModelTimeoutError("the embedded model did not finish in time") from error
        for delta in _deltas(turn):
            yield delta
        yield End(finish=_finish(turn), usage=usage, model=self._embedder.name)

    def cost(self, usage: Usage) -> float:
        """Return 0: it runs in this process, and nobody is paid for it."""
        return 0.0

    async def _usage(self, request: Request, turn: Plan) -> Usage:
        written = " ".join((turn.thought, turn.answer, *(_json(c.arguments) for c in turn.calls)))
        return Usage(
            input_tokens=await self._tokens.messages(request.messages),
            output_tokens=await self._tokens.text(written),
        )


def _deltas(turn: Plan) -> Iterator[Delta]:
    if turn.thought:
        yield ThoughtDelta(text=turn.thought)
    for i, call in enumerate(turn.calls):
        yield CallDelta(index=i, name=call.tool, arguments=_json(call.arguments))
    for piece in turn.answer.splitlines(keepends=True):
        yield TextDelta(text=piece)


def _finish(turn: Plan) -> FinishReason:
    if turn.calls:
        return "tool_calls"
    return "abstain" if turn.abstains else "stop"


def _json(arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False)

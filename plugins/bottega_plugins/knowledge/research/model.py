"""Research as a model: it searches, judges, searches again and answers, through any other model.

    nothing searched yet          -> write queries, search for all of them at once
    something new, not enough yet -> judge each passage, write queries for what is missing
    enough, or nothing new, or the rounds are used up
                                  -> answer from what was kept, check each sentence, show conflicts

It stands where a model stands, so that the loop does what it always does: it carries out the
searches, records them, bounds them and resumes them. The conversation is all the memory there is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from bottega.decider import Decider, Judgement
from bottega.errors import InputError, ModelError, ModelTimeoutError
from bottega.messages import Citation
from bottega.middleware import Middleware, wrap_model
from bottega.model import (
    CallDelta,
    Delta,
    End,
    FinishReason,
    Model,
    Request,
    TextDelta,
    ThoughtDelta,
    ToolSpec,
    Usage,
)
from bottega.price import cost_of
from bottega.retry import Retry
from bottega_plugins.knowledge.research import wording
from bottega_plugins.knowledge.research.answering import write_answer
from bottega_plugins.knowledge.research.case import Case, read_case
from bottega_plugins.knowledge.research.extractive import ExtractiveScribe
from bottega_plugins.knowledge.research.generative import GenerativeScribe
from bottega_plugins.knowledge.research.judging import Judge, Verdict
from bottega_plugins.knowledge.research.query import Queries, Query, Scribe
from bottega_plugins.knowledge.research.verifying import Unsupported

QUOTED_SURE = 0.8
"""Probability from which quotes are taken to be enough: a model that cannot reason takes a likely
sentence for the answer where a step is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far research goes."""

    rounds: int = 3
    """Turns with searches."""
    searches: int = 5
    """Searches of one turn."""
    passages: int = 8
    """Passages that an answer is written from."""
    results: int = 5
    """Passages that one search returns."""
    unsupported: Unsupported = "mark"
    """What becomes of sentences that nothing supports."""

    def __post_init__(self) -> None:
        for name in ("rounds", "searches", "passages", "results"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.unsupported not in ("mark", "drop"):
            raise InputError(f"unsupported is {self.unsupported!r}", hint="say 'mark' or 'drop'")


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What is said in one turn."""

    thought: str
    queries: tuple[Query, ...] = ()
    text: str = ""
    finish: FinishReason = "stop"
    usage: Usage = Usage()
    citations: tuple[Citation, ...] = ()


class ResearchModel:
    """A `Model` that answers from documents alone.

    `model` writes queries and answers (one that is `extractive` quotes), `decider` judges passages,
    sufficiency and support. The agent needs a tool that takes a `query`, such as
    `search_knowledge`, and the dialect `native`.
    """

    def __init__(
        self,
        model: Model,
        decider: Decider,
        limits: Limits | None = None,
        middleware: Sequence[Middleware] = (Retry(),),
    ) -> None:
        self._model = model
        self._decider = decider
        self._limits = limits or Limits()
        respond = wrap_model(model, middleware)
        extractive = bool(getattr(model, "extractive", False))
        self._sure = QUOTED_SURE if extractive else 0.0
        self._scribe: Scribe = (ExtractiveScribe if extractive else GenerativeScribe)(respond)
        self._judged: dict[tuple[str, str], Judgement] = {}

    @property
    def name(self) -> str:
        """The name of the model that writes."""
        return self._model.name

    def cost(self, usage: Usage) -> float | None:
        """Return what so many tokens cost with the model that writes."""
        return cost_of(self._model, usage)

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the turn: what was judged, then searches or the answer.

        Raises ModelError from the models underneath, InputError without a tool to search with.
        """
        try:
            async with asyncio.timeout(request.seconds_left()):
                turn = await self._turn(request)
        except TimeoutError as error:
            raise ModelTimeoutError("the research did not finish in time") from error
        except ModelError as error:
            error.retryable = False  # it has been retried where it was raised
            raise
        yield ThoughtDelta(text=turn.thought)
        searches = product(turn.queries, _search_tools(request.tools))
        for index, (query, tool) in enumerate(searches):
            yield _call(index, query, tool, self._limits.results)
        if turn.text:
            yield TextDelta(text=turn.text)
        yield End(finish=turn.finish, usage=turn.usage, model=self.name, citations=turn.citations)

    async def verdicts(self, case: Case) -> list[Verdict]:
        """Judge what was found; an answer would be written from those that are kept."""
        judge = Judge(decider=self._decider, said=self._judged)
        return await judge.verdicts(case, self._limits.passages)

    async def _turn(self, request: Request) -> _Turn:
        _search_tools(request.tools)
        case = read_case(request.messages)
        if not case.question:
            text = "There is no question to look into."
            return _Turn(thought="Nothing was asked.", text=text, finish="abstain")
        if not case.rounds:
            plan = await self._scribe.plan(case, self._limits.searches)
            return _searching(wording.planned(plan), plan, Usage())
        judge = Judge(decider=self._decider, said=self._judged, tokens_left=request.tokens_left)
        verdicts = await judge.verdicts(case, self._limits.passages)
        kept = [verdict.passage for verdict in verdicts if verdict.kept]
        judged = wording.judged(verdicts, case.latest)
        more = await self._follow_up(case, verdicts, kept, judge)
        if more.queries:
            thought = "\n".join([judged, *wording.followed(more)])
            return _searching(thought, more, judge.usage)
        why = wording.stopped(case, self._limits.rounds, more)
        judge.usage = judge.usage + more.usage
        return await self._answer(case, kept, judge, f"{judged}\n{why}")

    async def _follow_up(
        self, case: Case, verdicts: Iterable[Verdict], kept: Sequence[Citation], judge: Judge
    ) -> Queries:
        """Return what to search for next; nothing when it is enough, or no use."""
        if len(case.rounds) >= self._limits.rounds or not case.latest or judge.is_spent:
            return Queries()
        enough = await judge.sufficient(case.question, kept)
        sure = 1.0 if enough.probability is None else enough.probability
        if enough.verdict and sure >= self._sure:
            return Queries()
        leads = kept or [verdict.passage for verdict in verdicts][: self._limits.passages]
        return await self._scribe.follow_up(case, leads, self._limits.searches)

    async def _answer(
        self, case: Case, kept: Sequence[Citation], judge: Judge, thought: str
    ) -> _Turn:
        if not kept:
            text = wording.nothing_found(case)
            return _Turn(thought=thought, text=text, finish="abstain", usage=judge.usage)
        answer = await write_answer(case, kept, self._scribe, judge)
        draft, verified, conflicts = answer.draft, answer.verified, answer.conflicts
        usage = judge.usage + draft.usage
        if draft.abstains:
            if draft.why:
                thought = f"{thought}\nthe model cannot tell: {draft.why}"
            return _Turn(thought=thought, text=draft.text, finish="abstain", usage=usage)
        told = verified.text(self._limits.unsupported)
        holds = verified.holds and bool(told)
        cited = [*verified.citations.values(), *(c.other for c in conflicts)]
        return _Turn(
            thought="\n".join([thought, *wording.checked(verified)]),
            text=wording.answered(told, conflicts) if holds else wording.unsupported(case),
            finish="stop" if holds else "abstain",
            usage=usage,
            citations=tuple(cited),
        )


def _searching(thought: str, queries: Queries, usage: Usage) -> _Turn:
    return _Turn(
        thought=thought,
        queries=queries.queries,
        finish="tool_calls",
        usage=usage + queries.usage,
    )


def _call(index: int, query: Query, tool: ToolSpec, results: int) -> CallDelta:
    arguments: dict[str, object] = {"query": query.text}
    if "k" in tool.parameters.get("properties", {}):
        arguments["k"] = results
    return CallDelta(
        index=index, name=tool.name, arguments=json.dumps(arguments, ensure_ascii=False)
    )


def _search_tools(tools: Sequence[ToolSpec]) -> list[ToolSpec]:
    """Return the tools that take a query, those named for searching if there are such.

    Raises InputError when there is none.
    """
    found = [tool for tool in tools if list(tool.parameters.get("required", ())) == ["query"]]
    found = [tool for tool in found if "search" in tool.name] or found
    if not found:
        raise InputError(
            "a researcher has nothing to search with",
            hint="give it a tool that takes a query, such as search_knowledge, and the dialect "
            "native",
        )
    return found

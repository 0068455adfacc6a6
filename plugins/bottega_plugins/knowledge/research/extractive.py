"""The scribe for models that write nothing: queries by rules, answers as quotes.

A question that needs several documents names only the first of them: what leads to the next stands
in the passages that were found. So follow-ups are made of the names in the best passages, together
with those words of the question that these passages do not have (in the manner of GoldEn
Retriever, Qi et al., EMNLP 2019, without its trained query writer).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bottega.messages import Citation, ToolCall, ToolResult, assistant, tool_results, user
from bottega.middleware import ModelHandler
from bottega.model import Request, collect
from bottega_plugins.knowledge.research.case import Case
from bottega_plugins.knowledge.research.names import humane, names
from bottega_plugins.knowledge.research.query import Draft, Queries, Query, untried
from bottega_plugins.knowledge.research.sentences import sentence_spans
from bottega_plugins.knowledge.words import fold, plain_words, words

_PARTS = re.compile(
    r"[?!;]\s+(?=\S)|[,;]?\s+and\s+(?=(?:(?:for|in|on|by|to|at|with|from|of)\s+)?"
    r"(?:which|what|who|whom|whose|when|where|why|how)\b)",
    re.IGNORECASE,
)
_MANY_WORDS = 12
"""Words from which a question is worth a second query of its keywords alone."""
_READ = 3
"""Kept passages that follow-ups are made of, and the sentences of each that are read."""


class ExtractiveScribe:
    """A `Scribe` over a model that reads answers out of passages."""

    extractive = True

    def __init__(self, respond: ModelHandler) -> None:
        self._respond = respond

    async def plan(self, case: Case, most: int) -> Queries:
        """Search for the question, for its parts, and for each of several names in it."""
        return Queries(queries=untried(_first(case.question), case.queries, most))

    async def follow_up(self, case: Case, kept: Sequence[Citation], most: int) -> Queries:
        """Follow the names that the best passages bring up."""
        missing = _missing(case.question, kept)
        queries = untried(_bridges(case.question, kept), case.queries, most)
        return Queries(queries=queries, missing=" ".join(missing))

    async def answer(self, case: Case, kept: Sequence[Citation]) -> Draft:
        """Let the model read the kept passages, as if one search had brought them all."""
        call = ToolCall(id="kept", name="search", arguments={"query": case.question})
        content = "\n\n".join(f"[{c.key}] {c.heading}\n{c.quote}" for c in kept)
        result = ToolResult(call_id="kept", name="search", content=content, citations=tuple(kept))
        messages = (user(case.question), assistant("", [call]), tool_results([result]))
        reply = await collect(self._respond(Request(messages=messages)))
        return Draft(
            text=reply.text.strip(),
            abstains=reply.end.finish == "abstain",
            usage=reply.end.usage,
        )


def _first(question: str) -> Iterator[Query]:
    yield Query(text=question, purpose="question")
    parts = [part.strip(" ,;") for part in _PARTS.split(question)]
    if len(parts) > 1:
        yield from (Query(text=part, purpose="part", about=part) for part in parts)
    found = names(question)
    if len(found) > 1:  # a comparison, or a relation: each has a document of its own
        yield from (Query(text=name, purpose="part", about=name) for name in found)
    if len(question.split()) >= _MANY_WORDS:
        yield Query(text=" ".join(_telling(question)), purpose="keywords")


def _telling(question: str) -> list[str]:
    """Return the words of the question that carry meaning, as it has them, each once."""
    return [word for word in dict.fromkeys(plain_words(question).split()) if words(word)]


def _missing(question: str, kept: Sequence[Citation]) -> list[str]:
    """Return the telling words of the question that no kept passage has."""
    there = {word for c in kept for word in words(f"{c.heading} {c.quote}")}
    return [word for word in _telling(question) if not there.issuperset(words(word))]


def _bridges(question: str, kept: Sequence[Citation]) -> Iterator[Query]:
    """Yield queries for what the best passages speak of and the question does not."""
    asked = f" {plain_words(question)} "
    for citation in kept[:_READ]:
        lacking = _missing(question, [citation])
        for name in _brought_up(question, citation):
            if f" {plain_words(name)} " not in asked:
                text = f"{name} {' '.join(lacking)}".strip()
                yield Query(text=text, purpose="follow-up", about=name)


def _brought_up(question: str, citation: Citation) -> list[str]:
    """Return the title of a passage and the names in its sentences, those nearest first."""
    wanted = set(words(question))
    text = citation.quote
    spans = sorted(
        sentence_spans(text), key=lambda span: -len(wanted & set(words(text[slice(*span)])))
    )
    title = humane(citation.heading.split(" > ")[0])
    found = [title] if title else []
    for start, end in spans[:_READ]:
        found += names(text[start:end])
    return list({fold(name): name for name in found}.values())

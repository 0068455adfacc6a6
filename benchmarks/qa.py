"""Questions with the embedded model, open-book over the pooled passages of each set; prints JSON.

Each passage is a document of a knowledge base. The question is searched for (k = 5) and the model
reads what came back; its short answer is scored by the rules of SQuAD, an abstention as an empty
answer. The sets: SQuAD 1.1 and 2.0 (questions of `split=dev` only: the constants were fitted on the
others; the pool has the passages of both), HotpotQA, MuSiQue, ClapNQ. Of larger sets a sample
(seed 0) is asked.

`own_passage` gives the model the question's own passage, found or not: how well it reads, and
whether it notices that the passage does not tell. `agentic` (with `--agentic`) asks the same
multi-hop questions through `research:embedded`, with the answer as it is told. `supporting_recall`
is the share of the passages an answer needs that were found: among five, or with `agentic` among
all results of its searches; at the same number of passages `multihop.py` compares the two.

    python benchmarks/qa.py [--questions N] [--sets NAME ...] [--agentic]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import squad
from numpy.typing import NDArray
from qa_data import POOLS, Asked, Pool, citation

from bottega.agent import Agent
from bottega.messages import Citation, ToolCall, ToolResult, assistant, tool_results, user
from bottega.model import Reply, Request, collect
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge
from bottega_plugins.models.embedded.model import EmbeddedModel
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reader import read
from bottega_plugins.models.embedded.vectors import Vectors

K = 5
MULTI_HOP = ("hotpotqa", "musique")
_QUOTED = re.compile(r'^(.{1,160}?): "', re.DOTALL)
_KEY = re.compile(r"\s*\[[^\[\]]+\]")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100, help="of each set, at most")
    parser.add_argument("--sets", nargs="*", default=list(POOLS), choices=list(POOLS))
    parser.add_argument("--agentic", action="store_true")
    given = parser.parse_args()
    report: dict[str, Any] = {
        "questions_at_most": given.questions,
        "seed": 0,
        "k": K,
        "scorer": squad.scorer_check(),
    }
    for name in given.sets:
        report[name] = asyncio.run(measure(name, given.questions, agentic=given.agentic))
        print(f"{name}: {json.dumps(report[name])}", file=sys.stderr, flush=True)
    print(json.dumps(report, indent=2))


async def measure(name: str, count: int, *, agentic: bool) -> dict[str, Any]:
    """Ask the questions of one set."""
    pool = POOLS[name]()
    random.Random(0).shuffle(pool.asked)
    asked = pool.asked[:count]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        knowledge = await indexed(pool, Path(folder) / "index")
        seconds = time.perf_counter() - start
        try:
            found = [await knowledge.asearch(one.question, K) for one in asked]
            long = name == "clapnq"
            report = {
                "passages": len(pool.passages),
                "index_seconds": round(seconds, 1),
                "questions": len(asked),
                "open_book": await reading(asked, found, long=long),
            }
            if name not in MULTI_HOP:
                own = [[citation(pool, passage) for passage in one.gold] for one in asked]
                report["own_passage"] = await reading(asked, own, long=long)
            elif agentic:
                report["agentic"] = await researching(asked, knowledge)
        finally:
            knowledge.close()
    return report


async def indexed(pool: Pool, folder: Path) -> KnowledgeBase:
    """Make a knowledge base of the passages."""
    knowledge = KnowledgeBase.open(folder)
    documents = (
        {"source": name, "title": title, "content": text, "format": "text"}
        for name, (title, text) in pool.passages.items()
    )
    await knowledge.aadd(documents)
    return knowledge


class Remembering:
    """The embedder, with a memory: the model and its short answers are asked for one by one."""

    def __init__(self) -> None:
        self._vectors = Vectors(minilm())
        self.name, self.dimension = minilm().name, minilm().dimension
        self.max_tokens, self.token_spans = minilm().max_tokens, minilm().token_spans

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed what was not embedded before."""
        return await self._vectors.of(texts)


@dataclass
class Score:
    """What came of one question."""

    abstained: bool
    exact: float
    f1: float
    sentence: float
    """How much of an expected answer the sentence holds: 1 where all of it."""
    found: float
    """Share of the gold passages that were found."""
    seconds: float


async def reading(
    asked: Sequence[Asked], found: Sequence[Sequence[Citation]], *, long: bool
) -> dict[str, Any]:
    """Let the model read what was found for each question."""
    embedder = Remembering()
    model, vectors = EmbeddedModel(embedder), Vectors(embedder)
    scores = []
    for one, passages in zip(asked, found, strict=True):
        start = time.perf_counter()
        said = await reply(model, one.question, passages)
        seconds = time.perf_counter() - start
        short, sentence = await short_answer(one.question, passages, vectors)
        scores.append(score(one, said, sentence if long else short, sentence, passages, seconds))
    return summary(asked, scores)


async def reply(model: EmbeddedModel, question: str, passages: Sequence[Citation]) -> Reply:
    """Return what the model says once a search has brought the passages."""
    call = ToolCall(id="1", name="search_knowledge", arguments={"query": question})
    content = "\n\n".join(f"[{c.key}] {c.heading}\n{c.quote}" for c in passages) or "nothing found"
    result = ToolResult(
        call_id="1", name="search_knowledge", content=content, citations=tuple(passages)
    )
    messages = (user(question), assistant("", [call]), tool_results([result]))
    return await collect(model.respond(Request(messages=messages)))


async def short_answer(
    question: str, passages: Sequence[Citation], vectors: Vectors
) -> tuple[str, str]:
    """Return the short answer and its sentence, also where the model abstains."""
    given = [Passage(c.key, c.source, c.heading, c.quote, i) for i, c in enumerate(passages)]
    reading = await read(Question.read(question), given, vectors)
    best = next(iter(reading.findings), reading.nearest)
    if best is None:
        return "", ""
    value = best.field.value if best.field else ""
    return best.short or value, best.sentence or value


def score(
    one: Asked,
    said: Reply,
    answer: str,
    sentence: str,
    passages: Sequence[Citation],
    seconds: float,
) -> Score:
    """Compare an answer with those expected."""
    wanted = [squad.normal(text) for text in one.answers]
    return Score(
        abstained=said.end.finish == "abstain",
        exact=squad.exact(answer, one.answers),
        f1=squad.f1(answer, one.answers),
        sentence=float(any(text and text in squad.normal(sentence) for text in wanted)),
        found=len(one.gold & {c.source for c in passages}) / len(one.gold),
        seconds=seconds,
    )


def summary(asked: Sequence[Asked], scores: Sequence[Score]) -> dict[str, Any]:
    """Return the figures of a set: shares from 0 to 1, exact match and F1 in percent."""
    answerable = [s for one, s in zip(asked, scores, strict=True) if one.answerable]
    unanswerable = [s for one, s in zip(asked, scores, strict=True) if not one.answerable]
    refused = [s for s in scores if s.abstained]
    report = {
        "hit_at_5": mean([s.found > 0 for s in answerable]),
        "supporting_recall": mean([s.found for s in answerable]),
        "exact_match": mean([100 * s.exact * (not s.abstained) for s in answerable]),
        "f1": mean([100 * s.f1 * (not s.abstained) for s in answerable]),
        "f1_if_it_never_abstained": mean([100 * s.f1 for s in answerable]),
        "exact_match_if_it_never_abstained": mean([100 * s.exact for s in answerable]),
        "sentence_holds_answer": mean([s.sentence for s in answerable]),
        "answered": mean([not s.abstained for s in answerable]),
        "seconds_per_answer_p50": round(float(np.median([s.seconds for s in scores])), 3),
    }
    if unanswerable:
        right = [s for s in unanswerable if s.abstained]
        report["unanswerable"] = len(unanswerable)
        report["abstention_recall"] = mean([s.abstained for s in unanswerable])
        report["abstention_precision"] = round(len(right) / max(1, len(refused)), 3)
    return report


async def researching(asked: Sequence[Asked], knowledge: KnowledgeBase) -> dict[str, Any]:
    """Ask through research: it searches again with what the passages bring up."""
    agent = Agent(
        "researcher", model="research:embedded", tools=[SearchKnowledge(knowledge.retriever())]
    )
    scores, searches, seen = [], [], []
    for one in asked:
        start = time.perf_counter()
        result = await agent.arun(one.question)
        seconds = time.perf_counter() - start
        brought = [e for e in result.events if e.kind == "observation"]
        searches.append(len(brought))
        sources = {c.source for event in brought for c in event.citations}
        seen.append(len(one.gold & sources) / len(one.gold))
        answer = short_of(result.answer)
        scores.append(
            Score(
                abstained=result.abstained,
                exact=squad.exact(answer, one.answers),
                f1=squad.f1(answer, one.answers),
                sentence=float(
                    any(squad.normal(a) in squad.normal(result.answer) for a in one.answers)
                ),
                found=len(one.gold & {c.source for c in result.citations}) / len(one.gold),
                seconds=seconds,
            )
        )
    report = summary(asked, scores)
    del report["hit_at_5"]  # more than five are found
    return {
        **report,
        "supporting_recall": mean(seen),
        "supporting_recall_of_cited": report["supporting_recall"],
        "searches_per_question": mean(searches),
    }


def short_of(answer: str) -> str:
    """Return what stands before the quotation of an answer; the whole answer where nothing does."""
    match = _QUOTED.match(answer)
    return match[1] if match else _KEY.sub("", answer)


def mean(values: Sequence[float]) -> float:
    """Return a rounded mean."""
    return round(float(np.mean(values)), 3) if values else 0.0


if __name__ == "__main__":
    main()

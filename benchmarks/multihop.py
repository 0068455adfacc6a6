"""One search against research, on questions that need several passages; prints JSON.

HotpotQA and MuSiQue (training samples), each over the pooled paragraphs of all its questions, with
the embedded model and nothing else. `one_search` takes the best passages for the question itself;
`research` those that its answer would be written from, at the same number. Recall is the share of
supporting paragraphs among them, `all` the share of questions for which none is missing. The cost
is given in searches and seconds a question.

    python benchmarks/multihop.py [--questions N] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bottega import Agent
from bottega.events import Event, Observation
from bottega.messages import Citation
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.research import Limits, ResearchModel
from bottega_plugins.knowledge.research.case import Case, Search
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge
from bottega_plugins.models.embedded.decider import EmbeddedDecider
from bottega_plugins.models.embedded.model import EmbeddedModel

DATA = Path(__file__).parents[1] / "../shared/data/qa"
SIZES = (5, 8)
"""Passages that are compared: what research answers from, and what one search returns."""


@dataclass(frozen=True)
class Question:
    """A question and the sources of the paragraphs that support its answer."""

    text: str
    gold: frozenset[str]


@dataclass(frozen=True)
class Set:
    """Questions, and the paragraphs of all of them."""

    questions: list[Question]
    documents: list[Document]


class Pool:
    """Paragraphs by their title and text, each once."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Document] = {}

    def add(self, title: str, text: str) -> str:
        """Return the source of a paragraph."""
        source = f"paragraph-{len(self.documents)}"
        document = Document(source=source, content=text, title=title)
        return self.documents.setdefault((title, text), document).source


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100, help="of each set, at most")
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    sets = {"hotpotqa": hotpot(given.data), "musique": musique(given.data)}
    done = {name: asyncio.run(measure(one, given.questions)) for name, one in sets.items()}
    print(json.dumps(done, indent=2))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def hotpot(data: Path) -> Set:
    """Read HotpotQA."""
    pool, questions = Pool(), []
    for row in read(data / "hotpotqa_distractor.jsonl.gz"):
        needed = {title for title, _ in row["supporting_facts"]}
        sources = {
            c["title"]: pool.add(c["title"], "".join(c["sentences"])) for c in row["context"]
        }
        gold = frozenset(source for title, source in sources.items() if title in needed)
        questions.append(Question(row["question"], gold))
    return Set(questions, list(pool.documents.values()))


def musique(data: Path) -> Set:
    """Read MuSiQue."""
    pool, questions = Pool(), []
    for row in read(data / "musique.jsonl.gz"):
        sources = [(p, pool.add(p["title"], p["paragraph_text"])) for p in row["paragraphs"]]
        gold = frozenset(source for paragraph, source in sources if paragraph["is_supporting"])
        questions.append(Question(row["question"], gold))
    return Set(questions, list(pool.documents.values()))


async def measure(one: Set, most: int) -> dict[str, Any]:
    """Index the paragraphs, then ask all questions in both ways."""
    with tempfile.TemporaryDirectory() as folder:
        knowledge = KnowledgeBase.open(Path(folder) / "index", minilm())
        await knowledge.aadd(one.documents)
        questions = one.questions[:most]
        await knowledge.asearch(questions[0].text)  # the index is opened at the first search
        single = [await search_once(knowledge, question) for question in questions]
        rows = {size: [await research(knowledge, q, size) for q in questions] for size in SIZES}
    return {
        "questions": len(questions),
        "paragraphs": len(one.documents),
        "supporting_paragraphs_a_question": mean([len(q.gold) for q in questions]),
        "one_search": {
            f"at_{size}": recall(questions, [found[:size] for found, _ in single]) for size in SIZES
        }
        | {"seconds": mean([seconds for _, seconds in single])},
        "research": {
            f"at_{size}": recall(questions, [found for found, _, _ in done])
            | {
                "searches": mean([searches for _, searches, _ in done]),
                "seconds": mean([seconds for _, _, seconds in done]),
            }
            for size, done in rows.items()
        },
    }


async def search_once(knowledge: KnowledgeBase, question: Question) -> tuple[list[str], float]:
    """Return the sources of the best passages for the question itself, and the time it took."""
    began = time.perf_counter()
    found = await knowledge.asearch(question.text, max(SIZES))
    return [citation.source for citation in found], time.perf_counter() - began


async def research(
    knowledge: KnowledgeBase, question: Question, size: int
) -> tuple[list[str], int, float]:
    """Return the sources that research answers from, its searches, and the time it took."""
    embedder = minilm()
    model = ResearchModel(EmbeddedModel(embedder), EmbeddedDecider(embedder), Limits(passages=size))
    agent = Agent(model=model, tools=[SearchKnowledge(knowledge.retriever())], middleware=())
    began = time.perf_counter()
    result = await agent.arun(question.text)
    seconds = time.perf_counter() - began
    case = case_of(question.text, result.events)
    kept = [v.passage.source for v in await model.verdicts(case) if v.kept]
    return kept, sum(1 for _ in case.searches), seconds


def case_of(question: str, events: Sequence[Event]) -> Case:
    """Read from the events of a run what was searched for and found, turn by turn."""
    turns: dict[int, list[Search]] = {}
    for event in events:
        if isinstance(event, Observation):
            found: tuple[Citation, ...] = event.citations
            turns.setdefault(event.step, []).append(Search(query="", found=found))
    return Case(question=question, rounds=tuple(map(tuple, turns.values())))


def recall(questions: Sequence[Question], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of supporting paragraphs found, and of questions with all of them."""
    shares = [
        len(question.gold & set(sources)) / len(question.gold)
        for question, sources in zip(questions, found, strict=True)
    ]
    return {
        "recall": mean(shares),
        "all": mean([float(share == 1.0) for share in shares]),
        "passages": mean([len(set(sources)) for sources in found]),
    }


def mean(values: Sequence[float]) -> float:
    """Return the rounded mean."""
    return round(statistics.mean(values), 3)


if __name__ == "__main__":
    main()

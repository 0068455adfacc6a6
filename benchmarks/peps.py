"""How well `bottega ask` answers about Python's enhancement proposals; prints JSON.

All 691 proposals are written to a folder and indexed; each question goes through the agent that
`bottega ask` makes. The questions are templates over the header of one proposal: a smoke test, no
measure of understanding. Twenty questions that no proposal answers show whether the model abstains.

    python benchmarks/peps.py [--limit N] [--cache DIR] [--wrong]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bottega.agent import Agent
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import default_plugins
from bottega.result import Result
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

DATA = Path(__file__).parents[1] / "../shared/data/kb"
OFF_TOPIC = (
    "What is the capital of Mongolia?",
    "Who won the football world cup in 1998?",
    "How do I bake sourdough bread?",
    "When did the French Revolution begin?",
    "Which planet has the most moons?",
    "Who painted the Mona Lisa?",
    "What is the boiling point of ethanol?",
    "How many bones does an adult human have?",
    "Where was Ludwig van Beethoven born?",
    "Why is the sky blue?",
    "Who wrote the novel Moby Dick?",
    "What is the current status of the Mars Sample Return mission?",
    "Which river flows through Budapest?",
    "How long does it take to boil an egg?",
    "When was the Eiffel Tower built?",
    "What is the melting point of gold?",
    "Who is the president of Brazil?",
    "Which vitamins are in an orange?",
    'Who wrote the PEP titled "Growing Tomatoes in Raised Beds"?',
    "How tall is Mount Kilimanjaro?",
)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=None, help="ask only every so many questions")
    parser.add_argument("--cache", type=Path, default=None, help="keep documents and index here")
    parser.add_argument("--wrong", action="store_true", help="list what went wrong")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = asyncio.run(measure(given.cache or Path(temporary), given.limit))
    wrong = found.pop("wrong")
    print(json.dumps(found | ({"wrong": wrong} if given.wrong else {}), indent=2))


async def measure(cache: Path, limit: int | None) -> dict[str, Any]:
    """Index the proposals and put the questions."""
    docs = cache / "peps"
    write_documents(docs)
    context = FactoryContext(plugins=default_plugins(), folder=cache, home=cache / "state")
    knowledge = KnowledgeBase.open(docs, context.make("embedder", "minilm"), home=context.home)
    started = time.perf_counter()
    report = await knowledge.aupdate()
    index = {
        "documents": report.added + report.unchanged,
        "passages_embedded": report.embedded,
        "seconds": round(time.perf_counter() - started, 1),
    }
    agent = Agent(
        "librarian",
        model="research:embedded",
        tools=[SearchKnowledge(knowledge.retriever())],
        folder=cache,
    )
    questions = read_lines("peps_questions.jsonl.gz")
    asked = questions[:: max(1, len(questions) // limit)] if limit else questions
    rows = [judged(question, *await ask(agent, question["question"])) for question in asked]
    off_topic = [await ask(agent, question) for question in OFF_TOPIC]
    return summary(rows, [result for result, _ in off_topic]) | {"index": index}


async def ask(agent: Agent, question: str) -> tuple[Result, float]:
    """Return the agent's result and the seconds that it took."""
    started = time.perf_counter()
    result = await agent.arun(question)
    return result, time.perf_counter() - started


def judged(question: dict[str, Any], result: Result, seconds: float) -> dict[str, Any]:
    """Compare a result with what was expected."""
    gold = f"pep-{int(question['gold_doc'].split('-')[1]):04d}.rst"
    sources = [citation.source for citation in result.citations]
    answer = normal(re.sub(r"\[[^\]]*\]", " ", result.answer))
    found = [f" {normal(expected)} " in f" {answer} " for expected in question["answers"]]
    answered = not result.abstained
    return {
        "field": question["field"],
        "question": question["question"],
        "answer": result.answer,
        "expected": question["answers"],
        "cited_first": answered and sources[:1] == [gold],
        "cited": answered and gold in sources,
        "right": answered and any(found),
        "complete": answered and all(found),
        "abstained": result.abstained,
        "failed": result.status != "done",
        "steps": result.steps,
        "seconds": seconds,
    }


def summary(rows: Sequence[dict[str, Any]], off_topic: Sequence[Result]) -> dict[str, Any]:
    """Return shares over all questions and by field."""
    by_field: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_field[row["field"]].append(row)
    answered = [result.answer for result in off_topic if not result.abstained]
    wrong = [row for row in rows if not (row["cited_first"] and row["right"])]
    return {
        "questions": len(rows),
        **shares(rows),
        "by_field": {name: shares(some) for name, some in sorted(by_field.items())},
        "median_seconds": round(statistics.median(row["seconds"] for row in rows), 3),
        "mean_steps": round(statistics.mean(row["steps"] for row in rows), 2),
        "off_topic": {
            "questions": len(off_topic),
            "abstained": round(1 - len(answered) / len(off_topic), 3),
        },
        "wrong": [*wrong, *({"off_topic": answer} for answer in answered)],
    }


def shares(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the share of rows in which each thing holds."""
    names = ("cited_first", "cited", "right", "complete", "abstained", "failed")
    return {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in names}


def normal(text: str) -> str:
    """Return the words of a text in lower case, with one space between; dots inside words stay."""
    return " ".join(re.findall(r"\w+(?:[.-]\w+)*", text.casefold()))


def write_documents(folder: Path) -> None:
    """Write each proposal to a file of its own, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for pep in read_lines("python_peps.jsonl.gz"):
        path = folder / f"pep-{pep['number']:04d}.rst"
        if not path.exists():
            path.write_text(pep["text"], encoding="utf-8")


def read_lines(name: str) -> list[dict[str, Any]]:
    """Read a file of one JSON object a line."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return list(parsed(lines))


def parsed(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Parse each line."""
    return (json.loads(line) for line in lines)


if __name__ == "__main__":
    main()

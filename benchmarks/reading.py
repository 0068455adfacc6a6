"""How well the embedded model reads: SQuAD questions, the passage a tool's result; prints JSON.

Only questions of `split=dev`: the constants were fitted on the others. `holds_answer`: the reply
holds one of the expected answers. Unanswerable questions of SQuAD 2 are written to look answerable;
`other_passage` gives the model a passage of another article instead, the one nearest to the
question.

    python benchmarks/reading.py [--questions N]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from bottega.messages import Citation, ToolCall, ToolResult, assistant, tool_results, user
from bottega.model import Reply, Request, collect
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded.model import EmbeddedModel

DATA = Path(__file__).parents[1] / "../shared/data/qa/squad_v2.jsonl.gz"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=600)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.questions)), indent=2))


async def measure(count: int) -> dict[str, Any]:
    """Ask `count` questions."""
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["split"] == "dev"]
    random.Random(0).shuffle(rows)
    rows = rows[:count]
    model = EmbeddedModel(minilm())
    others = await neighbours(rows)
    own = [await reply(model, row, row["context"], row["title"]) for row in rows]
    away = [
        await reply(model, row, other["context"], other["title"])
        for row, other in zip(rows, others, strict=True)
    ]
    asked = list(zip(rows, own, strict=True))
    answerable = [(row, said) for row, said in asked if row["answers"]]
    unanswerable = [said for row, said in asked if not row["answers"]]
    answered = [(row, said) for row, said in answerable if not abstains(said)]
    refused = sum(abstains(said) for said in own)
    refused_rightly = sum(abstains(said) for said in unanswerable)
    return {
        "answerable": {
            "questions": len(answerable),
            "answered": share(len(answered), len(answerable)),
            "holds_answer": share(sum(holds(*pair) for pair in answered), len(answerable)),
            "holds_answer_when_answered": share(
                sum(holds(*pair) for pair in answered), len(answered)
            ),
            "mean_words": round(float(np.mean([len(s.text.split()) for _, s in answered])), 1),
        },
        "unanswerable": {
            "questions": len(unanswerable),
            "abstention_recall": share(refused_rightly, len(unanswerable)),
            "abstention_precision": share(refused_rightly, refused),
        },
        "other_passage": {
            "questions": len(away),
            "abstained": share(sum(abstains(said) for said in away), len(away)),
        },
    }


async def neighbours(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each question the row with the nearest passage of another article."""
    embedder = minilm()
    passages = await embedder.embed([row["context"] for row in rows])
    asked = await embedder.embed([row["question"] for row in rows])
    found = []
    for row, scores in zip(rows, asked @ passages.T, strict=True):
        order = (rows[i] for i in np.argsort(-scores))
        found.append(next(other for other in order if other["title"] != row["title"]))
    return found


async def reply(model: EmbeddedModel, row: dict[str, Any], text: str, title: str) -> Reply:
    """Return what the model says once a search has brought the passage."""
    passage = Citation(key="p", source="p", start=0, end=len(text), heading=title, quote=text)
    call = ToolCall(id="1", name="search", arguments={"query": row["question"]})
    result = ToolResult(call_id="1", name="search", content=f"[p] {text}", citations=(passage,))
    messages = (user(row["question"]), assistant("", [call]), tool_results([result]))
    return await collect(model.respond(Request(messages=messages)))


def abstains(said: Reply) -> bool:
    """Say whether the model says that it cannot tell."""
    return said.end.finish == "abstain"


def holds(row: dict[str, Any], said: Reply) -> bool:
    """Say whether the reply holds an expected answer."""
    text = said.text.casefold()
    return any(answer["text"].casefold() in text for answer in row["answers"])


def share(part: int, whole: int) -> float:
    """Return a rounded share."""
    return round(part / whole, 3) if whole else 0.0


if __name__ == "__main__":
    main()

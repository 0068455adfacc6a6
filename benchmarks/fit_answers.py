"""Fit how likely a sentence answers (`confidence.py`); print the constants and their quality.

`WEIGHTS` are of all signs, `SENTENCE_WEIGHTS` of a sentence's own, where no short answer is read.

Fitted on SQuAD 2 questions of `split=train` (CC BY-SA 4.0), measured on those of `split=dev`, which
are of other articles. Each is read three ways: with its own passage alone, with its own passage and
the four nearest of other articles, and with the five nearest of other articles. Yes: the sentence
that was chosen holds an expected answer. No: it does not, be it that the question has none.

    python benchmarks/fit_answers.py [--questions N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import squad
from fit_embedded import auc, calibration_error, neighbours, newton, passage_of
from numpy.typing import NDArray

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded.confidence import SENTENCE_SIGNS, SIGNS
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.sentence_reader import Answer, answers, nearest
from bottega_plugins.models.embedded.vectors import Vectors

OWN, AMONG, AWAY = range(3)
WEIGHT = {OWN: 1.0, AMONG: 1.0, AWAY: 0.5}
"""How much an example of each way of reading counts."""
Floats = NDArray[np.float64]


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=3000)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(fit(given.questions)), indent=2))


async def fit(count: int) -> dict[str, Any]:
    """Fit on `count` questions of one split, measure on as many of the other."""
    report: dict[str, Any] = {}
    for name, ask, names in (("", answers, SIGNS), ("SENTENCE_", nearest, SENTENCE_SIGNS)):
        train = await examples(squad.rows("squad_v2", "train"), count, ask)
        test = await examples(squad.rows("squad_v2", "dev"), count, ask)
        weights = np.array([WEIGHT[int(way)] for way, _ in train[2]])
        found = newton(train[0], train[1], weights)
        report[f"{name}WEIGHTS"] = dict(zip(names, np.round(found[:-1], 2).tolist(), strict=True))
        report[f"{name}BIAS"] = round(float(found[-1]), 2)
        report[f"{name.lower()}train"] = measured(*train, found)
        report[f"{name.lower()}dev"] = measured(*test, found)
    return report


async def examples(
    rows: list[dict[str, Any]], count: int, ask: Callable[..., Awaitable[list[Answer]]]
) -> tuple[Floats, Floats, NDArray[Any]]:
    """Return signs with a bias, whether the sentence answers, and how it was read and asked.

    The third are pairs: the way of reading, and whether the question has an answer.
    """
    random.Random(0).shuffle(rows)
    rows = rows[:count]
    vectors = Vectors(minilm())
    passages = {row["passage_id"]: passage_of(row) for row in rows}
    titles = {row["passage_id"]: row["title"] for row in rows}
    near = await neighbours(rows, passages, titles, vectors)
    values, yes, ways = [], [], []
    for row, names in zip(rows, near, strict=True):
        own, others = passages[row["passage_id"]], [passages[name] for name in names]
        question = Question.read(row["question"])
        for way, given in ((OWN, [own]), (AMONG, [own, *others[:4]]), (AWAY, others)):
            found = await ask(question, question.asks[0], given, vectors)
            if found:
                text = found[0].candidate.text
                values.append((*found[0].signs, 1.0))
                yes.append(way != AWAY and any(a["text"] in text for a in row["answers"]))
                ways.append((way, bool(row["answers"])))
    return np.array(values), np.array(yes, float), np.array(ways)


def measured(values: Floats, yes: Floats, ways: NDArray[Any], found: Floats) -> dict[str, Any]:
    """Return how well the probability tells, and what abstaining below a threshold does."""
    chances = 1 / (1 + np.exp(-values @ found))
    own, away = ways[:, 0] == OWN, ways[:, 0] == AWAY
    report: dict[str, Any] = {
        "ece": round(calibration_error(chances, yes), 3),
        "ece_own_passage": round(calibration_error(chances[own], yes[own]), 3),
        "auc_own_passage": round(auc(chances[own], ways[own, 1].astype(float)), 3),
    }
    for at in (0.3, 0.4, 0.5, 0.6):
        refused, unanswerable = chances[own] < at, ways[own, 1] == 0
        right = (refused & unanswerable).sum()
        report[f"abstaining_below_{at}"] = {
            "recall": round(float(right / unanswerable.sum()), 3),
            "precision": round(float(right / max(1, refused.sum())), 3),
            "answered_of_answerable": round(
                float((~refused & ~unanswerable).sum() / (~unanswerable).sum()), 3
            ),
            "abstained_of_other_passages": round(float((chances[away] < at).mean()), 3),
        }
    return report


if __name__ == "__main__":
    main()

"""Fit the constants of the embedded model and decider; print them as JSON with how good they are.

Fitted on half of a sample, measured on the other half; of SQuAD only what is `split=train`.
Whether an answer is one, and which words of it are short, is fitted by `fit_answers.py` and
`fit_short.py`.

- `RANK`: which sentence of a SQuAD passage holds the answer (conditional logit)
- `SUPPORT`: whether a passage supports question and answer put together. No: another answer of the
  same passage, or another passage
- `CHOOSE`: which of ten CLINC intents a sentence has, or none of them

    python benchmarks/fit_embedded.py [--questions N]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded.candidates import Candidate, candidates
from bottega_plugins.models.embedded.decider import support_values
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.vectors import Vectors

DATA = Path(__file__).parents[1] / "../shared/data"
HARD_WEIGHT = 0.3
Floats = NDArray[np.float64]


@dataclass
class Sample:
    """Examples for a yes-or-no question."""

    values: list[tuple[float, ...]] = field(default_factory=list)
    yes: list[bool] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, values: tuple[float, ...], *, yes: bool, weight: float = 1.0) -> None:
        """Take an example."""
        self.values.append(values)
        self.yes.append(yes)
        self.weights.append(weight)


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=800)
    print(json.dumps(asyncio.run(fit(parser.parse_args().questions)), indent=2))


async def fit(count: int) -> dict[str, Any]:
    """Fit everything on `count` questions."""
    vectors = Vectors(minilm())
    chance = random.Random(0)
    rows = [row for row in read("qa/squad_v2.jsonl.gz") if row["split"] == "train"]
    chance.shuffle(rows)
    rows = rows[:count]
    passages = {row["passage_id"]: passage_of(row) for row in rows}
    titles = {row["passage_id"]: row["title"] for row in rows}
    near = await neighbours(rows, passages, titles, vectors)
    ranking: list[tuple[Floats, NDArray[np.bool_]]] = []
    supporting = Sample()
    by_passage: dict[str, list[str]] = {}
    for row in rows:
        for answer in row["answers"][:1]:
            by_passage.setdefault(row["passage_id"], []).append(answer["text"])
    for row, others in zip(rows, near, strict=True):
        question = Question.read(row["question"])
        found = await sentences_for(question, [passages[row["passage_id"]]], vectors)
        if not found or not row["answers"]:
            continue
        answers = [answer["text"] for answer in row["answers"]]
        held = np.array([any(a in c.text for a in answers) for c in found])
        if held.any() and not held.all():
            ranking.append((np.array([rank_values(c) for c in found]), held))
        await add_statements(supporting, row, passages, others, by_passage, vectors)
    return {
        "RANK": fit_ranking(ranking),
        "SUPPORT": fit_logistic(supporting),
        "CHOOSE": await fit_choosing(vectors, chance),
    }


async def sentences_for(
    question: Question, passages: list[Passage], vectors: Vectors
) -> list[Candidate]:
    """Return the ranked sentences."""
    return await candidates(question, question.asks[0], passages, vectors)


async def add_statements(
    sample: Sample,
    row: dict[str, Any],
    passages: dict[str, Passage],
    others: list[str],
    by_passage: dict[str, list[str]],
    vectors: Vectors,
) -> None:
    """Add a statement that the passage supports, and two that it does not or that others do not."""
    right = row["answers"][0]["text"]
    text = passages[row["passage_id"]].text
    statement = f"{row['question'].rstrip('?')}: {right}"
    sample.add(await support_values(statement, text, vectors), yes=True)
    elsewhere = passages[others[0]].text
    sample.add(await support_values(statement, elsewhere, vectors), yes=False)
    wrong = [a for a in by_passage[row["passage_id"]] if a not in right and right not in a]
    if wrong:
        mistaken = f"{row['question'].rstrip('?')}: {wrong[0]}"
        values = await support_values(mistaken, text, vectors)
        sample.add(values, yes=False, weight=HARD_WEIGHT)


def rank_values(candidate: Candidate) -> tuple[float, ...]:
    """Return what `RANK` weighs."""
    fit = candidate.fit
    return (fit.similarity, fit.coverage, fit.weighted, fit.kind, fit.length)


async def neighbours(
    rows: list[dict[str, Any]],
    passages: dict[str, Passage],
    titles: dict[str, str],
    vectors: Vectors,
) -> list[list[str]]:
    """Return, for each question, the five nearest passages of other articles."""
    names = list(passages)
    table = await vectors.of([passages[name].text for name in names])
    asked = await vectors.of([row["question"] for row in rows])
    found = []
    for row, scores in zip(rows, asked @ table.T, strict=True):
        order = [names[i] for i in np.argsort(-scores)]
        found.append([name for name in order if titles[name] != row["title"]][:5])
    return found


def fit_ranking(groups: list[tuple[Floats, NDArray[np.bool_]]]) -> dict[str, Any]:
    """Fit a conditional logit; report how often the first sentence holds the answer."""
    train, test = groups[::2], groups[1::2]
    weights = np.zeros(groups[0][0].shape[1])
    for _ in range(600):
        slope = np.zeros_like(weights)
        for values, held in train:
            chances = np.exp(values @ weights - (values @ weights).max())
            chances /= chances.sum()
            target = chances * held / (chances * held).sum()
            slope += values.T @ (target - chances)
        weights += slope / len(train) - 0.001 * weights
    hits = [bool(held[int(np.argmax(values @ weights))]) for values, held in test]
    return {
        "weights": rounded(weights),
        "questions": len(test),
        "first_holds_answer": round(float(np.mean(hits)), 3),
    }


def fit_logistic(sample: Sample) -> dict[str, Any]:
    """Fit a logistic regression by Newton's method, a little regularised."""
    values = np.c_[np.array(sample.values), np.ones(len(sample.yes))]
    yes, weights = np.array(sample.yes, float), np.array(sample.weights)
    train = np.arange(len(yes)) % 2 == 0
    found = newton(values[train], yes[train], weights[train])
    chances = 1 / (1 + np.exp(-values @ found))
    test = ~train
    easy = test & (weights == 1)
    return {
        "weights": rounded(found[:-1]),
        "bias": round(float(found[-1]), 2),
        "auc": round(auc(chances[easy], yes[easy]), 3),
        "ece": round(calibration_error(chances[test], yes[test], weights[test]), 3),
        "thresholds": {
            str(at): [
                round(float((chances[easy & (yes == 1)] >= at).mean()), 3),
                round(float((chances[easy & (yes == 0)] < at).mean()), 3),
            ]
            for at in (0.3, 0.4, 0.5, 0.6)
        },
    }


def newton(values: Floats, yes: Floats, weights: Floats) -> Floats:
    """Return the weights of the features, the last one the bias."""
    found = np.zeros(values.shape[1])
    for _ in range(40):
        chances = 1 / (1 + np.exp(-values @ found))
        slope = values.T @ (weights * (yes - chances)) - 0.1 * found
        bend = (values * (weights * chances * (1 - chances))[:, None]).T @ values
        found = found + np.linalg.solve(bend + 0.1 * np.eye(len(found)), slope)
    return found


def auc(chances: Floats, yes: Floats) -> float:
    """Return the probability that a yes has a higher chance than a no."""
    ranks = np.argsort(np.argsort(chances)).astype(float)
    ones = yes.sum()
    return float(
        (ranks[yes == 1].sum() - ones * (ones - 1) / 2) / max(1.0, ones * (len(yes) - ones))
    )


def calibration_error(
    chances: Floats, yes: Floats, weights: Floats | None = None, bins: int = 10
) -> float:
    """Return the expected calibration error, each example by its weight."""
    share = np.ones(len(yes)) / len(yes) if weights is None else weights / weights.sum()
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = ((share * (chances - yes))[places == i].sum() for i in range(bins))
    return float(sum(abs(gap) for gap in gaps))


async def fit_choosing(vectors: Vectors, chance: random.Random) -> dict[str, Any]:
    """Fit sharpness and the cosine of none on choices among ten intents, one time in five none."""
    rows = read("classify/clinc150.jsonl.gz")
    labels = sorted({row["label"] for row in rows} - {"oos"})
    chance.shuffle(rows)
    outside = [row for row in rows if row["label"] == "oos"][:160]
    rows = [*[row for row in rows if row["label"] != "oos"][:640], *outside]
    chance.shuffle(rows)
    cases: list[tuple[list[float], int]] = []
    for row in rows:
        options = chance.sample([label for label in labels if label != row["label"]], 10)
        if row["label"] != "oos":
            options[chance.randrange(10)] = row["label"]
        told = [label.replace("_", " ") for label in options]
        cosines = await vectors.similarity(row["text"], told)
        right = options.index(row["label"]) if row["label"] in options else 10
        cases.append((cosines, right))
    train, test = cases[::2], cases[1::2]
    grid = [(s, c) for s in np.arange(6, 40, 1.0) for c in np.arange(0.1, 0.6, 0.02)]
    best = min(grid, key=lambda pair: loss(train, *pair))
    chances = [choice_chances(cosines, *best) for cosines, _ in test]
    top = np.array([c.max() for c in chances])
    hit = np.array([int(c.argmax()) == right for c, (_, right) in zip(chances, test, strict=True)])
    return {
        "sharpness": round(float(best[0]), 2),
        "none_cosine": round(float(best[1]), 2),
        "accuracy": round(float(hit.mean()), 3),
        "ece": round(calibration_error(top, hit.astype(float)), 3),
    }


def choice_chances(cosines: list[float], sharpness: float, none: float) -> Floats:
    """Return the probability of each option, that of none last."""
    raised = np.exp(sharpness * (np.array([*cosines, none]) - none))
    return raised / raised.sum()


def loss(cases: list[tuple[list[float], int]], sharpness: float, none: float) -> float:
    """Return the mean negative log-likelihood."""
    chances = [choice_chances(cosines, sharpness, none)[right] for cosines, right in cases]
    return float(-np.mean(np.log(np.maximum(chances, 1e-9))))


def passage_of(row: dict[str, Any]) -> Passage:
    """Return the row's passage under the title of its article."""
    return Passage(row["passage_id"], row["title"], row["title"], row["context"], 0)


def rounded(values: Floats) -> list[float]:
    """Return the values as plain numbers."""
    return [round(float(value), 2) for value in values]


def read(name: str) -> list[dict[str, Any]]:
    """Read a gzipped file of one JSON object a line."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()

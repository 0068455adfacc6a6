"""Measure the classifier of `moderation`, and fit it anew with `--fit`. Prints one JSON object.

    python benchmarks/moderation.py DATA [--fit] [--threshold N]

DATA is the folder with `safety/`, `classify/` and `reasoning/`. What it is fitted on is measured by
five-fold cross-validation; XSTest (CC BY 4.0) and the benign instructions of Alpaca (CC BY-NC, for
measuring alone) are never fitted on. Detection is the share of harmful texts that are found, false
alarms the share of harmless ones that are taken for harmful.
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
from numpy.typing import NDArray

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.guards.moderation.head import WEIGHTS
from bottega_plugins.guards.moderation.middleware import THRESHOLD

Floats = NDArray[np.float64]
PLAIN = {
    "classify/clinc150.jsonl.gz": ("text", 600),
    "reasoning/gsm8k.jsonl.gz": ("question", 200),
    "classify/banking77.jsonl.gz": ("text", 200),
}
"""Harmless questions: the file, the field and how many."""
FOLDS, BATCH, DECAY = 5, 32, 1.0


def main() -> None:
    """Measure, and fit where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true", help="write the weights into the package")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    given = parser.parse_args()
    report = asyncio.run(measure(given.data, given.threshold, fit_anew=given.fit))
    print(json.dumps(report, indent=2))


async def measure(data: Path, threshold: float, *, fit_anew: bool) -> dict[str, Any]:
    """Return the report."""
    texts, harmful, source = training(data)
    vectors = await embed(texts)
    held = out_of_fold(vectors, harmful)
    if fit_anew:
        write(fit(vectors, harmful))
    kept = json.loads(WEIGHTS.read_text())
    weights = np.array([*kept["weights"], kept["bias"]])
    report = {
        name: rates(held[source == name], harmful[source == name], threshold)
        for name in ("openai_moderation", "harmful_requests", "plain_questions")
    }
    prompts = rows(data / "safety/xstest_prompts.jsonl.gz")
    unsafe = np.array([float(row["label"] == "unsafe") for row in prompts])
    found = probabilities(await embed([row["prompt"] for row in prompts]), weights)
    report["xstest"] = rates(found, unsafe, threshold)
    benign = [row["text"] for row in requests(data, "benign")]
    found = probabilities(await embed(benign), weights)
    report["alpaca"] = rates(found, np.zeros(len(benign)), threshold)
    return {"threshold": threshold, **report}


def training(data: Path) -> tuple[list[str], Floats, NDArray[np.str_]]:
    """Return the texts that it is fitted on, 1 for harmful, and where each comes from."""
    judged = rows(data / "safety/openai_moderation.jsonl.gz")
    cases = [(row["prompt"], _is_flagged(row), "openai_moderation") for row in judged]
    cases += [(row["text"], 1.0, "harmful_requests") for row in requests(data, "harmful")]
    chance = random.Random(0)
    for file, (field, count) in PLAIN.items():
        taken = chance.sample(rows(data / file), count)
        cases += [(row[field], 0.0, "plain_questions") for row in taken]
    texts, harmful, source = zip(*cases, strict=True)
    return list(texts), np.array(harmful), np.array(source)


def _is_flagged(row: dict[str, Any]) -> float:
    return float(any(value == 1 for name, value in row.items() if name != "prompt"))


def requests(data: Path, label: str) -> list[dict[str, Any]]:
    """Return the requests of that label."""
    found = rows(data / "safety/harmful_vs_benign_prompts.jsonl.gz")
    return [row for row in found if row["label"] == label]


def rows(file: Path) -> list[dict[str, Any]]:
    """Read a gzipped JSON-lines file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def embed(texts: list[str]) -> Floats:
    """Return a vector for each text."""
    embedder = minilm()
    parts = [await embedder.embed(texts[n : n + BATCH]) for n in range(0, len(texts), BATCH)]
    return np.concatenate(parts).astype(np.float64)


def fit(vectors: Floats, harmful: Floats) -> Floats:
    """Return the weights and the bias of a logistic regression, found by Newton's method."""
    columns = np.hstack([vectors, np.ones((len(vectors), 1))])
    penalty = DECAY * np.eye(columns.shape[1])
    penalty[-1, -1] = 1e-6
    weights = np.zeros(columns.shape[1])
    for _ in range(30):
        guessed = 1 / (1 + np.exp(-columns @ weights))
        slope = columns.T @ (guessed - harmful) + penalty @ weights
        curve = (columns.T * (guessed * (1 - guessed))) @ columns + penalty
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def out_of_fold(vectors: Floats, harmful: Floats) -> Floats:
    """Return for each text the probability by weights that were fitted without it."""
    fold = np.random.RandomState(0).randint(0, FOLDS, len(harmful))
    found = np.zeros(len(harmful))
    for number in range(FOLDS):
        weights = fit(vectors[fold != number], harmful[fold != number])
        found[fold == number] = probabilities(vectors[fold == number], weights)
    return found


def probabilities(vectors: Floats, weights: Floats) -> Floats:
    """Return how likely each text is harmful."""
    found: Floats = 1 / (1 + np.exp(-(vectors @ weights[:-1] + weights[-1])))
    return found


def rates(found: Floats, harmful: Floats, threshold: float) -> dict[str, float | int]:
    """Return the share of harmful texts found, and of harmless ones taken for harmful."""
    report: dict[str, float | int] = {"texts": len(found)}
    for name, wanted in (("detected", 1), ("false_alarms", 0)):
        these = found[harmful == wanted]
        if len(these):
            report[name] = round(float((these >= threshold).mean()), 3)
    return report


def write(weights: Floats) -> None:
    """Put the weights into the package."""
    rounded = [round(float(weight), 4) for weight in weights]
    kept = {"bias": rounded[-1], "embedder": minilm().name, "weights": rounded[:-1]}
    WEIGHTS.write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()

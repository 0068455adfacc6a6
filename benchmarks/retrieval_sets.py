"""The collections that benchmarks/retrieval.py searches: documents, queries, what answers them.

`REPORTED` are the sets whose figures are the goal; nothing is chosen by them. `DEVELOPMENT` are
other collections, on which the constants of ranking were chosen. Many of these were made for other
ends and are pooled here to search: the passages of all questions together are the collection.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "../shared/data"


@dataclass(kw_only=True)
class Collection:
    """Documents and judged queries."""

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name to title and text."""
    queries: dict[str, str] = field(default_factory=dict)
    relevant: dict[str, set[str]] = field(default_factory=dict)
    """Query to the names of the documents that answer it."""

    def put(self, title: str, text: str) -> str:
        """Take in a document without a name of its own; return its name, equal for equal ones."""
        if (title, text) not in self._names:
            name = f"document-{len(self.documents)}"
            self._names[title, text] = name
            self.documents[name] = (title, text)
        return self._names[title, text]

    def ask(self, name: str, query: str, relevant: Iterable[str]) -> None:
        """Take in a query, unless nothing answers it."""
        answers = set(relevant)
        if answers:
            self.queries[name], self.relevant[name] = query, answers

    def __post_init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}


def rows(path: str) -> list[dict[str, Any]]:
    """Read a gzipped JSON-lines file of the data folder."""
    with gzip.open(DATA / path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def beir(folder: str) -> Collection:
    """Read a set in the layout of BEIR; a judgement above 0 is relevant, as the grades are few."""
    found = Collection()
    for row in rows(f"{folder}/corpus.jsonl.gz"):
        found.documents[row["_id"]] = (row["title"], row["text"])
    judged: defaultdict[str, set[str]] = defaultdict(set)
    for line in (DATA / folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")[:3]
        if int(grade) > 0:
            judged[query].add(document)
    for row in rows(f"{folder}/queries.jsonl.gz"):
        found.ask(row["_id"], row["text"], judged[row["_id"]])
    return found


def squad() -> Collection:
    """Questions of SQuAD 1.1; the passage that each was asked on."""
    found = Collection()
    for row in rows("qa/squad_v1.jsonl.gz"):
        found.documents[row["passage_id"]] = (row["title"], row["context"])
        found.ask(row["id"], row["question"], [row["passage_id"]])
    return found


def climate_fever() -> Collection:
    """Claims on the climate; the sentences of Wikipedia that speak for or against them."""
    found = Collection()
    for row in rows("rag/climate_fever.jsonl.gz"):
        telling = []
        for each in row["evidences"]:
            found.documents[each["evidence_id"]] = (each["article"], each["evidence"])
            if each["evidence_label"] != "NOT_ENOUGH_INFO":
                telling.append(each["evidence_id"])
        found.ask(row["claim_id"], row["claim"], telling)
    return found


def mtrag() -> Collection:
    """Last turns of conversations, with the one before where it is short; their passages."""
    found = Collection()
    for row in rows("rag/mtrag_un.jsonl.gz"):
        for each in row["contexts"]:
            found.documents[each["document_id"]] = (each.get("title") or "", each["text"])
        said = [each["text"] for each in row["input"] if each["speaker"] == "user"]
        query = said[-1] if len(said[-1]) > 40 else " ".join(said[-2:])
        found.ask(row["task_id"], query, [each["document_id"] for each in row["contexts"]])
    return found


def bank() -> Collection:
    """Customers' whole stories (2,000 characters); the bank's documents that are needed."""
    found = Collection()
    for row in rows("tools/tau2_banking/documents.jsonl.gz"):
        found.documents[row["id"]] = (row["title"], row["content"])
    for row in rows("tools/tau2_banking/tasks.jsonl.gz"):
        story = str(row["user_scenario"]["instructions"])[:2000]
        found.ask(row["id"], story, row.get("required_documents") or ())
    return found


def multi_hop() -> Collection:
    """Questions of HotpotQA and MuSiQue; all passages they need. 2WikiMultihopQA's distract."""
    found = Collection()
    for row in rows("qa/hotpotqa_distractor.jsonl.gz"):
        names = {each["title"]: found.put(each["title"], "".join(each["sentences"]))
                 for each in row["context"]}  # fmt: skip
        found.ask(row["id"], row["question"], [names[t] for t, _ in row["supporting_facts"]])
    for row in rows("qa/musique.jsonl.gz"):
        needed = []
        for each in row["paragraphs"]:
            name = found.put(each["title"], each["paragraph_text"])
            if each["is_supporting"]:
                needed.append(name)
        found.ask(row["id"], row["question"], needed)
    for row in rows("kb/2wiki_passages.jsonl.gz"):
        found.put(row["title"], row["text"])
    return found


def strategy_qa() -> Collection:
    """Questions that need several facts; the facts, a sentence each."""
    found = Collection()
    for row in rows("qa/strategyqa.jsonl.gz"):
        found.ask(row["qid"], row["question"], [found.put("", fact) for fact in row["facts"]])
    return found


REPORTED: dict[str, Callable[[], Collection]] = {
    "scifact": lambda: beir("retrieval/scifact"),
    "cranfield": lambda: beir("retrieval/cranfield"),
}
DEVELOPMENT: dict[str, Callable[[], Collection]] = {
    "squad": squad,
    "climate_fever": climate_fever,
    "mtrag": mtrag,
    "bank": bank,
    "multi_hop": multi_hop,
    "strategy_qa": strategy_qa,
}

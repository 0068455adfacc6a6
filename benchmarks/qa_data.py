"""The sets of questions that `qa.py` asks, each with the passages of all its questions."""

from __future__ import annotations

from dataclasses import dataclass, field

import squad

from bottega.messages import Citation


@dataclass(frozen=True)
class Asked:
    """A question, what is expected, and the passages that tell."""

    question: str
    answers: list[str]
    gold: frozenset[str]
    answerable: bool = True


@dataclass
class Pool:
    """The passages of a set, by name, and the questions on them."""

    passages: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name to title and text."""
    asked: list[Asked] = field(default_factory=list)

    def name_of(self, title: str, text: str) -> str:
        """Take in a passage; return its name, the same for the same passage."""
        name = f"{title}#{len(self.passages)}"
        known = self._names.setdefault((title, text), name)
        self.passages.setdefault(known, (title, text))
        return known

    def __post_init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}


def squad_pool(name: str) -> Pool:
    """Return a SQuAD set: questions of the dev split, passages of both."""
    pool = Pool()
    for row in squad.rows(name):
        passage = pool.name_of(row["title"], row["context"])
        if row["split"] == "dev":
            answers = [answer["text"] for answer in row["answers"]]
            pool.asked.append(
                Asked(row["question"], answers or [""], frozenset([passage]), bool(answers))
            )
    return pool


def hotpotqa_pool() -> Pool:
    """Return HotpotQA: both paragraphs that a question needs are gold."""
    pool = Pool()
    for row in squad.rows("hotpotqa_distractor"):
        names = {
            part["title"]: pool.name_of(part["title"], "".join(part["sentences"]))
            for part in row["context"]
        }
        gold = frozenset(names[title] for title, _ in row["supporting_facts"] if title in names)
        pool.asked.append(Asked(row["question"], [row["answer"]], gold))
    return pool


def musique_pool() -> Pool:
    """Return MuSiQue: two to four paragraphs are gold."""
    pool = Pool()
    for row in squad.rows("musique"):
        gold = set()
        for part in row["paragraphs"]:
            name = pool.name_of(part["title"], part["paragraph_text"])
            gold |= {name} if part["is_supporting"] else set()
        answers = [row["answer"], *row["answer_aliases"]]
        pool.asked.append(Asked(row["question"], answers, frozenset(gold)))
    return pool


def clapnq_pool() -> Pool:
    """Return ClapNQ: long answers; a question without one has a passage that does not tell."""
    pool = Pool()
    for row in squad.rows("clapnq"):
        gold = frozenset(pool.name_of(part["title"], part["text"]) for part in row["passages"])
        answers = [said["answer"] for said in row["output"] if said["answer"].strip()]
        answerable = bool(row["answerable"] and answers)
        pool.asked.append(Asked(row["input"], answers or [""], gold, answerable))
    return pool


POOLS = {
    "squad_v1": lambda: squad_pool("squad_v1"),
    "squad_v2": lambda: squad_pool("squad_v2"),
    "hotpotqa": hotpotqa_pool,
    "musique": musique_pool,
    "clapnq": clapnq_pool,
}


def citation(pool: Pool, name: str) -> Citation:
    """Return a passage as a search would bring it."""
    title, text = pool.passages[name]
    return Citation(key=name, source=name, start=0, end=len(text), heading=title, quote=text)

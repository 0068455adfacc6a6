"""Following an answer to the next document: the answer of one step is the subject of the next.

`In what city is the university that Toad Hall belongs to?` first finds the university. Where a
passage has it as its title, and words of the question are left that the first sentence does not
have, what is left is asked of that passage: `Australian National University: in what city?`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentence_reader import ask_sentences
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import COMMON, stem, terms, words

MOST_STEPS = 3
LEAST = 0.03
"""Probability of the next step's answer from which it is taken."""
_WORD = re.compile(r"[\w'\u2019.-]+|[^\w\s]")
_ASKING = frozenset(
    ("which", "what", "who", "whom", "whose", "when", "where", "how", "many", "much", "long", "old")
)


async def follow(
    ask: Ask,
    found: Finding,
    passages: Sequence[Passage],
    vectors: Vectors,
    steps: int = MOST_STEPS,
) -> list[Finding]:
    """Return the answer of the last step first, then those that lead to it; at least `found`."""
    title, titled = _titled(ask, found, passages)
    asked = _left(ask.text, found, title) if titled and steps > 1 else ""
    if not asked:
        return [found]
    question = Question.read(asked)
    answers = await ask_sentences(question, question.asks[0], titled, vectors)
    if not answers or answers[0].probability < LEAST:
        return [found]
    rest = [passage for passage in passages if passage.heading != found.passage.heading]
    further = await follow(question.asks[0], answers[0], rest, vectors, steps - 1)
    likely = min(finding.probability for finding in (found, *further))
    chain = (*further, replace(found, share=0.0))  # a step on the way is quoted, not told
    return [replace(finding, ask=found.ask, probability=likely) for finding in chain]


def _titled(ask: Ask, found: Finding, passages: Sequence[Passage]) -> tuple[str, list[Passage]]:
    """Return the passages whose title is the short answer, or else is named beside it.

    A title that the question has itself leads nowhere new.
    """
    short = set(words(found.short)) - COMMON
    beside, asked = _spaced(found.sentence), _spaced(ask.text)
    best: dict[str, list[Passage]] = {}
    scores: dict[str, int] = {}
    for passage in passages:
        title = passage.heading.split(" > ")[0].partition(" (")[0]
        named = set(words(title)) - COMMON
        if passage.heading == found.passage.heading or not named or _spaced(title) in asked:
            continue
        same = bool(short) and (short <= named or named <= short)
        if same or _spaced(title) in beside:
            best.setdefault(title, []).append(passage)
            scores[title] = 10 * same + len(named & short)
    title = max(scores, key=lambda name: scores[name], default="")
    return title, best.get(title, [])


def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "


def _left(text: str, found: Finding, title: str) -> str:
    """Return what a question still asks once a sentence has answered part; empty for nothing.

    The words that the sentence or its document's title has are left out, and those of the document
    that it leads to are put before what is left.
    """
    told = frozenset(terms(f"{found.sentence} {found.passage.heading}")) | frozenset(terms(title))
    kept = [
        word
        for word in _WORD.findall(text)
        if word.casefold() in _ASKING | COMMON or stem(word.casefold()) not in told
    ]
    left = [t for t in terms(" ".join(kept)) if t not in _ASKING]
    return f"{title}: {' '.join(kept)}" if left else ""

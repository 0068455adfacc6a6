"""The decider `embedded`: decides by similarity of meaning, and by names and numbers.

Its constants are printed by `benchmarks/fit_embedded.py`, which says on what they were fitted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from bottega.decider import Choice, Judgement, Option, Score
from bottega.embedder import Embedder
from bottega.model import Request, Usage
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.grounding import ungrounded, without_keys
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reader import SURE, read
from bottega_plugins.models.embedded.reading import Reading
from bottega_plugins.models.embedded.sentence_reader import nearest_sentence
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.support import dot, logistic
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, shown, terms

SHARPNESS = 23.0
"""Of the softmax over cosines."""
NONE_COSINE = 0.24
"""Cosine at which none of the options is as likely as one."""
CHOOSE_FROM = 0.4
"""Probability from which an option is chosen."""
SUPPORT = (6.53, 4.69)
SUPPORT_BIAS = -6.58
"""Of similarity to the nearest sentence and of coverage by the context."""
UNGROUNDED = 0.05
"""Probability of a statement that names what the context does not."""
YES, NO = 0.6, 0.4
"""Probability of yes from which it is yes, and below which it is no; between them it abstains."""
ANSWERED, NO_ANSWER = SURE, 0.2
"""The same of questions: the context tells where the reader would quote it as an answer."""
LONGEST_CONTEXT = 40_000
_RULE = "\n\n---\n\n"
_LONGEST_HEADING = 200
_MOST_SENTENCES = 60
_ASKED = re.compile(
    r"\s*(?:task|question|a good answer):[ \t]*.{0,4000}?(?:\n\s*\n|$)", re.I | re.S
)
"""What a critic puts before the evidence: the task and what a good answer must do."""
_ABOUT = re.compile(r"\s*the material [^:?]{0,80}\bquestion:\s*(?=.*\?\s*$)", re.I | re.S)
"""What stands before a question that the material is to be judged by."""
_STATED = re.compile(r"\s*the material supports this statement:\s*(\".*\")\s*", re.I | re.S)
"""A statement that is to be judged, as a JSON string."""


class EmbeddedDecider:
    """A `bottega.decider.Decider` over an embedder."""

    name = "embedded"

    def cost(self, usage: Usage) -> float:
        """Return 0: it runs in this process, and nobody is paid for it."""
        return 0.0

    def count_tokens(self, request: Request) -> int:
        """Return 0: it asks no model."""
        return 0

    def __init__(self, embedder: Embedder) -> None:
        self._vectors = Vectors(embedder)

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        """Pick the option that means nearly the same as the question; none below a threshold."""
        if not options or not question.strip():
            return Choice(name=None, reason="there is nothing to choose")
        asked = f"{question}\n{context[:1_000]}" if context else question
        told = [f"{o.name.replace('_', ' ')}: {o.description}".rstrip(": ") for o in options]
        cosines = await self._vectors.similarity(asked, told)
        weights = [math.exp(SHARPNESS * (cosine - NONE_COSINE)) for cosine in cosines]
        total = sum(weights) + 1  # 1 is the weight of none of them
        probabilities: dict[str, float] = {}
        for option, weight in zip(options, weights, strict=True):
            probabilities[option.name] = probabilities.get(option.name, 0.0) + weight / total
        best = max(probabilities, key=lambda name: probabilities[name])
        sure = probabilities[best] >= CHOOSE_FROM
        reason = f"closest in meaning: {best} ({probabilities[best]:.2f})"
        return Choice(name=best if sure else None, probabilities=probabilities, reason=reason)

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        """Say whether the context supports a statement, or holds the answer to a question.

        A task at the beginning of the context (`Task: ...` and an empty line) is no evidence. "The
        material helps to answer this question: ...?" is judged by reading the passages for it.
        """
        evidence = _evidence(context)
        if not question.strip() or not evidence.strip():
            return Judgement(verdict=None, reason="there is nothing to judge by")
        stated = _STATED.fullmatch(question)
        if stated:
            question = _unquoted(stated[1])
        framed = _ABOUT.match(question)
        if framed:
            whole = "everything" in framed[0]
            return await self._bearing(question[framed.end() :], evidence, whole=whole)
        asks = without_keys(question).strip().endswith("?")
        judged = self._answerable if asks else self._supported
        probability, reason = await judged(question, evidence)
        yes, no = (ANSWERED, NO_ANSWER) if asks else (YES, NO)
        verdict = True if probability >= yes else False if probability < no else None
        return Judgement(verdict=verdict, probability=probability, reason=reason)

    async def score(self, question: str, *, context: str = "") -> Score:
        """Return the probability that the context supports, or answers, what is asked."""
        judgement = await self.judge(question, context=context)
        return Score(value=judgement.probability, reason=judgement.reason)

    async def _answerable(self, question: str, evidence: str) -> tuple[float, str]:
        read = Question.read(question)
        passages = [Passage("", "", "", evidence[:LONGEST_CONTEXT], 0)]
        found = await nearest_sentence(read, read.asks[0], passages, self._vectors)
        if not found:
            return 0.0, "the context has no sentence to answer with"
        return found[0].probability, f"the nearest sentence: {found[0].sentence[:200]}"

    async def _bearing(self, question: str, evidence: str, *, whole: bool) -> Judgement:
        """Say whether passages answer a question, or as a `whole` all that it asks for.

        Helping is never denied: a step on the way to an answer does not look like one.
        """
        passages = _passages(evidence[:LONGEST_CONTEXT])
        reading = await read(Question.read(question), passages, self._vectors, short=whole)
        sure = [finding.probability for finding in reading.findings]
        if sure and not (whole and reading.missing):
            probability = min(sure) if whole else max(sure)
            said = reading.findings[0].sentence or wording.answer_text(
                Reading(reading.findings[:1])
            )
            reason = f"it says: {said[:200]}"
            return Judgement(verdict=True, probability=probability, reason=reason)
        near = reading.nearest
        reason = f"the nearest sentence: {near.sentence[:200]}" if near else "nothing in it is near"
        probability = near.probability if near else 0.0
        return Judgement(verdict=False if whole else None, probability=probability, reason=reason)

    async def _supported(self, statement: str, evidence: str) -> tuple[float, str]:
        evidence = evidence[:LONGEST_CONTEXT]
        missing = sorted(ungrounded(statement, evidence))
        if missing:
            listed = ", ".join(missing[:8])
            return UNGROUNDED, f"not in the material: {listed}"
        values = await support_values(statement, evidence, self._vectors)
        probability = logistic(dot(SUPPORT, values) + SUPPORT_BIAS)
        said = "supports" if probability >= YES else "does not clearly support"
        return probability, f"the material {said} it"


async def support_values(statement: str, evidence: str, vectors: Vectors) -> tuple[float, float]:
    """Return the cosine of the statement and the nearest sentence, and how much is covered."""
    said = shown(without_keys(statement))
    wanted = set(terms(said))
    near = _nearest(wanted, [evidence[:2_000], *sentences(evidence)])
    cosines = await vectors.similarity(said, near)
    return max(cosines, default=0.0), covered(wanted, terms(evidence))


def _evidence(context: str) -> str:
    """Leave out the task at the beginning of a context, and what a good answer must do."""
    while match := _ASKED.match(context):
        context = context[match.end() :]
    return context


def _unquoted(text: str) -> str:
    """Return what a JSON string says, or the text itself where it is none."""
    try:
        said: object = json.loads(text)
    except ValueError:
        return text
    return said if isinstance(said, str) else text


def _passages(evidence: str) -> list[Passage]:
    """Take evidence apart: passages between rules, each after the line that is its heading."""
    found: list[Passage] = []
    for rank, piece in enumerate(evidence.split(_RULE)):
        heading, _, text = piece.strip().partition("\n")
        if not text.strip() or len(heading) > _LONGEST_HEADING:
            heading, text = "", piece
        found.append(Passage("", "", heading, text, rank))
    return found


def _nearest(wanted: set[str], texts: Sequence[str]) -> list[str]:
    """Return the texts that share most terms with the statement."""
    return sorted(texts, key=lambda text: -covered(wanted, terms(text)))[:_MOST_SENTENCES]

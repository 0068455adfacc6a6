"""How likely it is that a sentence answers: plain signs of it, weighed by one logistic.

The signs look for what gives a mistaken question away: a name, a number, a verb or a rare word that
the passage does not have, a negation or an opposite on one side only. The constants are printed by
`benchmarks/fit_answers.py`, which says on what they were fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bottega_plugins.models.embedded.grounding import spelled
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.rivals import foreign
from bottega_plugins.models.embedded.short.answer import Short
from bottega_plugins.models.embedded.short.asked import Asked
from bottega_plugins.models.embedded.support import dot, logistic
from bottega_plugins.models.embedded.words import covered, stem, terms, words

if TYPE_CHECKING:
    from bottega_plugins.models.embedded.candidates import Candidate

SENTENCE_SIGNS = (
    "similarity", "coverage", "kind", "passage", "names", "sentence_names", "numbers", "verb",
    "focus", "missing", "nearby_missing", "negated", "opposite", "foreign", "foreign_here",
)  # fmt: skip
SIGNS = (*SENTENCE_SIGNS, "score", "share")
"""Those of a sentence, then those of the short answer that was read out of it."""
WEIGHTS = (
    4.76, 0.5, -0.28, 0.64, -0.05, 0.83, 1.5, 0.14, -0.31, 3.45, -3.22, -1.23, -3.63, 0.03, -0.9,
    0.4, 1.28,
)  # fmt: skip
BIAS = -6.42
SENTENCE_WEIGHTS = (
    5.59, 0.92, 0.04, 0.12, -0.13, 1.02, 1.5, 0.11, -0.24, 3.38, -3.07, -1.2, -3.15, -0.38, -0.03,
)  # fmt: skip
SENTENCE_BIAS = -6.36
"""The same where no short answer was read."""
_NEGATION_WORDS = (
    "not no never without cannot neither nor none isn aren wasn weren don doesn didn won "
    "wouldn couldn shouldn fail lack rarely hardly barely seldom refuse deny unlike "
)
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_OPPOSITES = (
    "increase decrease, rise fall, more less, most least, high low, large small, big small, "
    "first last, early late, before after, old new, old young, oldest newest, oldest "
    "youngest, largest smallest, highest lowest, longest shortest, north south, northern "
    "southern, east west, eastern western, win lose, won lost, success failure, begin end, "
    "began ended, start end, start finish, open close, above below, inside outside, internal "
    "external, public private, rich poor, wealthy poor, strong weak, fast slow, hot cold, "
    "hard soft, male female, buy sell, import export, gain loss, join leave, accept reject, "
    "support oppose, include exclude, same different, majority minority, maximum minimum, "
    "major minor, upper lower, positive negative, past future, ancient modern, common rare, "
    "easy difficult, simple complex, create destroy, build destroy, ally enemy, best worst, "
    "better worse, long short, many few, left right, top bottom, active inactive, even odd, "
    "finite infinite, direct indirect, legal illegal, able unable, like unlike, domestic "
    "foreign, urban rural, war peace, allow prohibit, permit forbid, agree disagree, appear "
    "disappear, known unknown, stable unstable, equal unequal, organic inorganic, living "
    "dead, alive dead "
)


def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split(","):
        one, other = map(stem, pair.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITE = _opposites()


def signs(question: Question, asked: Asked, candidate: Candidate) -> tuple[float, ...]:
    """Return the figures of a sentence, in the order of `SENTENCE_SIGNS`."""
    fit, passage = candidate.fit, candidate.passage
    here = frozenset(terms(candidate.meant))
    told = passage.place | frozenset(words(candidate.meant))
    return (
        fit.similarity,
        fit.weighted,
        fit.kind,
        fit.passage,
        fit.names,
        covered(question.names, spelled(told)),
        float(fit.numbers),
        float(not asked.verb or asked.verb in here),
        float(not asked.focus or asked.focus[-1] in passage.terms),
        fit.missing,
        fit.missing_here,
        float(_negated(question.text) != _negated(candidate.text)),
        _opposed(asked, here),
        _foreign(question, passage.place | frozenset(words(passage.text))),
        _foreign(question, told),
    )


def short_signs(short: Short | None) -> tuple[float, ...]:
    """Return the figures of a short answer, the last of `SIGNS`."""
    return (short.score / 10, short.share) if short else (-1.0, 0.0)


def probability(values: tuple[float, ...]) -> float:
    """Return the calibrated probability that a sentence answers, by all signs or its own alone."""
    if len(values) == len(WEIGHTS):
        return logistic(dot(WEIGHTS, values) + BIAS)
    return logistic(dot(SENTENCE_WEIGHTS, values) + SENTENCE_BIAS)


def _foreign(question: Question, there: frozenset[str]) -> float:
    """Return how many names of the question, at most two, have no word with the same beginning."""
    return min(2.0, foreign(question, spelled(there))) / 2


def _negated(text: str) -> bool:
    return any(word in _NEGATIONS for word in words(text))


def _opposed(asked: Asked, here: frozenset[str]) -> float:
    """Say whether the sentence has the opposite of a word of the question instead of the word."""
    missing = (term for term in asked.terms if term not in here)
    return float(any(_OPPOSITE.get(term, frozenset()) & here for term in missing))

"""What a document is about: told by how it begins, for its own summary is better than any guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.words import covered, stem, terms, words

PROBABILITY = 0.7
"""Of an answer from the beginning of a document that has the name asked about."""
_ABOUT = re.compile(
    r"^\W*(?:what(?:'s| is| are| was| were)\b.{1,200}\babout\W*$"
    r"|(?:please )?(?:summari[sz]e|sum up|describe|outline)\b"
    r"|what (?:does|do|did)\b.{1,200}\b(?:describe|propose|cover|discuss|deal with|say)\W*$"
    r"|what is the (?:subject|topic|gist|summary|abstract|purpose|main (?:idea|point|topic)) of\b"
    r"|(?:give|write|show)\b.{0,20}\b(?:summary|abstract|overview|outline) of\b)",
    re.IGNORECASE | re.DOTALL,
)
_TALK = (
    "summarize summarise sum describe outline subject topic gist summary abstract purpose main "
    "idea point propose cover discuss deal say give write show overview document file text page "
    "paper article"
)
_NOT_THE_TOPIC = frozenset(map(stem, _TALK.split()))
_OPENING = "abstract introduction summary overview motivation rationale preface"
_OPENINGS = frozenset(map(stem, _OPENING.split()))
_NAMED = 0.99
"""Share of the topic's words that a document's name or beginning must have."""
_SENTENCES = 2
_LONGEST = 500


def is_about(ask: Ask) -> bool:
    """Say whether an ask wants to know what something is about."""
    return _ABOUT.match(ask.text) is not None


def tell_about(question: Question, ask: Ask, passages: Sequence[Passage]) -> list[Finding]:
    """Return the first sentences of the document that the ask names; empty without one."""
    if not is_about(ask):
        return []
    topic = set(terms(ask.text)) - _NOT_THE_TOPIC
    if not topic or question.text != ask.text:
        topic |= set(question.terms) - _NOT_THE_TOPIC
    fitting = [passage for passage in passages if prose(passage) and _is_on(passage, topic)]
    best = min(fitting, key=_lateness, default=None)
    if best is None:
        return []
    opening = " ".join(sentences(prose(best))[:_SENTENCES])[:_LONGEST]
    return [Finding(ask, best, PROBABILITY, sentence=opening)] if opening else []


def _is_on(passage: Passage, topic: set[str]) -> bool:
    place = frozenset(map(stem, passage.place))
    beginning = place | frozenset(terms(passage.text[:_LONGEST]))
    return bool(topic) and covered(topic, beginning) >= _NAMED


def _lateness(passage: Passage) -> tuple[bool, int]:
    """Put what opens a document first, then what the search ranked first."""
    return not _OPENINGS & frozenset(map(stem, words(passage.heading))), passage.rank

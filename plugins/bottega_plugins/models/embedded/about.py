"""What a document is about: told by how it begins, for its own summary is better than any guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.words import stem, terms, words

PROBABILITY, ELSEWHERE = 0.7, 0.1
"""Of an answer from the beginning of the document that is asked about, and from its other parts."""
QUERY = "abstract introduction summary overview"
"""What to search for in a document whose beginning was not found."""
_ABOUT = re.compile(
    r"^\W*(?:what(?:'s| is| are| was| were)\b.{1,200}\babout\W*$"
    r"|(?:please )?(?:summari[sz]e|sum up|describe|outline)\b"
    r"|what (?:does|do|did)\b.{1,200}\b(?:describe|propose|cover|discuss|deal with|say)\W*$"
    r"|what is the (?:subject|topic|gist|summary|abstract|purpose|main (?:idea|point|topic)) of\b"
    r"|(?:give|write|show)\b.{0,20}\b(?:summary|abstract|overview|outline) of\b)",
    re.IGNORECASE | re.DOTALL,
)
_WHAT_IS = re.compile(r"^\W*what (?:is|are|was|were)\b.{1,80}$", re.IGNORECASE)
"""Answered so where the whole of what is asked about is the title of a document."""
_TALK = (
    "summarize summarise sum describe outline subject topic gist summary abstract purpose main "
    "idea point propose cover discuss deal say give write show overview document file text page "
    "paper article"
)
_NOT_THE_TOPIC = frozenset(map(stem, _TALK.split()))
_OPENING = "abstract introduction summary overview motivation rationale preface"
_OPENINGS = frozenset(map(stem, _OPENING.split()))
_NEAR_START = 1_500
"""Characters of a document in which it says what it is about."""
_SENTENCES = 2
_LONGEST = 500


def tell_about(question: Question, ask: Ask, passages: Sequence[Passage]) -> list[Finding]:
    """Return the first sentences of the document that the ask names; empty without one.

    Where only other parts of it were found, they are returned as improbable: search again.
    """
    topic = frozenset(terms(ask.text)) - _NOT_THE_TOPIC
    if not topic or question.text != ask.text:
        topic |= frozenset(question.terms) - _NOT_THE_TOPIC
    if _ABOUT.match(ask.text):
        fitting = [p for p in passages if topic and topic <= frozenset(map(stem, p.place))]
    elif _WHAT_IS.match(ask.text):
        fitting = [p for p in passages if topic and topic == _title(p)]
    else:
        return []
    best = min((p for p in fitting if prose(p)), key=_lateness, default=None)
    if best is None:
        return []
    opening = " ".join(sentences(prose(best))[:_SENTENCES])[:_LONGEST]
    likely = PROBABILITY if _opens(best) or best.start < _NEAR_START else ELSEWHERE
    return [Finding(ask, best, likely, sentence=opening)] if opening else []


def _title(passage: Passage) -> frozenset[str]:
    return frozenset(terms(passage.heading.split(" > ")[0]))


def _lateness(passage: Passage) -> tuple[bool, int, int]:
    """Put what opens a document first, then what the search ranked first."""
    return not _opens(passage), passage.start, passage.rank


def _opens(passage: Passage) -> bool:
    return bool(_OPENINGS & frozenset(map(stem, words(passage.heading))))


def is_about(ask: Ask) -> bool:
    """Say whether an ask wants to know what a document is about."""
    return _ABOUT.match(ask.text) is not None

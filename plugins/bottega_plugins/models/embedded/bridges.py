"""What other passages say of a passage's subject: the way from one document to the next.

`Who directed the film that won in 1994?`: one passage names the film that won, another, titled by
the film, its director. So the sentence that names a passage's title speaks for that passage too:
what of the question it answers need not be said again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.words import COMMON, terms, words

_LEAST = 2
"""Terms of the question that a sentence must have to lead from it to another passage."""
_LONGEST_TITLE = 8


def bridges(question: Question, passages: Sequence[Passage]) -> Mapping[str, frozenset[str]]:
    """Return, by passage key, the question's terms in the best sentence that names its title."""
    asked, said = frozenset(question.terms), f" {' '.join(words(question.text))} "
    texts = {p.key: f" {' '.join(words(p.text))} " for p in passages}
    found: dict[str, frozenset[str]] = {}
    for passage in passages:
        title = _title(passage)
        if not title or title in said:
            continue
        naming = [p for p in passages if p.heading != passage.heading and title in texts[p.key]]
        shared = [asked & frozenset(terms(s)) for p in naming for s in _sentences(p, title)]
        best = max(shared, key=len, default=frozenset[str]())
        if len(best) >= _LEAST:
            found[passage.key] = best
    return found


def _title(passage: Passage) -> str:
    """Return the folded words of a title with spaces around; empty where it names nothing."""
    title = words(passage.heading.split(" > ")[0].partition(" (")[0])
    good = 0 < len(title) <= _LONGEST_TITLE and set(title) - COMMON
    return f" {' '.join(title)} " if good else ""


def _sentences(passage: Passage, title: str) -> list[str]:
    return [s for s in sentences(passage.text) if title in f" {' '.join(words(s))} "]

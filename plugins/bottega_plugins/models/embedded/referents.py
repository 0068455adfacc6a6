"""What a pronoun at the head of a sentence stands for: the title, or the subject said last.

`It is 2,220 metres long`, under the heading `Humber Bridge`, tells of that bridge. English, and by
rules: only where the pronoun is the subject or owns it, only where the question asks about what it
would stand for, and never where a rule is in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bottega_plugins.models.embedded.words import COMMON, stem, terms, words

_OPENERS = (
    "In On At By After Before During Since Until From Today Later However Then Finally Also "
    "Currently Originally Initially Eventually Moreover"
)
_LEAD = (
    rf"(?:(?:(?:{'|'.join(_OPENERS.split())})\b(?: [a-z0-9][\w'\u2019-]*){{0,6}}"
    r"|[A-Z][a-z]+(?:ed|ing) [^,]{0,60}), )?"
)
_PRONOUN = re.compile(
    rf"^(?P<lead>{_LEAD})(?:(?P<subject>[Ii]t|[Tt]hey|[Hh]e|[Ss]he)"
    r"|(?P<owner>[Ii]ts|[Tt]heir|[Hh]is|[Hh]er)"
    r"|(?:[Tt]his|[Tt]hese|[Tt]hat|[Tt]he) (?P<noun>[a-z][\w-]+))\b(?!['\u2019])"
)
_PERSONAL = frozenset(("he", "she", "his", "her"))
_EMPTY = re.compile(
    r"\bit (?:is|was|has been|seems|appears)(?: \w+){0,3} (?:that|until|to)\b", re.IGNORECASE
)
"""`It is said that`, `it was not until`: the pronoun stands for nothing."""
_AGENT = re.compile(r"\bby (?:[A-Z][\w.-]+ ?){2,}")
"""Somebody who did it, and whom the next sentence may tell of."""
_VERBS = (
    "is are was were has have had will would can could may might must should did do does became "
    "began made took gave won lost held built left ran went came wrote found brought grew rose "
    "fell stood lies stands consists contains includes serves led met fought saw"
)
_SUBJECT = re.compile(
    rf"^{_LEAD}(?P<name>(?:[Tt]he |[Aa]n? )?[\w'\u2019.-]+(?: [\w'\u2019.-]+){{0,6}}?)"
    rf"(?:,| \(| (?:{'|'.join(_VERBS.split())}|\w+ed)\b)"
)
_NO_SUBJECT_WORDS = (
    "in on at by for from with after before during since until while when where if as although "
    "though because there here however but and or so to of this these that"
)
_NO_SUBJECT = frozenset(_NO_SUBJECT_WORDS.split())
_ARTICLES = ("the ", "a ", "an ")


@dataclass(frozen=True)
class _Topic:
    """What the last sentence was about."""

    name: str
    is_thing: bool = False
    """Whether it was called `it`, or by a noun with an article: nobody is."""


def meant(texts: Sequence[str], headings: Sequence[str], asked: frozenset[str]) -> list[str]:
    """Return sentences with what their pronouns stand for, where that is asked about.

    `headings` are the nearest first; `asked` are the stems of the question. A sentence without such
    a pronoun is returned as it stands.
    """
    title = next((name for name in headings if _is_asked(name, asked)), "")
    return list(_meant(texts, title, asked))


def _meant(texts: Sequence[str], title: str, asked: frozenset[str]) -> Iterator[str]:
    topic, before = _Topic(title), ""
    for text in texts:
        pronoun = _PRONOUN.match(text)
        said = ""
        if pronoun and not (pronoun["noun"] and not _is_noun_of(pronoun["noun"], topic.name)):
            if _fits(pronoun, text, topic, before):
                said = _replaced(text, pronoun, topic.name) if _is_asked(topic.name, asked) else ""
                topic = _Topic(topic.name, topic.is_thing or not _is_personal(pronoun))
        else:
            topic = _subject(text, title)
        before = text
        yield said or text


def _is_noun_of(noun: str, name: str) -> bool:
    """Say whether `the bridge` may be the Humber Bridge."""
    return stem(noun) in terms(name)


def _is_personal(pronoun: re.Match[str]) -> bool:
    return (pronoun["subject"] or pronoun["owner"] or "").lower() in _PERSONAL


def _fits(pronoun: re.Match[str], text: str, topic: _Topic, before: str) -> bool:
    """Say whether a pronoun can stand for the topic."""
    if _is_personal(pronoun):
        return not topic.is_thing and not _AGENT.search(before)
    return not (pronoun["subject"] and _EMPTY.search(text))


def _subject(text: str, title: str) -> _Topic:
    """Return what a sentence tells of by name: the title where it is meant, nothing in doubt."""
    found = _SUBJECT.match(text)
    name = found["name"] if found else " ".join(text.split()[:2])
    said = words(name)
    if not said or said[0] in _NO_SUBJECT:
        return _Topic("")
    bare = frozenset(terms(name))
    is_thing = name.lower().startswith(_ARTICLES)
    if bare and bare <= frozenset(terms(title)):
        return _Topic(title, is_thing)
    return _Topic(name if found else "", is_thing)


def _replaced(text: str, pronoun: re.Match[str], name: str) -> str:
    """Return the sentence with a name in the pronoun's place."""
    ending = "'s" if pronoun["owner"] else ""
    said = f"{pronoun['lead']}{name}{ending}{text[pronoun.end() :]}"
    return said[0].upper() + said[1:]


def _is_asked(name: str, asked: frozenset[str]) -> bool:
    """Say whether a question has all words of a name, but for what stands in brackets."""
    wanted = frozenset(stem(w) for w in words(name.partition(" (")[0]) if w not in COMMON)
    return bool(wanted) and wanted <= asked

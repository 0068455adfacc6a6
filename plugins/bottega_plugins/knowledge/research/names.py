"""Names and values in a text: what a follow-up query is about, and what sources can differ in.

By capitals and digits alone; good for English and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bottega_plugins.knowledge.words import fold, plain_words, words

_GAP = r"(?:[ \t]+|[ \t]*\r?\n[ \t]*(?!\S+:))"  # not into a line such as `Author: Ada`
_WORD = r"[A-Z\u00c0-\u00de][\w'\u2019.-]*"
_LINK = rf"(?:(?:of|the|and|de|la|von|van|in|for|du){_GAP}){{0,2}}"
_NAME = re.compile(rf"\b{_WORD}(?:{_GAP}{_LINK}(?:{_WORD}|[0-9][\w'\u2019.-]*)){{0,6}}")
_QUOTED = re.compile(r'"([^"\n]{2,80})"|\u201c([^\u201d\n]{2,80})\u201d')
_NUMBER = re.compile(r"(?<![\w.])[$\u20ac\u00a3]?\d[\d,]*(?:\.\d+)*%?(?![\w])")
_FIRST_WORD = re.compile(r"(?:^|[.!?:]\s+|\n\s*)$")
_PLAIN_STARTS = frozenset(
    """a an the this that these those it its he she they his her their we our you your i in on at
    by for from with as and but or if when while after before during since until although though
    however there here what which who whom whose where why how is are was were do does did can
    could would should may might must not no yes also both each every some many most all one two
    three first second""".split()  # noqa: SIM905  # a list of words reads better as words
)


_ENDING = re.compile(
    r"\.(?:csv|docx?|html?|ipynb|jsonl?|log|markdown|md|odt|pdf|pptx?|rst|rtf|tex|text|tsv|txt|xlsx?"
    r"|xml|ya?ml)$",
    re.IGNORECASE,
)
_FOLDERS = re.compile(r"^(?:.*[/\\]|Microsoft \w+ - )")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d(?:[-.]?\d\d){0,2}(?!\d)|\bv\d[\d.]*\b")
_STATES = frozenset(("copy", "draft", "export", "final", "rev", "scan", "tmp"))
_SAYS_NOTHING = frozenset(
    """data doc docs document file index main misc new notes old output page readme report temp test
    text untitled version""".split()  # noqa: SIM905  # a list of words reads better as words
)


def humane(title: str) -> str:
    """Return a title as people say it; of a file's name what it tells, which may be nothing.

    `harbour_bridge-2024.md` is `harbour bridge`; `notes_2024-final.md` names nothing.
    """
    if "_" not in title and not _ENDING.search(title):
        return title
    bare = _FOLDERS.sub("", _ENDING.sub("", title)).replace("_", " ")
    said = [w for w in plain_words(_DATE.sub(" ", bare)).split() if w not in _STATES]
    telling = (word for word in said if word.isalpha() and word not in _SAYS_NOTHING)
    return " ".join(said) if any(len(word) > 2 for word in telling) else ""


def names(text: str) -> list[str]:
    """Return names and titles in the text, each once, in order.

    A plain word with a capital because a sentence begins with it is no name.
    """
    found: dict[str, str] = {}
    for name in _names(text):
        found.setdefault(fold(name), name)
    return list(found.values())


def numbers(text: str) -> list[str]:
    """Return numbers, sums, shares and versions in the text, each once, in order."""
    return list(dict.fromkeys(match[0].rstrip(",.") for match in _NUMBER.finditer(text)))


def _names(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        yield match[1] or match[2]
    for match in _NAME.finditer(text):
        name = " ".join(match[0].rstrip(".'\u2019-").split())
        first, _, rest = name.partition(" ")
        if fold(first) in _PLAIN_STARTS:
            name = rest.strip()
            if not name[:1].isupper():
                continue
        elif not rest and _FIRST_WORD.search(text, max(0, match.start() - 4), match.start()):
            continue
        if words(name):
            yield name

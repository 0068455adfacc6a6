"""What a question asks for, as far as its own words tell: the sort of answer, and about what."""

from __future__ import annotations

from dataclasses import dataclass

from bottega_plugins.models.embedded.words import COMMON, stem, words

SORTS = (
    "who", "when", "where", "why", "count", "measure", "how", "date", "place", "person", "number",
    "name", "group", "is", "does", "thing", "yes", "other", "year", "percent", "people",
)  # fmt: skip
SORT = {name: place for place, name in enumerate(SORTS)}
_NOUNS = {
    "year": "year",
    "percent": "percentage percent proportion",
    "people": "nationality language religion race",
    "date": "date day month century decade time period era season",
    "place": "city country state region place location town county continent area province "
    "island river mountain building stadium venue street nation capital village district "
    "territory site ocean sea lake",
    "person": "person man woman president king queen emperor author writer actor actress singer "
    "player leader scientist director founder inventor composer artist professor general "
    "quarterback coach pope mathematician philosopher governor minister driver performer poet "
    "physicist",
    "number": "number amount population price cost size rate age length height "
    "distance temperature ratio score total fraction weight speed width depth area "
    "value share",
    "name": "name nickname title term word phrase acronym motto slogan designation called",
    "group": "company organization organisation team group party university school church agency "
    "band network newspaper club league institution corporation tribe people dynasty army "
    "government committee department college",
}
_NOUN = {stem(noun): sort for sort, nouns in _NOUNS.items() for noun in nouns.split()}
_BE = frozenset(("is", "are", "was", "were", "be", "been", "being"))
_DO = frozenset(
    ("did", "do", "does", "has", "have", "had", "can", "could", "will", "would", "may", "might",
     "must", "should")
)  # fmt: skip
_WH = frozenset(("who", "whom", "whose", "when", "where", "why", "how", "which", "what"))
_COUNTED = frozenset(["many", "much"])
_MEASURED = frozenset(
    ("long", "far", "old", "tall", "high", "large", "big", "often", "deep", "fast", "wide", "heavy",
     "late", "early")
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a question asks for."""

    sort: str
    """One of `SORTS`."""
    focus: tuple[str, ...]
    """Stems of what follows the question word, up to three: the nouns of `which large city`, the
    verb of `who wrote`; empty where a function word follows."""
    terms: tuple[str, ...]
    """Stems of all words that carry meaning, in the question's order."""
    verb: str
    """The first of the other terms: often the main verb, or the subject."""

    @staticmethod
    def read(question: str) -> Asked:
        """Read one question; any text will do."""
        said = words(question)
        place = next((i for i, word in enumerate(said) if word in _WH), None)
        if place is None:
            sort = "yes" if said and said[0] in _BE | _DO else "other"
            return _asked(sort, [], said)
        wh, after = said[place], said[place + 1 :]
        focus = _noun_phrase(after[1:] if wh == "how" else after) if after else []
        before = said[:place]
        if place > 2 and said[0] in _BE | _DO:
            return _asked("yes", [], said)
        return _asked(_sort(wh, after, focus), focus, [*before, *after])


def _sort(wh: str, after: list[str], focus: list[str]) -> str:
    following = after[0] if after else ""
    if wh in ("who", "whom", "whose"):
        return "who"
    if wh in ("when", "where", "why"):
        return wh
    if wh == "how":
        return "count" if following in _COUNTED else "measure" if following in _MEASURED else "how"
    if focus:
        return next((_NOUN[s] for w in reversed(focus) if (s := stem(w)) in _NOUN), "thing")
    if following in _BE:
        # `what is the name of ...`, `what was the population of ...`
        return next((_NOUN[s] for w in after[1:5] if (s := stem(w)) in _NOUN), "is")
    return "does" if following in _DO else "other"


def _noun_phrase(after: list[str]) -> list[str]:
    """Return the words up to the first verb that is known as one, or preposition."""
    found: list[str] = []
    for word in after[:6]:
        if word in COMMON or word in _BE | _DO or (found and word.endswith("ed")):
            break
        found.append(word)
    return found[:3]


def _asked(sort: str, focus: list[str], said: list[str]) -> Asked:
    stems = [stem(word) for word in focus]
    rest = [stem(word) for word in said if word not in COMMON]
    verb = next((term for term in rest if term not in stems), "")
    return Asked(sort, tuple(stems), tuple(rest), verb)

"""Spans of a sentence that may be the answer, and how each looks to the ranker.

A span is told by *codes*, places in small tables (what stands before it, first in it, last in it,
after it, how long it is, of what make it is, what is asked), and by *values*, plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bottega_plugins.models.embedded.short.asked import SORT, SORTS, Asked
from bottega_plugins.models.embedded.short.tokens import (
    CAPITALS,
    CLOSED,
    FIGURES,
    FUNCTION_FROM,
    KIND,
    KINDS,
    Tokens,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 10
"""Tokens of a span."""
MAKES = (
    "date", "year", "count", "share", "money", "ordinal", "name", "title", "acronym", "quoted",
    "bracketed", "determined", "verbal", "prepositional", "infinitive", "mixed", "plain",
)  # fmt: skip
MAKE = {name: place for place, name in enumerate(MAKES)}
_NEVER_FIRST = ("comma", "stop", "colon", "close", "dash", "possessive", "and", "or", "mark", "of",
                "that", "which", "is", "has", "will", "but", "open")  # fmt: skip
_NEVER_LAST = (
    "comma", "stop", "colon", "open", "dash", "possessive", "mark", "the", "a", "of", "in", "at",
    "to", "by", "for", "from", "with", "as", "and", "or", "but", "that", "which", "is", "has",
    "will", "not", "his", "because", "than", "between", "such", "called", "including", "after",
    "through", "against", "so", "how", "it", "also",
)  # fmt: skip
_PREPOSITIONS = (
    "in", "at", "by", "for", "from", "with", "as", "through", "after", "between", "because",
)  # fmt: skip
_BREAKS = ("comma", "colon", "open", "close", "dash", "stop")
_TABLES = (
    *[len(KINDS)] * 6, LONGEST, len(MAKES), len(SORTS),
    *(len(SORTS) * size for size in (len(MAKES), LONGEST, *[len(KINDS)] * 4)),
)  # fmt: skip
CODES, COLUMNS = sum(_TABLES), len(_TABLES)
"""Codes there are, and codes of each span; the last six tables are by the sort of question too."""
VALUES = 34
"""Numbers of each span."""


@dataclass(frozen=True)
class Told:
    """What is known of the sentence that the spans stand in."""

    weights: Mapping[str, float]
    """How much each of the question's terms tells."""
    similarity: float
    coverage: float
    behind: float
    """How much lower it is ranked than the best sentence."""
    place: int
    """Among the sentences, best first, from 0."""
    heading: frozenset[str]
    """Stems of the heading and source."""


@dataclass(frozen=True)
class Spans:
    """Spans of one sentence, n of them."""

    tokens: Tokens
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    """Places of the first and last token, shape (n,)."""
    codes: NDArray[np.int64]
    """Shape (n, number of tables), each a row of the ranker's table."""
    values: NDArray[np.float32]
    """Shape (n, VALUES)."""

    def text(self, place: int) -> str:
        """Return the words of a span as the sentence has them."""
        return self.tokens.text[slice(*self.bounds(place))]

    def bounds(self, place: int) -> tuple[int, int]:
        """Return where a span begins and ends in the sentence, in characters."""
        first, last = int(self.first[place]), int(self.last[place])
        return self.tokens.starts[first], self.tokens.ends[last]


def spans_of(tokens: Tokens, asked: Asked, told: Told) -> Spans:
    """Return all spans of a sentence that could be an answer."""
    first, last = _bounds(tokens)
    line = _Line(tokens, asked, told)
    return Spans(tokens, first, last, _codes(line, first, last), _values(line, first, last))


def _bounds(tokens: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import numpy as np

    kinds, count = tokens.kinds, len(tokens)
    opens, closes = ~_among(kinds, _kinds(_NEVER_FIRST)), ~_among(kinds, _kinds(_NEVER_LAST))
    steps = np.arange(LONGEST)
    first = np.repeat(np.arange(count), LONGEST)
    last = (np.arange(count)[:, None] + steps).ravel()
    stops = np.concatenate([[0], np.cumsum(_among(kinds, _kinds(("stop", "colon"))))])
    inside = last < count
    first, last = first[inside], last[inside]
    good = opens[first] & closes[last] & (stops[last + 1] == stops[first])
    return first[good], last[good]


class _Line:
    """A sentence with what is known of each of its tokens."""

    def __init__(self, tokens: Tokens, asked: Asked, told: Told) -> None:
        import numpy as np

        kinds, self.tokens, self.asked, self.told = tokens.kinds, tokens, asked, told
        self.count = len(tokens)
        self.padded = np.concatenate([[KIND["start"]], kinds, [KIND["end"]]])
        self.weight = np.array([told.weights.get(s, 0.0) for s in tokens.stems], np.float32)
        total = sum(told.weights.values()) or 1.0
        self.weight = self.weight / total
        self.asked_for = self.weight > 0
        self.content = (kinds < FUNCTION_FROM) & ~_among(kinds, _members(CLOSED))
        self.capital = _among(kinds, _members(CAPITALS))
        self.figure = _among(kinds, _members(FIGURES))
        self.clause = np.cumsum(_among(kinds, _kinds(_BREAKS)))
        self.far = _kernels(self.weight, 4.0)
        self.near = _kernels(self.weight, 1.2)
        self.verb = _kernels(self._marks(asked.verb), 3.0)
        ending = asked.terms[-1] if asked.terms else ""
        self.ending = _kernels(self._marks(ending), 3.0)
        focus = asked.focus[-1] if asked.focus else ""
        self.focus = self._marks(focus)

    def _marks(self, wanted: str) -> NDArray[np.float32]:
        import numpy as np

        return np.array([bool(wanted) and s == wanted for s in self.tokens.stems], np.float32)

    def inside(self, mask: NDArray[np.bool_ | np.float32], first: NDArray[np.int64],
               last: NDArray[np.int64]) -> NDArray[np.float32]:  # fmt: skip
        """Return the sum of a mask within each span."""
        import numpy as np

        sums = np.concatenate([np.zeros(1, np.float32), np.cumsum(mask, dtype=np.float32)])
        found: NDArray[np.float32] = sums[last + 1] - sums[first]
        return found


def _kernels(weight: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
    """Return how much weight stands before and after each token, near weight counting most.

    Shape (2, count); a token's own weight is left out.
    """
    import numpy as np

    apart = np.arange(len(weight))[:, None] - np.arange(len(weight))  # (to, from)
    fades = np.exp(-np.abs(apart) / reach).astype(np.float32)
    return np.stack([(fades * (apart > 0)) @ weight, (fades * (apart < 0)) @ weight])


def _codes(line: _Line, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    import numpy as np

    around = [line.padded[first], line.padded[first + 1], line.padded[last + 1],
              line.padded[last + 2]]  # fmt: skip
    beyond = [line.padded[np.maximum(first - 1, 0)],
              line.padded[np.minimum(last + 3, line.count + 1)]]  # fmt: skip
    length, make, sort = last - first, _makes(line, first, last), SORT[line.asked.sort]
    crossed = [sort * len(MAKES) + make, sort * LONGEST + length,
               *(sort * len(KINDS) + kind for kind in around)]  # fmt: skip
    columns = [*around, *beyond, length, make, np.full_like(first, sort), *crossed]
    offsets: NDArray[np.int64] = np.cumsum([0, *_TABLES[:-1]])
    codes: NDArray[np.int64] = np.stack(columns, axis=1)
    return codes + offsets


def _makes(line: _Line, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say of what make each span is; the last rule that fits holds."""
    import numpy as np

    kinds, length = line.tokens.kinds, last - first + 1
    opening, closing = kinds[first], kinds[last]
    before, after = line.padded[first], line.padded[last + 2]
    content = line.inside(line.content, first, last)
    capital = line.inside(line.capital, first, last)
    figure = line.inside(line.figure, first, last)
    month = line.inside(kinds == KIND["month"], first, last)
    make = np.full_like(first, MAKE["plain"])

    def rule(name: str, holds: NDArray[np.bool_]) -> None:
        make[holds] = MAKE[name]

    rule("verbal", _among(opening, _kinds(("past", "gerund"))))
    rule("determined", _among(opening, _kinds(("the", "a", "his", "this"))))
    rule("prepositional", _among(opening, _kinds(_PREPOSITIONS)))
    rule("infinitive", opening == KIND["to"])
    rule("mixed", (capital > 0) & (capital < content))
    rule("name", (capital > 0) & (capital == content) & ~_among(opening, _kinds(("in", "at"))))
    rule("title", (make == MAKE["name"]) & (content >= 3))
    rule("acronym", (length == 1) & (opening == KIND["acronym"]))
    rule("count", (figure > 0) & line.figure[first])
    rule("ordinal", (length <= 3) & (opening == KIND["ordinal"]))
    rule("share", (length <= 3) & (closing == KIND["percent"]))
    rule("money", line.inside(kinds == KIND["money"], first, last) > 0)
    rule("date", (month > 0) & (figure > 0) & (content <= 4))
    rule("year", (length == 1) & _among(closing, _kinds(("year", "decade"))))
    rule("quoted", (before == KIND["quote"]) & (after == KIND["quote"]))
    rule("bracketed", (before == KIND["open"]) & (after == KIND["close"]))
    return make


def _values(line: _Line, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float32]:
    import numpy as np

    told, kinds, size = line.told, line.tokens.kinds, (last - first + 1).astype(np.float32)
    content = line.inside(line.content, first, last)
    weight = line.inside(line.weight, first, last)
    sums = np.concatenate([[0.0], np.cumsum(line.weight, dtype=np.float32)])
    total = float(sums[-1])
    clause = np.zeros(int(line.clause.max(initial=0)) + 1, np.float32)
    np.add.at(clause, line.clause, line.weight)
    asked_for = np.concatenate([[0.0], line.asked_for, [0.0]])
    known = np.array([s in told.heading for s in line.tokens.stems], np.float32)
    focus = np.concatenate([[0.0], line.focus, [0.0]])
    comma_before = line.padded[first] == KIND["comma"]
    two_before = asked_for[np.maximum(first - 1, 0)]
    ones = np.ones_like(size)
    columns = [
        line.far[0, first], line.far[1, last],
        line.near[0, first], line.near[1, last],
        line.verb[0, first], line.verb[1, last],
        line.ending[0, first], line.ending[1, last],
        asked_for[first], asked_for[last + 2],
        comma_before * two_before, weight, weight > 0,
        line.inside(line.asked_for & line.content, first, last) / np.maximum(content, 1),
        clause[line.clause[first]] - weight, sums[first], total - sums[last + 1],
        content / size, line.inside(line.capital, first, last) / size,
        line.inside(line.figure, first, last) / size,
        line.inside(known, first, last) / size,
        line.inside(kinds == KIND["comma"], first, last) > 0,
        line.inside(kinds == KIND["and"], first, last) > 0,
        line.inside(kinds == KIND["of"], first, last) > 0,
        line.inside(_among(kinds, _kinds(("is", "has", "will", "which", "that"))), first, last) > 0,
        focus[last + 1], focus[last + 2], focus[first],
        first / line.count,
        told.similarity * ones, told.coverage * ones, told.behind * ones,
        ones / (1 + told.place), (line.count > 40) * ones,
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


def _among(kinds: NDArray[np.int64], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return wanted[kinds]


@cache
def _kinds(names: tuple[str, ...]) -> NDArray[np.bool_]:
    return _members(frozenset(KIND[name] for name in names))


@cache
def _members(kinds: frozenset[int]) -> NDArray[np.bool_]:
    """Return which of all kinds are meant, shape (len(KINDS),)."""
    import numpy as np

    wanted = np.zeros(len(KINDS), np.bool_)
    wanted[list(kinds)] = True
    return wanted

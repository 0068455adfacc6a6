"""Finding tools: by what their names, descriptions and arguments say, and by what they mean.

Words are compared as BM25 does, meanings by the embedder that is given; a tool's score is the sum
of both. Which tools an agent's model is then told of is `bottega.offering`.

Source of BM25: Robertson and Zaragoza 2009, https://doi.org/10.1561/1500000019.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from bottega.embedder import embed_query

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega.messages import Json
    from bottega.model import ToolSpec

MEANING, WORDS = 1.0, 0.3
"""Weights of the cosine and of the BM25 score, which is scaled to 1 for the best tool; the second
is the best of those from 0 to 1 on BFCL's live questions (benchmarks/bfcl.py)."""
_K1, _B = 1.2, 0.75
_TOLD = 200
"""Characters of a tool that are embedded: its name and first sentence. All that its author says
finds no more and takes twice as long."""
_QUERY = 2_000
_REMEMBERED = 10_000
"""Vectors that a process keeps: 15 MB at 384 dimensions."""
_known: dict[tuple[str, str], Any] = {}
"""Vectors by embedder and text."""
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COMMON = frozenset(
    {"a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do", "does", "for",
     "from", "get", "give", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me",
     "my", "need", "of", "on", "or", "our", "please", "so", "tell", "that", "the", "their", "them",
     "then", "there", "this", "to", "use", "used", "using", "want", "was", "we", "what", "when",
     "where", "which", "who", "will", "with", "would", "you", "your"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that fits a query."""

    spec: ToolSpec
    score: float


@dataclass
class ToolIndex:
    """Tools, to be searched; they are read and embedded when the first query comes."""

    specs: Sequence[ToolSpec]
    embedder: Embedder | None = None
    """None to go by words alone."""
    _words: list[Counter[str]] = field(default_factory=list[Counter[str]])
    _rarity: dict[str, float] = field(default_factory=dict[str, float])
    _lengths: list[float] = field(default_factory=list[float])
    _rows: list[Any] = field(default_factory=list[Any])
    """A vector for each tool."""

    async def search(self, *queries: str, k: int = 5) -> Sequence[Found]:
        """Return the k tools that fit any of the queries best, best first."""
        scores = [0.0] * len(self.specs)
        for query in queries:
            asked = query.strip()[:_QUERY]
            if asked:
                found = await self._scores(asked)
                scores = [max(pair) for pair in zip(scores, found, strict=True)]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[: max(0, k)]
        return [Found(self.specs[i], scores[i]) for i in order if scores[i] > 0]

    async def _scores(self, query: str) -> list[float]:
        said = self._by_words(query)
        top = max(said, default=0.0) or 1.0
        meant = await self._by_meaning(query)
        return [
            MEANING * meaning + WORDS * score / top
            for meaning, score in zip(meant, said, strict=True)
        ]

    def _by_words(self, query: str) -> list[float]:
        """Return the BM25 score of each tool."""
        if not self._words:
            self._count()
        wanted = set(words(query))
        scores: list[float] = []
        for counts, length in zip(self._words, self._lengths, strict=True):
            score = 0.0
            for word in wanted & counts.keys():
                times = counts[word]
                score += self._rarity[word] * times * (_K1 + 1) / (times + _K1 * length)
            scores.append(score)
        return scores

    def _count(self) -> None:
        self._words = [Counter(_weighted(spec)) for spec in self.specs]
        sizes = [sum(counts.values()) for counts in self._words]
        mean = sum(sizes) / len(sizes) if sizes else 1.0
        self._lengths = [1 - _B + _B * size / (mean or 1.0) for size in sizes]
        holders = Counter(word for counts in self._words for word in counts)
        count = len(self._words)
        self._rarity = {
            word: math.log(1 + (count - n + 0.5) / (n + 0.5)) for word, n in holders.items()
        }

    async def _by_meaning(self, query: str) -> list[float]:
        """Return the cosine of each tool, nothing below zero."""
        if self.embedder is None:
            return [0.0] * len(self.specs)
        if not self._rows:
            self._rows = await _rows(self.embedder, [told(spec) for spec in self.specs])
        vector = await embed_query(self.embedder, query)
        return [max(0.0, float(row @ vector)) for row in self._rows]


async def _rows(embedder: Embedder, texts: Sequence[str]) -> list[Any]:
    """Return the vector of each text; many agents have the same tools."""
    name = embedder.name
    rows = {text: _known[name, text] for text in texts if (name, text) in _known}
    missing = [text for text in dict.fromkeys(texts) if text not in rows]
    if missing:
        rows.update(zip(missing, await embedder.embed(missing), strict=True))
        if len(_known) + len(missing) > _REMEMBERED:
            _known.clear()
        _known.update({(name, text): rows[text] for text in missing})
    return [rows[text] for text in texts]


def told(spec: ToolSpec) -> str:
    """Say what a tool is, in plain words: its name and the first sentence about it."""
    name = " ".join(_CAMEL.sub(" ", part) for part in _WORD.findall(spec.name))
    first = spec.description.strip().partition(". ")[0]
    return f"{name}: {first}"[:_TOLD]


def words(text: str) -> list[str]:
    """Return the words of a text that say what it is about, folded, without endings."""
    plain = unicodedata.normalize("NFKC", _CAMEL.sub(" ", text)).casefold()
    return [_root(word) for word in _WORD.findall(plain) if word not in _COMMON]


def _weighted(spec: ToolSpec) -> list[str]:
    """Return the words of a tool: those of its name count three times."""
    found = words(spec.name) * 3 + words(spec.description[:2_000])
    properties: Mapping[str, Json] = spec.parameters.get("properties", {})
    for name, said in list(properties.items())[:50]:
        found += words(name)
        found += words(_described(said)[:300])
    return found


def _described(said: Json) -> str:
    """Return what a schema says of an argument; it may be a stranger's, and of any form."""
    fields: Mapping[str, Json] = cast("Any", said) if isinstance(said, Mapping) else {}
    described = fields.get("description")
    return described if isinstance(described, str) else ""


def _root(word: str) -> str:
    """Take the commonest English endings off a word."""
    if len(word) < 4 or not word.isalpha():
        return word
    root = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    for ending in ("ing", "ed"):
        if root.endswith(ending) and len(root) - len(ending) > 2:
            root = root[: -len(ending)]
    root = root[:-1] if root.endswith("e") else root
    return f"{root[:-1]}i" if root.endswith("y") else root

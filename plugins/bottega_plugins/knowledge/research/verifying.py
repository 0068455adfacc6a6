"""The verifier: every sentence of an answer points at a span that supports it, or is marked.

A sentence is checked against the passages that it names, and where it names none, or those do not
support it, against the one that has most of its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from bottega.messages import Citation
from bottega_plugins.knowledge.research.claims import (
    Claim,
    best_supporter,
    is_quotation,
    narrowed,
    read_claims,
    with_own_keys,
)
from bottega_plugins.knowledge.research.judging import Judge, material, together

Unsupported = Literal["mark", "drop"]
MARK = "(not supported by the documents)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A sentence and what it rests on."""

    claim: Claim
    spans: tuple[Citation, ...] = ()
    """Where it is supported, the narrowest that does; none where it is not."""
    reason: str = ""

    @property
    def supported(self) -> bool:
        """Whether it may be said."""
        return bool(self.spans) or not self.claim.says_something


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """An answer whose sentences have been checked."""

    sentences: tuple[Checked, ...]

    @property
    def unsupported(self) -> tuple[Checked, ...]:
        """The sentences that nothing supports."""
        return tuple(item for item in self.sentences if not item.supported)

    @property
    def holds(self) -> bool:
        """Whether anything is left that is supported."""
        return any(item.spans for item in self.sentences)

    @property
    def citations(self) -> dict[str, Citation]:
        """The spans that the answer rests on, by key."""
        return {span.key: span for item in self.sentences for span in item.spans}

    def text(self, unsupported: Unsupported) -> str:
        """Return the answer, each sentence with the keys of its spans."""
        parts: list[str] = []
        for item in self.sentences:
            if item.supported:
                parts += [_with_keys(item), item.claim.after]
            elif unsupported == "mark":
                parts += [f"{item.claim.text} {MARK}", item.claim.after]
        return "".join(parts).strip()


async def verify(answer: str, kept: Sequence[Citation], judge: Judge, *, quoted: bool) -> Verified:
    """Check every sentence of an answer against the passages that were kept.

    `quoted` says that the answer was put together from quotations by rule; those need no judge.
    """
    known = {passage.key: passage for passage in kept}
    claims = list(read_claims(answer, known))
    check = _Check(known=known, judge=judge, quoted=quoted)
    checked = await together(map(check.claim, claims))
    spans = with_own_keys(span for item in checked for span in item.spans)
    return Verified(
        sentences=tuple(
            replace(item, spans=tuple(islice(spans, len(item.spans)))) for item in checked
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Check:
    """What claims are compared with, and who compares them."""

    known: Mapping[str, Citation]
    judge: Judge
    quoted: bool

    async def claim(self, claim: Claim) -> Checked:
        if not claim.says_something:
            return Checked(claim=claim)
        named = [self.known[key] for key in claim.keys]
        reasons: list[str] = []
        spans = [span for passage in named if (span := await self._span(claim, passage, reasons))]
        if not spans:
            others = [passage for passage in self.known.values() if passage not in named]
            best = best_supporter(claim.text, others)
            span = await self._span(claim, best, reasons) if best else None
            spans = [span] if span else []
        return Checked(claim=claim, spans=tuple(spans), reason="; ".join(dict.fromkeys(reasons)))

    async def _span(self, claim: Claim, passage: Citation, reasons: list[str]) -> Citation | None:
        """Return the part of the passage that supports the claim; None where it does not."""
        span = narrowed(passage, claim.text)
        if self.quoted and is_quotation(claim.text, f"{passage.heading} {passage.quote}"):
            return span
        for place, text in enumerate(dict.fromkeys((material(span), material(passage)))):
            said = await self.judge.supported(claim.text, text)
            if said.verdict:
                return passage if place else span
            reasons.append(said.reason)
        return None


def _with_keys(item: Checked) -> str:
    if not item.spans:
        return item.claim.text
    text = item.claim.text
    keys = "; ".join(dict.fromkeys(span.key for span in item.spans))
    end = text[-1:] if text[-1:] in ".!?" else ""
    return f"{text.removesuffix(end)} [{keys}]{end}"

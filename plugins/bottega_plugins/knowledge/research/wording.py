"""What a researcher says of its work: queries, verdicts, and why it stopped."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bottega_plugins.knowledge.research.case import Case
from bottega_plugins.knowledge.research.conflicts import Conflict
from bottega_plugins.knowledge.research.judging import Verdict
from bottega_plugins.knowledge.research.query import Queries, Query
from bottega_plugins.knowledge.research.verifying import Verified
from bottega_plugins.knowledge.visible import visible

MOST_LEFT_OUT = 5
LONGEST_REASON = 120
LONGEST_NAMED = 300
"""Characters of a question or a quotation that are repeated."""


def planned(plan: Queries) -> str:
    """Tell the first queries."""
    count = len(plan.queries)
    lines = [f"I search for {count} thing{'' if count == 1 else 's'}:"]
    return "\n".join([*lines, *map(_query, plan.queries)])


def followed(more: Queries) -> Iterator[str]:
    """Tell what is missing and what is searched for next."""
    yield f"missing: {more.missing}" if more.missing else "not everything has been found yet"
    yield from map(_query, more.queries)


def _query(query: Query) -> str:
    about = f" ({query.about})" if query.about and query.about != query.text else ""
    return f"  {query.purpose}{about}: {query.text}"


def judged(verdicts: Sequence[Verdict], latest: Collection[str]) -> str:
    """Tell which of the passages just found are kept and why."""
    new = [verdict for verdict in verdicts if verdict.passage.key in latest]
    if not new:
        return "nothing new was found"
    groups = [(what, [v for v in new if _fate(v) == what]) for what in _FATES]
    counts = ", ".join(f"{len(group)} {what}" for what, group in groups if group)
    lines = [f"{len(new)} new passage{'' if len(new) == 1 else 's'}: {counts}"]
    for what, group in groups:
        shown = group if what in (_KEPT, _UNSURE) else group[:MOST_LEFT_OUT]
        lines += [f"  {what}: [{v.passage.key}]{_why(v)}" for v in shown]
        if len(shown) < len(group):
            lines.append(f"  {what}: {len(group) - len(shown)} more")
    return "\n".join(lines)


_KEPT, _UNSURE, _LESS, _NO = _FATES = ("kept", "kept to be safe", "less than others", "no help")


def _fate(verdict: Verdict) -> str:
    if verdict.kept:
        return _KEPT if verdict.sure else _UNSURE
    return _LESS if verdict.crowded_out else _NO


def _why(verdict: Verdict) -> str:
    sure = "" if verdict.probability is None else f" {verdict.probability:.2f}"
    reason = " ".join(verdict.reason.split())
    cut = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}\u2026"
    return f"{sure}: {cut}" if cut else sure


def stopped(case: Case, rounds: int, more: Queries) -> str:
    """Tell why no more is searched for."""
    if len(case.rounds) >= rounds:
        return "one round of searching was allowed" if rounds == 1 else f"{rounds} rounds are over"
    if not case.latest:
        return "the last searches brought nothing new"
    if more.missing:
        return f"no more queries for what is missing: {more.missing}"
    return "what was found is enough"


def checked(verified: Verified) -> Iterator[str]:
    """Tell how the sentences of the answer stand."""
    said = [item for item in verified.sentences if item.claim.says_something]
    bad = verified.unsupported
    sentences = f"{len(said)} sentence{'' if len(said) == 1 else 's'}"
    yield f"{sentences} checked, {len(said) - len(bad)} supported"
    for item in bad:
        yield f"  not supported: {item.claim.text} ({item.reason or 'no passage has its words'})"


def answered(text: str, conflicts: Sequence[Conflict]) -> str:
    """Return the answer, and where sources contradict it."""
    if not conflicts:
        return text
    lines = [f'- "{_bracketless(c.other.quote)}" [{c.other.key}]' for c in conflicts]
    return "\n".join([text, "", "Other sources say otherwise:", *lines])


def nothing_found(case: Case) -> str:
    """Say that the documents do not tell."""
    return f"The documents do not tell: {_flat(case.question)}"


def unsupported(case: Case) -> str:
    """Say that there was an answer, but nothing to support it."""
    return f"The documents do not support an answer to: {_flat(case.question)}"


def _flat(text: str) -> str:
    flat = " ".join(visible(text[: 4 * LONGEST_NAMED]).split())
    return flat if len(flat) <= LONGEST_NAMED else f"{flat[:LONGEST_NAMED]}\u2026"


def _bracketless(quote: str) -> str:
    """Return a quotation in which nothing looks like a key, or like its own end."""
    return _flat(quote).replace("[", "(").replace("]", ")").replace('"', "'")

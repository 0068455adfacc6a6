"""What the members of a panel are asked, what each comes to, and what comes of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.events import Status


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One task for one member."""

    member: str
    task: str
    quotes: Sequence[tuple[str, str]] = ()
    """What it is shown beside the task: who says it and in which connection, and the text."""
    citations: Sequence[Mapping[str, Any]] = ()
    """Passages that its answer may point at, beside those that it finds itself."""


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one member came to; plain JSON values, for it lies in the state."""

    member: str
    text: str = ""
    citations: Sequence[Mapping[str, Any]] = ()
    abstained: bool = False
    status: Status = "done"
    reason: str = ""
    """Why there is no answer."""

    @staticmethod
    def of(member: str, report: Mapping[str, Any] | None) -> Opinion:
        """Read a delegated node's report."""
        if report is None:
            return Opinion(member=member, status="failed", reason="it gave no report")
        return Opinion(
            member=member,
            text=report["answer"].strip(),
            citations=tuple(report["citations"]),
            abstained=report["abstained"],
            status=report["status"],
            reason=report["reason"],
        )

    @property
    def counts(self) -> bool:
        """Whether there is an answer to go by; one that was cut short by a limit is none."""
        return bool(self.text) and not self.abstained and self.status == "done"

    @property
    def why_not(self) -> str:
        """Say why it does not count."""
        return "it abstains" if self.abstained else self.reason or "it gave no answer"

    def to_json(self) -> dict[str, Any]:
        """Return the opinion as a JSON object."""
        return {**self.__dict__, "citations": list(self.citations)}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a panel comes to."""

    winner: Opinion | None
    """None when it abstains."""
    reason: str
    share: float | None = None
    """How clear it was, from 0 to 1: the share of the votes, the score."""

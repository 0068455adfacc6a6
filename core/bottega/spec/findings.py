"""The list of what is wrong with a graph file: readers add to it and go on."""

from __future__ import annotations

from dataclasses import dataclass, field

from bottega.errors import Finding
from bottega.spec.model import Mark

MOST = 100
"""More findings than this help nobody; the rest is counted."""


@dataclass(slots=True)
class Findings:
    """What was found so far."""

    file: str = ""
    _found: list[Finding] = field(default_factory=list[Finding])
    _more: int = 0

    def add(self, mark: Mark, message: str, hint: str = "", *, always: bool = False) -> None:
        """Note what is wrong at a place; `Mark()` for the file as a whole.

        `always` also beyond the most that are kept: for what ends the reading.
        """
        if len(self._found) >= MOST and not always:
            self._more += 1
            return
        self._found.append(
            Finding(message=message, hint=hint, file=self.file, line=mark.line, column=mark.column)
        )

    def extend(self, findings: tuple[Finding, ...]) -> None:
        """Take findings over as they are."""
        room = MOST - len(self._found)
        self._found.extend(findings[:room])
        self._more += len(findings[room:])

    @property
    def full(self) -> bool:
        """Whether more would only be counted: a reason not to search for the nearest name."""
        return len(self._found) >= MOST

    def sorted(self) -> tuple[Finding, ...]:
        """Return the findings in the order of the file, each once; those of inner graphs last."""
        found = sorted(dict.fromkeys(self._found), key=self._place)
        if self._more:
            found.append(Finding(message=f"{self._more} more findings", file=self.file))
        return tuple(found)

    def _place(self, one: Finding) -> tuple[bool, str, int, int]:
        return one.file != self.file, one.file, one.line, one.column


def clip(text: str, most: int = 60) -> str:
    """Return the text as one short line in quotes, with what cannot be seen escaped."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")

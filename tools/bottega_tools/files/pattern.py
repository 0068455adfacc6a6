"""Patterns of file names: `*.py`, `src/**/*.md`, `[ab]?.txt`. They cost linear time."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from bottega.errors import ToolError

_LONGEST = 200
_MOST_STARS = 8
"""Each star multiplies what a name costs that does not fit."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; called with a path it says whether that fits."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Read a pattern; an empty one fits all. Raises ToolError for one that is too much."""
        if len(text) > _LONGEST or text.count("*") > _MOST_STARS or "\0" in text:
            raise ToolError(f"the pattern is too much: {_LONGEST} characters, {_MOST_STARS} stars")
        return cls(tuple(part for part in text.split("/") if part not in ("", ".")))

    def __call__(self, path: str) -> bool:
        """Say whether the path fits: its last name alone for a pattern without a slash."""
        if not self.parts:
            return True
        names = path.split("/")
        if len(self.parts) == 1 and self.parts[0] != "**":
            return fnmatchcase(names[-1], self.parts[0])
        return _fit(tuple(names), self.parts)


def _fit(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Match from the left, keeping every place in the pattern that can be reached."""
    places = _through(parts, {0})
    for name in names:
        after = {place for place in places if place < len(parts) and parts[place] == "**"}
        after |= {
            place + 1
            for place in places
            if place < len(parts) and parts[place] != "**" and fnmatchcase(name, parts[place])
        }
        places = _through(parts, after)
    return len(parts) in places


def _through(parts: tuple[str, ...], places: set[int]) -> set[int]:
    """Add what lies behind each `**`, which stands for no folder, too."""
    found = set(places)
    for place in sorted(places):
        at = place
        while at < len(parts) and parts[at] == "**":
            at += 1
            found.add(at)
    return found

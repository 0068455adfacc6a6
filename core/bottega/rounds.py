"""Noticing agents that hand the same work to and fro: a task, or an answer that does not change.

The counts are plain numbers by name, so that they can lie in a graph's state and outlive a crash.
What follows is for the graph to decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

NOTICED = 2
"""The same work handed on the same way so often is told to those who do it."""
STOPPED = 3
"""And so often it ends: they were told, and nothing has changed."""


WRITES = "writes"
"""How one goes to another that only says something: see `Rounds.note`."""


class Rounds:
    """How often what has gone from whom to whom."""

    def __init__(self, counts: Mapping[str, float]) -> None:
        self._counts = counts
        self.new: dict[str, float] = {}
        """What to add to the counts."""

    def note(self, source: str, target: str, *matter: str, how: str = "->") -> int:
        """Take in that work goes from one to the other; return how often just this has happened."""
        digest = hashlib.sha256("\0".join(matter).encode(errors="surrogatepass")).hexdigest()
        key = f"{source} {how} {target} {digest[:16]}"
        self.new[key] = self.new.get(key, 0.0) + 1
        return int(self._counts.get(key, 0) + self.new[key])

    @staticmethod
    def busiest(counts: Mapping[str, float]) -> str:
        """Say which way most went; nothing where there are no counts."""
        ways: dict[str, float] = {}
        for key, times in counts.items():
            way = key.rpartition(" ")[0]
            ways[way] = ways.get(way, 0) + times
        most = max(ways, key=lambda way: ways[way], default="")
        return f"{most} {ways[most]:.0f} times" if most else ""


def words(counts: Mapping[str, float]) -> dict[str, float]:
    """Return the counts of what was written, without those of work that was handed on."""
    return {key: times for key, times in counts.items() if f" {WRITES} " in key}


def told(source: str, target: str, times: int) -> str:
    """Say who did what, and how often."""
    return f"{source} handed {target} the same work {times} times, and nothing in it had changed"


def repeated(source: str, target: str, times: int) -> str:
    """Say who wrote the same to whom, and how often."""
    return f"{source} wrote the same to {target} {times} times, about the same task"

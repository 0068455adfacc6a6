"""What to do next: call tools, or answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bottega.messages import Json


@dataclass(frozen=True)
class PlannedCall:
    """A call to make."""

    tool: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Plan:
    """The next turn."""

    thought: str = ""
    calls: tuple[PlannedCall, ...] = ()
    answer: str = ""
    abstains: bool = False

"""The colours of a picture: boxes with their own ground, lines that show on light and dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Colours:
    """A box's colours, as `#rrggbb`."""

    fill: str
    line: str
    text: str
    faint: str
    """For the lines below the name."""


LINE = "#7a8190"
LABEL = "#6b7280"
GROUND = "#ffffff"
ENDS = Colours(fill="#e5e7eb", line="#9ca3af", text="#374151", faint="#6b7280")
ROLES = (
    Colours(fill="#dbeafe", line="#3b82f6", text="#1e3a8a", faint="#3f5f9e"),
    Colours(fill="#dcfce7", line="#22a05a", text="#14532d", faint="#3a7350"),
    Colours(fill="#fef3c7", line="#d99a0b", text="#713f12", faint="#8d6631"),
    Colours(fill="#fce7f3", line="#d6559a", text="#831843", faint="#9c4a72"),
    Colours(fill="#ede9fe", line="#8b6cf0", text="#4c1d95", faint="#6a4bab"),
    Colours(fill="#cffafe", line="#12a5bd", text="#164e63", faint="#3c7080"),
)


def colours(role: int) -> Colours:
    """Return the colours of the n-th kind of a graph; negative for start and end."""
    return ENDS if role < 0 else ROLES[role % len(ROLES)]

"""Arrows that run above everything: those that lead back, and those that skip a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bottega.spec.blocks import Block
from bottega.spec.drawing import SMALL_SIZE, Curve, Label, Point, rounded, text_width
from bottega.spec.links import Pair

LANE = 30.0
FIRST = 28.0
"""From the boxes up to the lowest lane."""
SIDE = 20.0
"""How far from its column an arrow of a lower row goes up."""
SPREAD = 26.0
"""Between the ends of several arrows on one box."""


Side = Literal["source", "target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """Which of the arrows on one box."""

    number: int
    of: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lane:
    begin: tuple[Point, ...]
    """From the source up to the lane, which is not yet in it."""
    end: tuple[Point, ...]
    text: str

    @property
    def extent(self) -> Point:
        """Where it begins and ends from left to right."""
        ends = (self.begin[-1][0], self.end[0][0])
        return min(ends), max(ends)


def draw_lanes(
    edges: Mapping[Pair, str], blocks: Mapping[str, Block]
) -> tuple[list[Curve], list[Label]]:
    """Return the arrows and their labels; no two arrows share a piece of a lane."""
    top = min(block.y for block in blocks.values())
    ends = _ends(edges, blocks)
    lanes = [
        _Lane(
            begin=_rise(blocks[pair[0]], ends[pair, "source"], is_source=True),
            end=tuple(reversed(_rise(blocks[pair[1]], ends[pair, "target"], is_source=False))),
            text=text,
        )
        for pair, text in edges.items()
    ]
    lanes.sort(key=lambda lane: lane.extent[1] - lane.extent[0])
    levels = _levels([lane.extent for lane in lanes])
    risers = [x for lane in lanes for x in lane.extent]
    curves: list[Curve] = []
    labels: list[Label] = []
    for lane, level in zip(lanes, levels, strict=True):
        y = top - FIRST - LANE * level
        corners = [*lane.begin, (lane.begin[-1][0], y), (lane.end[0][0], y), *lane.end]
        curves.append(Curve(points=rounded(corners)))
        if lane.text:
            x = _free_place(lane.extent, text_width(lane.text, SMALL_SIZE), risers)
            labels.append(Label(x=x, y=y - 6, text=lane.text))
    return curves, labels


def _rise(block: Block, end: _End, *, is_source: bool) -> tuple[Point, ...]:
    """Return the way from a box to where its arrow goes straight up."""
    if block.row == 0:
        step = min(SPREAD, (block.width - 24) / end.of)
        return ((block.middle + (end.number - (end.of - 1) / 2) * step, block.y),)
    y = block.centre + 8 + min(6.0, (block.height / 2 - 12) / end.of) * end.number
    away = SIDE + 9 * end.number
    if is_source:
        return (block.x + block.width, y), (block.right + away, y)
    return (block.x, y), (block.left - away, y)


def _ends(edges: Mapping[Pair, str], blocks: Mapping[str, Block]) -> dict[tuple[Pair, Side], _End]:
    """Spread the ends of arrows on one box, in the order of where they come from."""
    at: dict[str, list[tuple[float, Pair, Side]]] = {}
    for pair in edges:
        source, target = blocks[pair[0]], blocks[pair[1]]
        at.setdefault(source.name, []).append((target.middle, pair, "source"))
        at.setdefault(target.name, []).append((source.middle, pair, "target"))
    return {
        (pair, side): _End(number=number, of=len(listed))
        for listed in at.values()
        for number, (_, pair, side) in enumerate(sorted(listed))
    }


def _levels(extents: list[Point]) -> list[int]:
    """Give each extent the lowest lane in which it meets no other."""
    used: list[list[Point]] = []
    levels: list[int] = []
    for begin, end in extents:
        level = 0
        while level < len(used) and any(
            begin < right + 12 and left < end + 12 for left, right in used[level]
        ):
            level += 1
        if level == len(used):
            used.append([])
        used[level].append((begin, end))
        levels.append(level)
    return levels


def _free_place(extent: Point, width: float, risers: list[float]) -> float:
    """Return a place for a label that no rising arrow crosses; the middle where there is none."""
    begin, end = extent
    for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8):
        x = begin + (end - begin) * share
        inside = (riser for riser in risers if begin + 1 < riser < end - 1)
        if all(abs(riser - x) > width / 2 + 6 for riser in inside):
            return x
    return (begin + end) / 2

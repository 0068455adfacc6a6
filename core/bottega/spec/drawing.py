"""What a picture of a graph is made of: boxes, curves and labels, in pixels from the top left.

The layout places them, `svg` and `png` write them; widths of text are estimated here, once, so that
both writers agree.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

Point = tuple[float, float]

NAME_SIZE = 15.0
SMALL_SIZE = 12.0

_NARROW = frozenset("fijlrtI.,:;'`|!()[]{}-/\\ ")
_BROAD = frozenset("mwMW@%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A node; `role` counts the kinds of the graph, -1 is for start and end."""

    x: float
    y: float
    width: float
    height: float
    name: str
    lines: tuple[str, ...] = ()
    role: int = -1
    tip: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """An arrow along cubic Bézier curves: a first point, then three for each piece."""

    points: tuple[Point, ...]
    dashed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """Text on an arrow; x is its middle, y its base line."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A whole picture."""

    width: float
    height: float
    title: str
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    labels: tuple[Label, ...]
    inner: tuple[Drawing, ...] = ()
    """Pictures of inner graphs, in place: each lies in the box of the node that stands for it."""


def text_width(text: str, size: float) -> float:
    """Estimate the width of text in a sans-serif face, a little too wide rather than too narrow."""
    return size * sum(_share(character) for character in text)


def _share(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _BROAD:
        return 0.92
    if not character.isascii():
        return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.75
    return 0.7 if character.isupper() else 0.58


def cut(text: str, most: int) -> str:
    """Return the text on one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def straight(begin: Point, end: Point) -> tuple[Point, ...]:
    """Return a straight line as a curve."""
    (x0, y0), (x1, y1) = begin, end
    third = ((x1 - x0) / 3, (y1 - y0) / 3)
    return begin, (x0 + third[0], y0 + third[1]), (x1 - third[0], y1 - third[1]), end


def rounded(corners: list[Point], radius: float = 16) -> tuple[Point, ...]:
    """Return a path of straight lines whose corners are rounded."""
    points: list[Point] = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        enter = _towards(corner, before, radius)
        leave = _towards(corner, after, radius)
        points += [*straight(points[-1], enter)[1:], corner, corner, leave]
    points += straight(points[-1], corners[-1])[1:]
    return tuple(points)


def _towards(begin: Point, end: Point, distance: float) -> Point:
    """Return the point so far from the begin, but at most half-way."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    length = max(abs(dx) + abs(dy), 1e-9)
    share = min(distance / length, 0.5)
    return begin[0] + dx * share, begin[1] + dy * share


def moved(drawing: Drawing, dx: float, dy: float) -> Drawing:
    """Return the drawing with everything in it moved."""
    return replace(
        drawing,
        boxes=tuple(replace(box, x=box.x + dx, y=box.y + dy) for box in drawing.boxes),
        curves=tuple(shift(curve, dx, dy) for curve in drawing.curves),
        labels=tuple(replace(one, x=one.x + dx, y=one.y + dy) for one in drawing.labels),
        inner=tuple(moved(one, dx, dy) for one in drawing.inner),
    )


def shift(curve: Curve, dx: float, dy: float) -> Curve:
    """Return the curve moved."""
    return Curve(points=tuple((x + dx, y + dy) for x, y in curve.points), dashed=curve.dashed)

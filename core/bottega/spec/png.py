"""A drawing as PNG, through Pillow: drawn large and made smaller, as Pillow's lines are jagged."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bottega.errors import InputError, NotInstalledError
from bottega.spec.drawing import NAME_SIZE, SMALL_SIZE, Box, Curve, Drawing, Point
from bottega.spec.palette import GROUND, LABEL, LINE, colours
from bottega.spec.svg import name_line

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SCALE = 2
"""Pixels of the picture for one of the drawing, for sharp screens."""
FINE = 2
"""How much larger it is drawn than it becomes."""
MOST_PIXELS = 60_000_000
"""As drawn: 180 MB of memory."""


def png(drawing: Drawing) -> bytes:
    """Return the PNG file. Raises NotInstalledError without Pillow, InputError when too large."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise NotInstalledError("pillow", "all") from error
    zoom = SCALE * FINE
    width, height = math.ceil(drawing.width), math.ceil(drawing.height)
    if width * height * zoom * zoom > MOST_PIXELS:
        raise InputError(f"{width} x {height} is too large for a PNG", hint="write an .svg instead")
    image = Image.new("RGB", (width * zoom, height * zoom), GROUND)
    _Canvas(ImageDraw.Draw(image), zoom).draw(drawing)
    file = io.BytesIO()
    image.resize((width * SCALE, height * SCALE), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


class _Canvas:
    """Draw in the drawing's own measure."""

    def __init__(self, draw: ImageDraw, zoom: int) -> None:
        self._draw = draw
        self._zoom = zoom

    def draw(self, drawing: Drawing) -> None:
        for curve in drawing.curves:
            self._curve(curve)
        for box in drawing.boxes:
            self._box(box)
        for label in drawing.labels:
            self._text(label.text, (label.x, label.y), SMALL_SIZE, LABEL)
        for inner in drawing.inner:
            self.draw(inner)

    def _curve(self, curve: Curve) -> None:
        points = list(flatten(curve.points))
        width = round(1.6 * self._zoom)
        for piece in _dashes(points) if curve.dashed else [points]:
            self._draw.line(self._scaled(piece), fill=LINE, width=width, joint="curve")
        self._draw.polygon(self._scaled(arrow_head(points)), fill=LINE)

    def _box(self, box: Box) -> None:
        colour = colours(box.role)
        corners = self._scaled([(box.x, box.y), (box.x + box.width, box.y + box.height)])
        radius = (box.height / 2 if box.role < 0 else 10) * self._zoom
        width = round(1.5 * self._zoom)
        self._draw.rounded_rectangle(
            corners, radius, fill=colour.fill, outline=colour.line, width=width
        )
        middle, y = box.x + box.width / 2, box.y + name_line(box)
        self._text(box.name, (middle, y), NAME_SIZE, colour.text, bold=True)
        for number, line in enumerate(box.lines):
            self._text(line, (middle, y + 17 * (number + 1)), SMALL_SIZE, colour.faint)

    def _text(
        self, text: str, place: Point, size: float, colour: str, *, bold: bool = False
    ) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size * self._zoom)
        stroke = 0.02 * size * self._zoom if bold else 0
        at = self._scaled([place])[0]
        self._draw.text(
            at, text, fill=colour, font=font, anchor="ms", stroke_width=stroke, stroke_fill=colour
        )

    def _scaled(self, points: list[Point]) -> list[Point]:
        return [(round(x * self._zoom), round(y * self._zoom)) for x, y in points]


def flatten(points: tuple[Point, ...], steps: int = 24) -> Iterator[Point]:
    """Yield points along the curves, close enough to be joined by straight lines."""
    yield points[0]
    for at in range(0, len(points) - 1, 3):
        p0, p1, p2, p3 = points[at : at + 4]
        for step in range(1, steps + 1):
            t = step / steps
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield (
                a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0],
                a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1],
            )


def _dashes(points: list[Point], length: float = 5) -> Iterator[list[Point]]:
    """Yield every second piece of the line, each of the given length."""
    piece: list[Point] = [points[0]]
    left, shown = length, True
    for (x0, y0), (x1, y1) in pairwise(points):
        whole = math.hypot(x1 - x0, y1 - y0)
        gone = 0.0
        while whole - gone > left:
            gone += left
            cut = (x0 + (x1 - x0) * gone / whole, y0 + (y1 - y0) * gone / whole)
            if shown:
                yield [*piece, cut]
            piece, left, shown = [cut], length, not shown
        left -= whole - gone
        piece.append((x1, y1))
    if shown and len(piece) > 1:
        yield piece


def arrow_head(points: list[Point]) -> list[Point]:
    """Return the triangle at the end of a line."""
    (x1, y1) = points[-1]
    x0, y0 = next((p for p in reversed(points) if math.dist(p, points[-1]) > 4), points[0])
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    bx, by = x1 - 9 * ux, y1 - 9 * uy
    return [(x1, y1), (bx - 4.5 * uy, by + 4.5 * ux), (bx + 4.5 * uy, by - 4.5 * ux)]

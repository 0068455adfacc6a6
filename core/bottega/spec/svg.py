"""A drawing as SVG: no script, no style sheet, no font but the reader's own; all text escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from bottega.spec.drawing import NAME_SIZE, SMALL_SIZE, Box, Curve, Drawing, Label
from bottega.spec.palette import LABEL, LINE, colours

_FACE = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def svg(drawing: Drawing) -> str:
    """Return the SVG document."""
    width, height = round(drawing.width), round(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(_FACE)}>',
        f"<title>{escape(drawing.title)}</title>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 1L9 5L0 9z" fill="{LINE}"/></marker></defs>',
        *_drawn(drawing),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _drawn(drawing: Drawing) -> list[str]:
    """Return arrows, boxes and labels, and inner drawings on top."""
    parts = [
        f'<g fill="none" stroke="{LINE}" stroke-width="1.6" stroke-linecap="round">',
        *map(_curve, drawing.curves),
        "</g>",
        *map(_box, drawing.boxes),
        f'<g fill="{LABEL}" font-size="{SMALL_SIZE:g}" text-anchor="middle">',
        *map(_label, drawing.labels),
        "</g>",
    ]
    for inner in drawing.inner:
        parts += _drawn(inner)
    return parts


def _curve(curve: Curve) -> str:
    (x, y), rest = curve.points[0], curve.points[1:]
    pieces = " ".join(f"{px:.1f},{py:.1f}" for px, py in rest)
    dashes = ' stroke-dasharray="5 5"' if curve.dashed else ""
    return f'<path d="M{x:.1f},{y:.1f} C{pieces}"{dashes} marker-end="url(#tip)"/>'


def _box(box: Box) -> str:
    colour = colours(box.role)
    radius = box.height / 2 if box.role < 0 else 10
    middle = box.x + box.width / 2
    parts = [
        "<g>",
        f"<title>{escape(box.tip)}</title>" if box.tip else "",
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{radius:g}" fill="{colour.fill}" stroke="{colour.line}" stroke-width="1.5"/>',
        _text(box.name, (middle, box.y + name_line(box)), NAME_SIZE, colour.text, bold=True),
    ]
    for number, line in enumerate(box.lines):
        y = box.y + name_line(box) + 17 * (number + 1)
        parts.append(_text(line, (middle, y), SMALL_SIZE, colour.faint))
    return "".join([*parts, "</g>"])


def name_line(box: Box) -> float:
    """Return how far below a box's top its name's base line is."""
    return box.height / 2 + 5 if not box.lines else 25


def _text(
    text: str, place: tuple[float, float], size: float, colour: str, *, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" font-size="{size:g}" fill="{colour}" '
        f'text-anchor="middle"{weight}>{escape(text)}</text>'
    )


def _label(label: Label) -> str:
    return f'<text x="{label.x:.1f}" y="{label.y:.1f}">{escape(label.text)}</text>'

"""The picture of a graph: boxes placed by `blocks`, and the arrows between them.

Work flows from left to right; delegation hangs below, dashed; edges that lead back or skip a column
run in lanes above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from bottega.spec.blocks import CROWD, Block, Look, place_blocks
from bottega.spec.drawing import (
    SMALL_SIZE,
    Box,
    Curve,
    Drawing,
    Label,
    Point,
    moved,
    shift,
    straight,
    text_width,
)
from bottega.spec.inner import below, inner_graphs
from bottega.spec.lanes import draw_lanes
from bottega.spec.links import Links, Pair, links_of
from bottega.spec.model import GraphSpec

MARGIN = 24.0
_Arrows = tuple[list[Curve], list[Label]]


def layout(spec: GraphSpec) -> Drawing:
    """Place everything, graphs within the graph included."""
    inner = inner_graphs(spec)
    nodes = [node for one in (spec, *inner.values()) for node in one.nodes]
    return _layout(spec, inner, list(dict.fromkeys(node.kind for node in nodes)))


def _layout(spec: GraphSpec, inner: Mapping[str, GraphSpec], kinds: Sequence[str]) -> Drawing:
    drawn = {
        node.name: _layout(inner[node.name], below(inner, node.name), kinds)
        for node in spec.nodes
        if node.name in inner
    }
    links = links_of(spec)
    blocks = place_blocks(spec, links, Look(kinds=kinds, inner=drawn))
    near = {pair: text for pair, text in links.forward.items() if _columns(pair, links) == 1}
    far = {pair: text for pair, text in links.forward.items() if pair not in near}
    lower = {target for _, target in links.backward if blocks[target].row}
    curves, labels = _draw_near(near, blocks, lower)
    more_curves, more_labels = draw_lanes({**links.backward, **far}, blocks)
    curves += [*_draw_delegations(links, blocks), *more_curves]
    return _frame(spec.name, list(blocks.values()), (curves, labels + more_labels))


def _columns(pair: Pair, links: Links) -> int:
    return links.ranks[pair[1]] - links.ranks[pair[0]]


def _draw_near(
    edges: Mapping[Pair, str], blocks: Mapping[str, Block], crowded: Collection[str]
) -> _Arrows:
    """Draw edges from one column to the next; their labels stand in the gap between the two."""
    arriving = Counter(target for (_, target), text in edges.items() if text)
    rooms: dict[float, float] = {}  # by where the next column begins: all bend before its labels
    for (_, to), text in edges.items():
        left = blocks[to].left
        rooms[left] = max(rooms.get(left, 0.0), text_width(text, SMALL_SIZE) + 16 if text else 0.0)
    curves: list[Curve] = []
    labels: list[Label] = []
    for (name, to), text in edges.items():
        source, target = blocks[name], blocks[to]
        begin = (source.x + source.width, source.centre)
        end = (target.x, target.centre)
        room = text_width(text, SMALL_SIZE) + 16 if text else 0.0
        left = target.left - 8 - (CROWD if to in crowded else 0)
        before = arriving[to] > 1  # two labels of one target would lie upon each other
        widest = rooms[target.left]
        gap = (source.right + room, left) if before else (source.right, left - widest)
        curves.append(Curve(points=_across(begin, end, gap)))
        if text and abs(begin[1] - end[1]) < 1:
            labels.append(Label(x=(source.right + target.left) / 2, y=end[1] - 7, text=text))
        elif text and before:
            labels.append(Label(x=source.right + room / 2, y=begin[1] - 7, text=text))
        elif text:
            labels.append(Label(x=left - room / 2, y=end[1] - 7, text=text))
    return curves, labels


def _draw_delegations(links: Links, blocks: Mapping[str, Block]) -> list[Curve]:
    curves: list[Curve] = []
    for name, to in links.delegations:
        source, target = blocks[name], blocks[to]
        begin, end = (source.middle, source.y + source.height), (target.middle, target.y)
        curves.append(Curve(points=_down(begin, end), dashed=True))
    return curves


def _across(begin: Point, end: Point, gap: Point) -> tuple[Point, ...]:
    """Bend only in the gap between two columns, where no box is, and beside the label."""
    if abs(begin[1] - end[1]) < 1:
        return straight(begin, end)
    half = (gap[0] + gap[1]) / 2
    turn, back = (gap[0], begin[1]), (gap[1], end[1])
    bend = ((half, begin[1]), (half, end[1]), back)
    return (*straight(begin, turn), *bend, *straight(back, end)[1:])


def _down(begin: Point, end: Point) -> tuple[Point, ...]:
    if abs(begin[0] - end[0]) < 1:
        return straight(begin, end)
    half = (begin[1] + end[1]) / 2
    return begin, (begin[0], half), (end[0], half), end


def _frame(title: str, blocks: list[Block], arrows: _Arrows) -> Drawing:
    """Move everything so that the picture begins at its margin."""
    curves, labels = arrows
    xs = [x for block in blocks for x in (block.x, block.x + block.width)]
    ys = [y for block in blocks for y in (block.y, block.y + block.height)]
    xs += [x for curve in curves for x, _ in curve.points]
    ys += [y for curve in curves for _, y in curve.points]
    for label in labels:
        half = text_width(label.text, SMALL_SIZE) / 2
        xs += [label.x - half, label.x + half]
        ys += [label.y - SMALL_SIZE]
    dx, dy = MARGIN - min(xs), MARGIN - min(ys)
    return Drawing(
        width=max(xs) + dx + MARGIN,
        height=max(ys) + dy + MARGIN,
        title=title,
        boxes=tuple(_box(block, dx, dy) for block in blocks),
        curves=tuple(shift(curve, dx, dy) for curve in curves),
        labels=tuple(Label(x=one.x + dx, y=one.y + dy, text=one.text) for one in labels),
        inner=tuple(_inside(block, one, dx, dy) for block in blocks if (one := block.inner)),
    )


def _inside(block: Block, inner: Drawing, dx: float, dy: float) -> Drawing:
    """Return the picture of an inner graph in the middle of its box, below the text."""
    return moved(inner, block.middle - inner.width / 2 + dx, block.y + block.head + dy)


def _box(block: Block, dx: float, dy: float) -> Box:
    return Box(
        x=block.x + dx,
        y=block.y + dy,
        width=block.width,
        height=block.height,
        name=block.name,
        lines=block.lines,
        role=block.role,
        tip=block.tip,
    )

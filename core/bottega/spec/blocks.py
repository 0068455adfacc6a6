"""Where the boxes of a graph's picture go: one column for each step from start.

A node's delegates hang below it and take part in its column's width. The first row of all columns
lies on one axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bottega.spec.drawing import NAME_SIZE, SMALL_SIZE, Drawing, cut, text_width
from bottega.spec.links import Links, Pair
from bottega.spec.model import END, START, GraphSpec, NodeSpec

ROW_GAP = 40.0
COLUMN_GAP = 64.0
CHILD_GAP = 24.0
DROP = 60.0
"""From a node down to its delegates."""
CROWD = 34.0
"""Room beside a label for arrows that come down from the lanes."""
PAD = 16.0
LINE = 17.0
LEAST = 104.0
"""Width of a node's box."""
MOST_LETTERS = 28


@dataclass(slots=True)
class Block:
    """A node's box with the blocks of its delegates below it."""

    name: str
    lines: tuple[str, ...]
    role: int
    tip: str
    width: float
    height: float
    below: list[Block] = field(default_factory=list["Block"])
    span: float = 0.0
    """Width with everything below it."""
    depth: float = 0.0
    """Height with everything below it."""
    x: float = 0.0
    y: float = 0.0
    left: float = 0.0
    """Where its column begins and ends."""
    right: float = 0.0
    row: int = 0
    inner: Drawing | None = None
    """The picture of the graph that the node stands for."""

    @property
    def middle(self) -> float:
        """The x half-way."""
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        """The y half-way."""
        return self.y + self.height / 2

    @property
    def head(self) -> float:
        """The height of its text, below which an inner picture begins."""
        return 36.0 + LINE * len(self.lines)

    def family(self) -> list[Block]:
        """Return the block and all below it, each before those below it."""
        found: list[Block] = [self]
        for block in found:  # grows while it is read
            found.extend(block.below)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How the nodes of a graph look, beyond what they say of themselves."""

    kinds: Sequence[str]
    """All kinds of the picture: the place in the list is the colour."""
    inner: Mapping[str, Drawing]
    """Pictures of inner graphs, by the node."""


def place_blocks(spec: GraphSpec, links: Links, look: Look) -> dict[str, Block]:
    """Return every node's box, placed, start and end among them."""
    blocks = _blocks(spec, links, look)
    columns = _columns(links, blocks)
    first = [column[0].height for column in columns if column]
    x = 0.0
    for rank, column in enumerate(columns):
        width = _place_column(column, x, max(first))
        x += width + _gap_after(rank, links)
    return blocks


def _blocks(spec: GraphSpec, links: Links, look: Look) -> dict[str, Block]:
    blocks = {node.name: _node_block(node, look) for node in spec.nodes}
    blocks[START] = _block(START, (), -1)
    blocks[END] = _block(END, (), -1)
    for name, below in links.under.items():
        blocks[name].below = [blocks[each] for each in below]
    return blocks


def _node_block(node: NodeSpec, look: Look) -> Block:
    lines = [node.kind, ", ".join(tool.name for tool in node.tools)]
    shown = tuple(cut(line, MOST_LETTERS) for line in lines if line)
    role = look.kinds.index(node.kind)
    block = _block(cut(node.name, MOST_LETTERS), shown, role, node.description)
    inner = look.inner.get(node.name)
    if inner is not None:
        block.inner = inner
        block.width = max(block.width, inner.width)
        block.height = block.head + inner.height
    return block


def _block(name: str, lines: tuple[str, ...], role: int, tip: str = "") -> Block:
    widths = [text_width(name, NAME_SIZE), *(text_width(line, SMALL_SIZE) for line in lines)]
    least = 56.0 if role < 0 else LEAST
    return Block(
        name=name,
        lines=lines,
        role=role,
        tip=tip,
        width=max(max(widths) + 2 * PAD, least),
        height=32.0 if role < 0 else 36.0 + LINE * len(lines),
    )


def _columns(links: Links, blocks: Mapping[str, Block]) -> list[list[Block]]:
    columns: list[list[Block]] = [[] for _ in range(max(links.ranks.values()) + 1)]
    sources: dict[str, list[str]] = {}
    for source, target in links.forward:
        sources.setdefault(target, []).append(source)
    for name, rank in sorted(links.ranks.items(), key=lambda item: item[1]):
        columns[rank].append(blocks[name])
    for before, column in pairwise(columns):
        rows = {block.name: row for row, block in enumerate(before)}
        means = {block.name: _mean_row(rows, sources.get(block.name, [])) for block in column}
        column.sort(key=lambda block, means=means: means[block.name])  # type: ignore[misc]
    return columns


def _mean_row(rows: Mapping[str, int], sources: list[str]) -> float:
    """Return the mean row of the nodes before, so that lines cross less."""
    before = [rows[name] for name in sources if name in rows]
    return sum(before) / len(before) if before else float(len(rows))


def _place_column(column: list[Block], x: float, axis: float) -> float:
    for block in column:
        _measure(block)
    width = max((block.span for block in column), default=0.0)
    y = 0.0
    for row, block in enumerate(column):
        if row == 0:
            y = (axis - block.height) / 2
        _put(block, x + (width - block.span) / 2, y)
        block.left, block.right, block.row = x, x + width, row
        y += block.depth + ROW_GAP
    return width


def _gap_after(rank: int, links: Links) -> float:
    texts = [text for pair, text in links.forward.items() if links.ranks.get(pair[0]) == rank]
    widest = max([COLUMN_GAP, *(text_width(text, SMALL_SIZE) + 60 for text in texts if text)])
    widest = max([widest, *(_share(pair, text, links) for pair, text in _over(rank, links))])
    crowded = any(links.ranks[target] == rank + 1 for _, target in links.backward)
    return widest + (CROWD if crowded else 0.0)


def _over(rank: int, links: Links) -> list[tuple[Pair, str]]:
    """Return the arrows that lead back over the gap behind a column, with what stands on them."""
    ranks = links.ranks
    return [
        (pair, text)
        for pair, text in links.backward.items()
        if ranks[pair[1]] <= rank < ranks[pair[0]]
    ]


def _share(pair: Pair, text: str, links: Links) -> float:
    """Return a gap's part of the room that a label above it needs."""
    span = links.ranks[pair[0]] - links.ranks[pair[1]]
    return (text_width(text, SMALL_SIZE) + 24 - LEAST * (span - 1)) / span


def _measure(block: Block) -> None:
    for each in reversed(block.family()):
        spans = sum(one.span for one in each.below) + CHILD_GAP * (len(each.below) - 1)
        each.span = max(each.width, spans)
        deepest = max((one.depth for one in each.below), default=0.0)
        each.depth = each.height + (DROP + deepest if each.below else 0.0)


def _put(top: Block, x: float, y: float) -> None:
    """Place a block in the middle of its span, and those below it side by side."""
    todo = [(top, x, y)]
    while todo:
        block, left, upper = todo.pop()
        block.x, block.y = left + (block.span - block.width) / 2, upper
        inner = sum(one.span for one in block.below) + CHILD_GAP * (len(block.below) - 1)
        left += (block.span - inner) / 2
        for one in block.below:
            todo.append((one, left, upper + block.height + DROP))
            left += one.span + CHILD_GAP

"""Pictures of graphs: Mermaid, SVG and PNG, with nothing on top of anything else."""

import io
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.errors import InputError
from bottega.spec.drawing import SMALL_SIZE, text_width
from bottega.spec.layout import layout
from bottega.spec.mermaid import escape, mermaid
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.spec.picture import write_picture
from bottega.spec.png import flatten, png
from bottega.spec.reader import parse_graph
from bottega.spec.svg import svg

RESEARCH = """\
nodes:
  lead:      {kind: coordinator, delegates: [librarian, analyst]}
  librarian: {kind: specialist, description: "finds <b> & quotes", tools: [search_knowledge]}
  analyst:   {kind: specialist}
  reviewer:  {kind: critic, reviews: lead}
edges: [start -> lead, lead -> reviewer, reviewer -> lead: revise, reviewer -> end: accept]
"""
WIDE = """\
nodes:
  router: {kind: router}
  alpha: {kind: specialist, tools: [calculator, search_knowledge, final_answer]}
  beta: {kind: coordinator, delegates: [x1, x2, x3]}
  x1: {kind: specialist}
  x2: {kind: coordinator, delegates: [y1, y2, x1]}
  x3: {kind: specialist}
  y1: {kind: specialist}
  y2: {kind: specialist}
  gamma: {kind: planner}
  writer: {kind: specialist}
  critic: {kind: critic}
  editor: {kind: critic}
  stray: {kind: specialist}
edges:
  - start -> router
  - router -> alpha: sums
  - router -> beta: research
  - router -> gamma: planning
  - router -> end: nothing
  - alpha -> writer
  - beta -> writer
  - gamma -> writer
  - writer -> critic
  - critic -> writer: revise
  - critic -> beta: research_more
  - critic -> editor: accept
  - editor -> critic: again
  - editor -> router: restart
  - editor -> end: accept
  - editor -> end: give_up
"""


def boxes_of(drawing):
    return {box.name: box for box in drawing.boxes}


def overlap(one, other):
    (a0, b0, a1, b1), (c0, d0, c1, d1) = one, other
    return a0 < c1 and c0 < a1 and b0 < d1 and d0 < b1


def area(box):
    return box.x, box.y, box.x + box.width, box.y + box.height


def label_area(label):
    half = text_width(label.text, SMALL_SIZE) / 2
    return label.x - half, label.y - SMALL_SIZE * 0.8, label.x + half, label.y + 2


@pytest.mark.parametrize("text", [RESEARCH, WIDE])
def test_nothing_lies_on_anything_else(text):
    drawing = layout(parse_graph(text))
    areas = [area(box) for box in drawing.boxes] + [label_area(one) for one in drawing.labels]
    assert not any(overlap(one, other) for one, other in combinations(areas, 2))
    assert all(a > 0 and b > 0 and c < drawing.width and d < drawing.height for a, b, c, d in areas)


@pytest.mark.parametrize("text", [RESEARCH, WIDE])
def test_no_arrow_runs_through_a_label_or_along_a_box(text):
    drawing = layout(parse_graph(text))
    points = [point for curve in drawing.curves for point in flatten(curve.points)]
    for label in drawing.labels:
        a, b, c, d = label_area(label)
        assert not any(a < x < c and b < y < d for x, y in points), label
    for curve in (curve for curve in drawing.curves if not curve.dashed):
        for box in drawing.boxes:
            a, b, c, d = area(box)
            inside = [
                1 for x, y in flatten(curve.points) if a + 1 < x < c - 1 and b + 1 < y < d - 1
            ]
            assert not inside, box.name


def test_work_flows_to_the_right_and_delegates_hang_below():
    boxes = boxes_of(layout(parse_graph(RESEARCH)))
    across = [boxes[name].x for name in ("start", "lead", "reviewer", "end")]
    assert across == sorted(across)
    assert boxes["librarian"].y > boxes["lead"].y + boxes["lead"].height
    assert boxes["librarian"].y == boxes["analyst"].y


def test_delegation_is_dashed_and_the_way_back_runs_above():
    drawing = layout(parse_graph(RESEARCH))
    assert sum(curve.dashed for curve in drawing.curves) == 2
    top = min(box.y for box in drawing.boxes)
    above = [curve for curve in drawing.curves if min(y for _, y in curve.points) < top]
    assert len(above) == 1
    assert above[0].points[0][0] > above[0].points[-1][0]
    (revise,) = (label for label in drawing.labels if label.text == "revise")
    assert revise.y < top


def test_two_outcomes_of_one_way_share_an_arrow():
    labels = [label.text for label in layout(parse_graph(WIDE)).labels]
    assert "accept / give_up" in labels
    assert len(labels) == len(set(labels))


def test_kinds_have_colours_of_their_own():
    boxes = boxes_of(layout(parse_graph(RESEARCH)))
    roles = {name: box.role for name, box in boxes.items()}
    assert roles["librarian"] == roles["analyst"] != roles["lead"] != roles["reviewer"]
    assert roles["start"] == roles["end"] == -1


def test_svg_is_xml_and_text_in_it_is_only_text():
    drawing = layout(parse_graph(RESEARCH))
    root = ElementTree.fromstring(svg(drawing))
    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"lead", "coordinator", "search_knowledge", "revise", "accept", "start"} <= texts
    titles = [each.text for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "finds <b> & quotes" in titles


HOSTILE = '"]; click n0 "javascript:alert(1)" <script>alert(1)</script>\n%%{init}%% #quot; `x`'


def hostile():
    return GraphSpec(
        name=HOSTILE,
        nodes=(NodeSpec(name=HOSTILE, kind=HOSTILE, description=HOSTILE),),
        edges=(
            EdgeSpec(source="start", target=HOSTILE),
            EdgeSpec(source=HOSTILE, target="end", outcome=HOSTILE),
        ),
    )


def test_hostile_text_stays_text():
    root = ElementTree.fromstring(svg(layout(hostile())))
    assert {each.tag.partition("}")[2] for each in root.iter()} == {
        "svg",
        "title",
        "defs",
        "marker",
        "path",
        "g",
        "rect",
        "text",
    }
    lines = mermaid(hostile()).splitlines()
    assert len(lines) == 8
    assert lines[2].count('"') == 2
    assert not any(sign in lines[2] for sign in ("script>", 'click n0 "', "%%", "`"))


@given(st.text(max_size=80))
@settings(deadline=None)
def test_escaped_text_cannot_leave_its_quotes(text):
    assert not set(escape(text)) & set("\"'`<>[](){}|\\\n\r%&*")


def test_mermaid_names_every_node_and_edge():
    assert mermaid(parse_graph(RESEARCH)).splitlines()[:12] == [
        "flowchart LR",
        "    start_([start])",
        '    n0["lead<br/>coordinator"]',
        '    n1["librarian<br/>specialist"]',
        '    n2["analyst<br/>specialist"]',
        '    n3["reviewer<br/>critic"]',
        "    end_([end])",
        "    start_ --> n0",
        "    n0 --> n3",
        '    n3 -->|"revise"| n0',
        '    n3 -->|"accept"| end_',
        "    n0 -.-> n1",
    ]


def test_png_is_a_picture_of_the_same_size():
    from PIL import Image

    drawing = layout(parse_graph(RESEARCH))
    with Image.open(io.BytesIO(png(drawing))) as image:
        assert abs(image.width / 2 - drawing.width) < 1
        colours = {colour for _, colour in image.getcolors(1_000_000)}
    assert {(0xDB, 0xEA, 0xFE), (0xDC, 0xFC, 0xE7), (0xFE, 0xF3, 0xC7)} <= colours


def test_pictures_are_written_by_the_ending_of_the_file(tmp_path):
    spec = parse_graph(RESEARCH)
    for name, begin in {"a.svg": b"<svg ", "a.PNG": b"\x89PNG", "a.mmd": b"flowchart"}.items():
        write_picture(spec, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
    with pytest.raises(InputError, match=r"no pictures of format '.pgn' \(did you mean '.png'\?\)"):
        write_picture(spec, tmp_path / "a.pgn")
    with pytest.raises(InputError, match="cannot write"):
        write_picture(spec, Path(tmp_path / "no" / "a.svg"))


def test_a_picture_too_large_for_memory_is_refused():
    nodes = ", ".join(f"n{i}: {{kind: x}}" for i in range(500))
    edges = ", ".join(["start -> n0", *(f"n{i} -> n{i + 1}" for i in range(499)), "n499 -> end"])
    drawing = layout(parse_graph(f"nodes: {{{nodes}}}\nedges: [{edges}]\n"))
    assert "</svg>" in svg(drawing)
    with pytest.raises(InputError, match="too large for a PNG"):
        png(drawing)


names = st.sampled_from(["a", "b", "c", "d", "e"])


@given(
    st.lists(st.tuples(st.sampled_from(["start", *"abcde"]), st.sampled_from([*"abcde", "end"]))),
    st.dictionaries(names, st.lists(names, max_size=3)),
)
@settings(deadline=None)
def test_any_graph_has_a_picture_without_overlaps(edges, delegates):
    spec = GraphSpec(
        name="x",
        nodes=tuple(
            NodeSpec(name=name, kind="k", options={"delegates": delegates.get(name, [])})
            for name in "abcde"
        ),
        edges=tuple(EdgeSpec(source=a, target=b) for a, b in edges),
    )
    drawing = layout(spec)
    assert {box.name for box in drawing.boxes} == {"start", "end", *"abcde"}
    areas = [area(box) for box in drawing.boxes]
    assert not any(overlap(one, other) for one, other in combinations(areas, 2))


STEERED = """\
nodes:
  plan: {kind: specialist}
  each: {kind: map, node: team}
  team: {kind: graph, file: inner.yaml}
  web: {kind: specialist}
  write: {kind: specialist}
  score: {kind: specialist}
  ask: {kind: human, options: [approve, revise]}
edges:
  - start -> [plan, web]
  - plan -> each
  - "[each, web] -> write"
  - write -> score
  - score -> write: if score < 0.5 and not abstained (at most 3)
  - score -> ask: else
  - ask -> end: approve
  - ask -> write: revise (at most 2)
"""


@pytest.fixture
def steered(tmp_path):
    (tmp_path / "inner.yaml").write_text(RESEARCH)
    return parse_graph(STEERED, folder=tmp_path)


def test_a_graph_within_a_graph_is_drawn_in_its_box(steered):
    drawing = layout(steered)
    (inner,) = drawing.inner
    box = boxes_of(drawing)["team"]
    assert {"lead", "librarian", "reviewer"} <= set(boxes_of(inner))
    for one in inner.boxes:
        a, b, c, d = area(one)
        assert box.x < a
        assert box.y < b
        assert c < box.x + box.width
        assert d < box.y + box.height
    assert svg(drawing).count("librarian") == 1
    assert png(drawing)


def test_conditions_stand_on_their_arrows_and_nothing_crosses_them(steered):
    drawing = layout(steered)
    labels = [label.text for label in drawing.labels]
    assert "if score < 0.5 and not abstained (at most 3)" in labels
    points = [point for curve in drawing.curves for point in flatten(curve.points)]
    for label in drawing.labels:
        a, b, c, d = label_area(label)
        assert not any(a < x < c and b < y < d for x, y in points), label


def test_mermaid_draws_it_within_too(steered):
    chart = mermaid(steered)
    assert 'subgraph n2 ["team<br/>graph"]' in chart
    assert '        n2_n3 -->|"revise"| n2_n0' in chart
    assert "n1 -.-> n2\n" in chart  # the map's work
    assert '|"if score #60; 0.5 and not abstained #40;at most 3#41;"|' in chart


def test_a_graph_that_holds_itself_is_drawn_once(tmp_path):
    text = "nodes: {g: {kind: graph, file: g.yaml}}\nedges: [start -> g, g -> end]\n"
    (tmp_path / "g.yaml").write_text(text)
    assert mermaid(parse_graph(text, folder=tmp_path)).count("subgraph") == 1


def test_only_files_beside_the_graph_are_drawn(tmp_path):
    (tmp_path / "other.yaml").write_text(RESEARCH)
    folder = tmp_path / "graphs"
    folder.mkdir()
    text = "nodes: {g: {kind: graph, file: ../other.yaml}}\nedges: [start -> g, g -> end]\n"
    assert "subgraph" not in mermaid(parse_graph(text, folder=folder))

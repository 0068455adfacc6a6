"""What a graph file may say of panels, talks and rubrics, and what is found wrong with it."""

import pytest

from bottega.plugin.manager import default_plugins
from bottega.spec.check import check_graph
from bottega.spec.reader import draft_text

TEAM = """\
nodes:
  panel: {{{panel}}}
  a: {{kind: specialist}}
  b: {{kind: specialist}}
edges: [start -> panel, panel -> end]
"""
TALK = """\
nodes:
  a: {{kind: specialist, {talk}}}
  b: {{kind: specialist}}
edges: [start -> a, a -> end{edges}]
"""


def findings(text, tmp_path):
    draft = draft_text(text, folder=tmp_path)
    assert draft.findings == ()
    return [str(one) for one in check_graph(draft.spec, default_plugins())]


@pytest.mark.parametrize(
    "panel",
    [
        "kind: vote, members: [a, b], weights: {a: 2}, share: 0.5, ties: abstain, compare: text",
        "kind: judge, members: [a, b], rubric: short",
        "kind: debate, members: [a, b], rounds: 3, settle_by: judge, rubric: short",
        "kind: best_of, members: [a], samples: 5, verifier: b, floor: 0.3",
    ],
)
def test_a_panel_is_a_line(panel, tmp_path):
    assert findings(TEAM.format(panel=panel), tmp_path) == []


@pytest.mark.parametrize(
    ("panel", "found"),
    [
        ("kind: vote, members: [a]", "2:17: 1 members: a panel has 2 to 16"),
        ("kind: vote, members: [a, bb]", "2:36: unknown node 'bb'"),
        ("kind: vote, members: [a, a, b]", "names 'a' twice"),
        ("kind: vote, members: [a, b], weights: {c: 2}", "weights: 'c' is no member"),
        ("kind: vote, members: [a, b], weights: {a: 0}", "must be a positive number"),
        ("kind: vote, members: [a, b], share: 2", "share must be from 0 to 1"),
        ("kind: vote, members: [a, b], ties: random", "expected 'first' or 'abstain'"),
        ("kind: judge, members: [a, b], rubrik: x", "has no option 'rubrik'"),
        ("kind: debate, members: [a, b], rounds: 0", "rounds must be from 1 to 10"),
        ("kind: best_of, members: [a, b], samples: 17", "samples must be from 1 to 16"),
        ("kind: best_of, members: [a, b], verifier: bb", "unknown node 'bb'"),
        ("kind: best_of, members: [a, b], floor: 1.5", "floor must be from 0 to 1"),
    ],
)
def test_what_is_wrong_with_a_panel_is_said_with_its_place(panel, found, tmp_path):
    said = findings(TEAM.format(panel=panel), tmp_path)
    assert any(found in one for one in said), said


def test_a_node_that_tasks_are_handed_over_to_needs_its_own_way_on(tmp_path):
    talk = "talks_to: [b], board: true, hands_off_to: [b]"
    assert findings(TALK.format(talk=talk, edges=", b -> end"), tmp_path) == []
    (said,) = findings(TALK.format(talk=talk, edges=""), tmp_path)
    assert "3:3: nothing leads on from node 'b'" in said


@pytest.mark.parametrize(
    ("talk", "found"),
    [
        ("talks_to: [bb]", "2:36: unknown node 'bb'"),
        ("hands_off_to: [b, boss]", "2:43: unknown node 'boss'"),
        ("talks_to: [a]", "node 'a' names itself"),
        ("board: yes please", "expected true or false"),
    ],
)
def test_what_is_wrong_with_talk_is_said_with_its_place(talk, found, tmp_path):
    said = findings(TALK.format(talk=talk, edges=", b -> end"), tmp_path)
    assert any(found in one for one in said), said


def test_talking_to_a_node_is_no_way_to_it(tmp_path):
    said = findings(TALK.format(talk="talks_to: [b]", edges=""), tmp_path)
    assert any("node 'b' is never reached" in one for one in said)


@pytest.mark.parametrize(
    ("critic", "found"),
    [
        ("rubric: [{criterion: short, weight: -1}]", "is no criterion"),
        ("rubric: []", "0 criteria"),
        ("accept_at: 1.5", "accept_at must be above 0"),
        ("rubric: 3", "expected text or a list"),
    ],
)
def test_what_is_wrong_with_a_rubric_is_said(critic, found, tmp_path):
    text = f"""\
nodes:
  a: {{kind: specialist}}
  critic: {{kind: critic, reviews: a, {critic}}}
edges: [start -> a, a -> critic, "critic -> a: revise", "critic -> end: accept"]
"""
    said = findings(text, tmp_path)
    assert any(found in one for one in said), said

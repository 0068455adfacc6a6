"""Conditions on edges: read without evaluating, checked with their place, exactly one way taken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_spec_check import Team

from bottega.plugin.manager import PluginManager
from bottega.spec.cases import cases
from bottega.spec.check import check_graph
from bottega.spec.condition import FACTS, Comparison
from bottega.spec.expression import ExpressionError, parse_condition
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.spec.reader import draft_text, parse_graph
from bottega.spec.ways import chosen, fitting, ways_of


@pytest.fixture
def plugins():
    manager = PluginManager()
    manager.register(Team(), "team")
    return manager


def graph(edges, plugins):
    lines = "".join(f"  - {edge}\n" for edge in edges)
    nodes = "{" + ", ".join(f"{name}: {{kind: worker}}" for name in "abcd")
    nodes += ", g: {kind: gate}}"
    draft = draft_text(f"nodes: {nodes}\nedges:\n{lines}", file="g.yaml")
    found = [str(finding) for finding in draft.findings]
    found += [str(finding) for finding in check_graph(draft.spec, plugins)]
    return [line for line in found if "never reached" not in line]


FACTS_HERE = {
    "status": "done",
    "failed": False,
    "abstained": True,
    "answer": "  Please REFUND me ",
    "verdict": "accept",
    "author": "lead",
    "score": 0.4,
    "citations": 2,
    "steps": 7,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abstained", True),
        ("not abstained", False),
        ("abstained == false", False),
        ("abstained != false", True),
        ("score < 0.5", True),
        ("score >= 0.4", True),
        ("score > 0.4", False),
        ("score == 0.4 and citations != 3", True),
        ("score > 0.9 or citations >= 2", True),
        ("not (score > 0.9 or citations >= 2)", False),
        ("not score > 0.9 and citations >= 2", True),
        ("failed or abstained and score > 0.9", False),
        ("status == done", True),
        ("status != 'done'", False),
        ('answer contains "refund me"', True),
        ("answer == 'please refund me'", True),
        ("answer contains money", False),
        ("author == lead and verdict == accept", True),
        ("task == anything", False),
        ("task != anything", False),
    ],
)
def test_a_condition_holds_or_not(text, expected):
    assert parse_condition(text).holds(FACTS_HERE) is expected


def test_a_comparison_with_what_is_not_known_is_false():
    for text in ("score < 0.5", "score >= 0.5", "score != 0.5"):
        assert not parse_condition(text).holds({"score": None})


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, "the name of a fact is expected, it ends here"),
        ("score", 0, "'score' is a number: compare it with something (`score < 0.5`)"),
        ("answer", 0, "'answer' is a text: compare it"),
        ("scor < 0.5", 0, "know nothing of 'scor' (did you mean 'score'?)"),
        ("score < 70", 8, "'score' goes from 0 to 1, not to 70"),
        ("steps < -1", 8, "'steps' goes from 0 to no end"),
        ("score < high", 8, "'score' is a number, not 'high'"),
        ("score = 0.5", 6, "'=' has no meaning here (write `==`)"),
        ("score is 0.5", 6, "'is' compares nothing (write `==`)"),
        ("score contains 1", 6, "'score' is a number, which 'contains' does not compare"),
        ("answer < 3", 7, "'answer' is a text, which '<' does not compare"),
        ("abstained < 3", 10, "'abstained' is a flag"),
        ("abstained == maybe", 13, "'abstained' is true or false, not 'maybe'"),
        ("status == faild", 10, "'status' is never 'faild' (did you mean 'failed'?)"),
        ("failed && abstained", 7, "'&&' has no meaning here (write `and`)"),
        ("!failed", 0, "'!' has no meaning here (write `not`)"),
        ("failed abstained", 7, "stands where the condition could end"),
        ("(failed", 7, "a closing bracket is missing"),
        ("failed)", 6, "stands where the condition could end"),
        ("failed and", 10, "the name of a fact is expected, it ends here"),
        ("score <", 7, "a value to compare with is expected"),
        ("answer == 'open", 10, "the quoted text does not end"),
        ("0.5 > score", 0, "the name of a fact is expected, got '0.5'"),
        ("__import__('os')", 0, "know nothing of '__import__'"),
        ("not " * 40 + "failed", 84, "nested deeper than 20 levels"),
        ("failed " * 100, 0, "at most 500 characters"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where_and_why(text, offset, expected):
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)
    assert caught.value.offset == offset
    assert expected in str(caught.value)


@given(st.text(st.sampled_from("afscore status()<>=!'\"0.5andnotor "), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        condition = parse_condition(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
    else:
        assert condition.holds(FACTS_HERE) in (True, False)


def edges(text):
    return parse_graph(f"nodes: {{a: {{kind: x}}}}\nedges:\n{text}").edges


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("- a -> b: if score < 0.5", "if score < 0.5"),
        ("- 'a -> b: if score < 0.5'", "if score < 0.5"),
        ("- {a -> b: if score < 0.5}", "if score < 0.5"),
        ("- a -> b: if score < 0.5 (at most 3)", "if score < 0.5 (at most 3)"),
        (
            "- a -> b: if (failed or partial) (at most 3 times)",
            "if (failed or partial) (at most 3)",
        ),
        ("- a -> b: revise (at most 2)", "revise (at most 2)"),
        ("- a -> b: at most 2", "at most 2"),
        ("- a -> b: (at most 2)", "at most 2"),
        ("- a -> b: else", "else"),
        ("- a -> b", ""),
    ],
)
def test_an_edge_says_what_takes_it(written, label):
    (edge,) = edges(f"  {written}\n")
    assert (edge.source, edge.target, edge.label) == ("a", "b", label)
    assert str(edge) == ("a -> b: " + label if label else "a -> b")


def test_one_item_may_be_several_edges():
    found = edges('  - start -> [a, b]\n  - "[a, b] -> c"\n  - c -> [a, b]: if failed\n')
    assert [str(edge) for edge in found] == [
        "start -> a",
        "start -> b",
        "a -> c",
        "b -> c",
        "c -> a: if failed",
        "c -> b: if failed",
    ]


ROUTED = ["start -> a", "b -> end", "c -> end", "d -> end"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["a -> b: if abstained", "a -> c: else"], []),
        (["a -> b: if score < 0.5", "a -> c: if score >= 0.5", "a -> d: else"], []),
        (["a -> b", "a -> c: if failed"], []),
        (["a -> b", "a -> c: if status == budget", "a -> d: if status == failed"], []),
        (["a -> b: if answer contains x", "a -> c: else"], []),
        (["a -> b: if citations == 0", "a -> c: if citations > 0"], []),
        (["a -> b: if abstained"], ["nothing leads on from 'a' when not abstained; add `a -> end"]),
        (
            ["a -> b: if score < 0.5", "a -> c: if score >= 0.5"],
            ["nothing leads on from 'a' when score is not known"],
        ),
        (
            ["a -> b: if score < 0.5", "a -> c: if score <= 0.5", "a -> d: else"],
            ["`a -> c: if score <= 0.5` and `a -> b: if score < 0.5` are both taken when"],
        ),
        (
            ["a -> b: if abstained", "a -> c"],
            ["`a -> b: if abstained` and `a -> c` are both taken when abstained; write `a -> c: e"],
        ),
        (
            ["a -> b: if answer contains x", "a -> c: if answer contains y", "a -> d: else"],
            ["are both taken when answer contains 'x y'"],
        ),
        (["a -> b: else", "a -> c"], ["`a -> b: else` is never taken"]),
        (
            ["a -> b: if failed and status == done", "a -> c: else"],
            ["`a -> b: if failed and status == done` is never taken"],
        ),
        (
            ["a -> b: if scor < 0.5", "a -> c: else"],
            ["g.yaml:7:16: conditions know nothing of 'scor'; did you mean 'score'?"],
        ),
        (
            ["a -> b: if abstained and author == e", "a -> c: else"],
            ["g.yaml:7:40: no node is called 'e'"],
        ),
        (
            ["a -> b: if verdict == lft", "a -> c: else"],
            ["g.yaml:7:27: no outcome is called 'lft'; did you mean 'left'?"],
        ),
        (["a -> b: maybe so"], ["'a -> b: maybe so' is not an edge; behind the colon stands"]),
        (["a -> b: otherwise said"], ["'a -> b: otherwise said' is not an edge"]),
        (["a -> b: at most 0"], ["an edge is taken at most 1 to 1,000 times, not 0"]),
    ],
)
def test_exactly_one_way_is_taken(plugins, more, expected):
    lines = graph([*ROUTED, *more], plugins)
    for text in expected:
        assert any(text in line for line in lines), lines
    assert bool(lines) == bool(expected), lines


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["g -> b: left", "g -> c: right", "g -> a: if failed (at most 1)"], []),
        (["g -> b: left", "g -> c: else"], []),
        (["g -> b: if verdict == left and not abstained", "g -> c: else"], []),
        (["g -> b: left"], ["nothing leads on when 'g' says 'right'"]),
        (
            ["g -> b: left", "g -> c: right", "g -> a: if abstained (at most 1)"],
            ["are both taken when abstained and verdict is left"],
        ),
        (["g -> b: left", "g -> c: right", "g -> a: else"], ["`g -> a: else` is never taken"]),
    ],
)
def test_words_and_conditions_leave_one_node(plugins, more, expected):
    lines = graph(["start -> a", "a -> g", "b -> end", "c -> end", *more], plugins)
    for text in expected:
        assert any(text in line for line in lines), lines
    assert bool(lines) == bool(expected), lines


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["b -> a: if score < 0.5 (at most 3)", "b -> end: else"], []),
        (["b -> a: at most 3", "b -> end: else"], []),
        (
            ["b -> a: if score < 0.5", "b -> end: else"],
            ["a cycle without a bound: a -> b -> a; bound one of its edges: `b -> a: if score <"],
        ),
    ],
)
def test_an_edge_may_bound_a_cycle(plugins, more, expected):
    lines = graph(["start -> a", "a -> b", *more], plugins)
    for text in expected:
        assert any(text in line for line in lines), lines
    assert bool(lines) == bool(expected), lines


def test_start_may_ask_for_the_task_only(plugins):
    ways = ["start -> a: if task contains x", "start -> b: else", "a -> end", "b -> end"]
    assert graph(ways, plugins) == []
    ways[0] = "start -> a: if score < 0.5"
    assert "conditions know nothing of 'score'" in graph(ways, plugins)[0]


def test_a_bounded_way_is_as_if_it_were_not_there_when_it_is_used_up():
    back = EdgeSpec(source="a", target="b", condition="score < 0.5", most=2)
    ways = ways_of([back, EdgeSpec(source="a", target="end", otherwise=True)])
    low = {"score": 0.1, "failed": False}
    assert chosen(ways, low, {}) == (ways[0], None)
    assert chosen(ways, low, {ways[0].key: 2}) == (ways[1], ways[0])
    assert chosen(ways, {"score": 0.9}, {ways[0].key: 2}) == (ways[1], None)
    assert chosen(ways[:1], low, {ways[0].key: 2}) == (None, ways[0])


def test_conditions_built_in_python_are_checked_too(plugins):
    nodes = tuple(NodeSpec(name=name, kind="worker") for name in "ab")
    edges = (
        EdgeSpec(source="start", target="a"),
        EdgeSpec(source="a", target="b", condition="score <"),
        EdgeSpec(source="b", target="end"),
    )
    found = check_graph(GraphSpec(name="x", nodes=nodes, edges=edges), plugins)
    assert any("a value to compare with is expected" in finding.message for finding in found)


@pytest.mark.parametrize(
    "label",
    [
        "if score <",
        "if scor < 0.5",
        "if score = 0.5",
        "if author == nobody",
        "maybe so",
        "at most 0",
        "if abstained (at most 0)",
        f"at most {10**20}",
    ],
)
def test_a_broken_condition_is_one_finding_and_none_follows_from_it(plugins, label):
    nodes = "{" + ", ".join(f"{name}: {{kind: worker}}" for name in "abc") + "}"
    edges = ["start -> a", "b -> end", "a -> c: else", "c -> end", f"a -> b: {label}"]
    listed = "".join(f"  - '{edge}'\n" for edge in edges)
    draft = draft_text(f"nodes: {nodes}\nedges:\n{listed}", file="g.yaml")
    found = [*draft.findings, *check_graph(draft.spec, plugins)]
    assert len(found) == 1, found


def test_a_hostile_list_of_names_is_refused():
    names = ", ".join(["a"] * 60)
    draft = draft_text(f'nodes: {{a: {{kind: x}}}}\nedges: ["[{names}] -> [{names}]"]\n')
    assert "is not an edge" in draft.findings[0].message


LITERALS = st.one_of(
    st.tuples(
        st.sampled_from(["score"]),
        st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    ),
    st.tuples(
        st.just("citations"), st.sampled_from(["<", "==", ">="]), st.sampled_from([0.0, 1.0, 3.0])
    ),
    st.tuples(st.just("abstained"), st.just("=="), st.booleans()),
    st.tuples(
        st.just("answer"), st.sampled_from(["==", "contains"]), st.sampled_from(["x", "yes"])
    ),
)


@given(
    st.lists(LITERALS, min_size=1, max_size=4),
    st.fixed_dictionaries(
        {
            "score": st.one_of(st.none(), st.floats(0, 1)),
            "citations": st.integers(0, 5),
            "abstained": st.booleans(),
            "answer": st.sampled_from(["x", "yes", "no", "x yes", ""]),
        }
    ),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_is_one_of_the_cases(literals, facts):
    """What is taken in real life is taken in a case that the check looks at, too."""
    edges = []
    for number, (name, operator, literal) in enumerate(literals):
        shown = str(literal).lower() if isinstance(literal, bool) else literal
        condition = f"{name} {operator} {shown}"
        edges.append(EdgeSpec(source="a", target=f"t{number}", condition=condition))
    ways = ways_of(edges)
    seen = [tuple(way.key for way in fitting(ways, case)) for case in cases(ways, ())]
    assert tuple(way.key for way in fitting(ways, {**facts, "failed": False})) in seen


def test_every_fact_is_documented():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "graphs.md").read_text()
    for name in FACTS:
        assert f"`{name}`" in page, name
    assert Comparison("failed", "==", True) == parse_condition("failed")


@pytest.mark.timeout(30)  # all cases would take minutes
def test_conditions_with_very_many_cases_are_checked_in_good_time(plugins):
    parts = [f"score < 0.{number} and steps != {number}" for number in range(1, 9)]
    parts += [f"answer contains {letter}" for letter in "abcd"]
    condition = " and ".join(parts)
    edges = []
    for name in (f"n{number}" for number in range(200)):
        edges += [f"start -> {name}", f"{name} -> end: if {condition}", f"{name} -> end: else"]
    nodes = ", ".join(f"n{number}: {{kind: worker}}" for number in range(200))
    listed = "".join(f"  - {edge}\n" for edge in edges)
    draft = draft_text(f"nodes: {{{nodes}}}\nedges:\n{listed}")
    assert check_graph(draft.spec, plugins) == []

"""From YAML to a GraphSpec: every form that the syntax has, every mistake of form at once."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.budget import Budget
from bottega.errors import GraphError
from bottega.model import Sampling
from bottega.spec.model import EdgeSpec, Mark, Reference
from bottega.spec.reader import parse_graph, read_graph

RESEARCH = """\
name: research
model: {openai:gpt-5: {timeout: 30}}
decider: prompt
dialect: native
middleware: [retry, {cache: {size: 5}}]
nodes:
  lead:      {kind: coordinator, delegates: [librarian, analyst]}
  librarian: {kind: specialist, description: finds, tools: [{search_knowledge: {docs: peps}}]}
  analyst:
    kind: specialist
    description: calculates
    tools: [calculator]
    model: embedded
    instructions: |
      Be brief.
      Be right.
    sampling: {temperature: 0, stop: [END]}
    allow: [files:read]
  reviewer:  {kind: critic, reviews: lead, max_rounds: 2}
edges: [start -> lead, lead -> reviewer, reviewer -> lead: revise, reviewer -> end: accept]
limits: {steps: 40, seconds: 120.5, tokens: 100000}
"""
HEAD = "nodes: {lead: {kind: specialist}}\nedges: [start -> lead, lead -> end]\n"


def findings(text):
    with pytest.raises(GraphError) as caught:
        parse_graph(text, file="g.yaml")
    return [str(finding) for finding in caught.value.findings]


def edges(text):
    return [
        (edge.source, edge.target, edge.outcome)
        for edge in parse_graph(f"nodes: {{a: {{kind: x}}}}\nedges:{text}").edges
    ]


def test_a_whole_graph_is_read():
    spec = parse_graph(RESEARCH, file="here/team.yaml", folder=Path("/somewhere"))
    assert spec.name == "research"
    assert spec.model == Reference(
        name="openai:gpt-5",
        options={"timeout": 30},
        mark=Mark(line=2, column=9),
        marks={"timeout": Mark(line=2, column=24)},
    )
    assert (spec.model.backend, spec.model.argument) == ("openai", "gpt-5")
    assert (spec.decider.name, spec.dialect.name) == ("prompt", "native")
    assert [one.name for one in spec.middleware] == ["retry", "cache"]
    assert spec.middleware[1].options == {"size": 5}
    assert [node.name for node in spec.nodes] == ["lead", "librarian", "analyst", "reviewer"]
    assert spec.limits == Budget(steps=40, seconds=120.5, tokens=100_000)
    assert (spec.file, spec.folder) == ("here/team.yaml", Path("/somewhere"))


def test_a_node_keeps_what_only_its_kind_understands():
    spec = parse_graph(RESEARCH)
    assert spec.node("lead").options == {"delegates": ["librarian", "analyst"]}
    assert spec.node("reviewer").options == {"reviews": "lead", "max_rounds": 2}
    analyst = spec.node("analyst")
    assert analyst.instructions == "Be brief.\nBe right.\n"
    assert analyst.sampling == Sampling(temperature=0, stop=("END",))
    assert analyst.allow == ("files:read",)
    assert analyst.model.name == "embedded"
    assert spec.node("lead").model is None
    assert spec.node("lead").middleware is None
    assert spec.node("librarian").tools[0].options == {"docs": "peps"}


def test_every_key_value_and_item_knows_its_place():
    marks = parse_graph(RESEARCH).node("lead").marks
    assert marks[""] == Mark(line=7, column=3)
    assert marks["kind"] == Mark(line=7, column=15)
    assert marks["kind="] == Mark(line=7, column=21)
    assert marks["delegates.1"] == Mark(line=7, column=57)


def test_a_file_is_read_with_its_folder(tmp_path):
    path = tmp_path / "team.yaml"
    path.write_text(HEAD)
    spec = read_graph(str(path))
    assert (spec.name, spec.folder, spec.file) == ("team", tmp_path, str(path))
    assert spec.model.name == "embedded"


@pytest.mark.parametrize(
    "text",
    [
        " [start -> a, a -> end: ok]",
        " [start->a, {a -> end: ok}]",
        "\n  - start -> a\n  - a -> end: ok\n",
        "\n- 'start -> a'\n- 'a  ->  end :  ok'\n",
        '\n- start -> a\n- "a -> end": "ok"\n',
    ],
)
def test_edges_are_written_in_several_ways(text):
    assert edges(text) == [("start", "a", ""), ("a", "end", "ok")]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ("start => a", "'start => a' is not an edge; write `->`, not '=>'"),
        ("start --> a", "write `->`, not '-->'"),
        ("start → a", "write `->`, not '→'"),
        ("start a", "is not an edge; write `a -> b`"),
        ("a -> b -> c", "give each arrow its own edge"),
        ("a ->", "is not an edge"),
        ("17", "expected an edge, got the number 17"),
        ("[a, b]", "expected an edge, got a list"),
        ("{a -> b: x, b -> c: y}", "expected one edge, got a mapping of 2 keys"),
        ("{a -> b: }", "expected a word, got nothing; leave the colon out"),
        ("{a -> b: true}", "expected a word, got true; quote it: 'true'"),
        ("{a -> b: two words}", "'a -> b: two words' is not an edge"),
        ("null", "expected an edge, got nothing"),
    ],
)
def test_a_bad_edge_is_shown_as_it_should_be(edge, expected):
    found = findings(f"nodes: {{a: {{kind: x}}}}\nedges: [{edge}]\n")
    assert len(found) == 1
    assert found[0].startswith("g.yaml:2:")
    assert expected in found[0]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("0", "steps"),
        ("-1", "steps"),
        ("1000000000", "steps"),
        ("1e9", "steps"),
        ("10001", "steps"),
        (".nan", "seconds"),
        (".inf", "seconds"),
        ("0", "seconds"),
        ("604801", "seconds"),
        ("true", "steps"),
        ("null", "steps"),
        ("", "seconds"),
        ("'40'", "steps"),
        ("40.5", "steps"),
        ("[40]", "steps"),
        ("1e9", "tokens"),
        ("-5", "tokens"),
        ("1", "repeats"),
    ],
)
def test_limits_are_sane_numbers(value, name):
    found = findings(HEAD + f"limits: {{{name}: {value}}}\n")
    assert len(found) == 1
    assert found[0].startswith("g.yaml:3:")
    assert "expected a" in found[0] or "is not a finite number" in found[0]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("start", False),
        ("end", False),
        ("End", False),
        ("__start__", False),
        ("Lead", False),
        ("a b", False),
        ("a-b", False),
        ("1a", False),
        ("l\u0435ad", False),  # a Cyrillic letter
        ("x" * 65, False),
        ("x" * 64, True),
        ("no", True),
        ("lead_2", True),
    ],
)
def test_names_of_nodes(name, allowed):
    text = f"nodes: {{{name}: {{kind: x}}}}\nedges: [start -> a]\n"
    if allowed:
        assert parse_graph(text).nodes[0].name == name
    else:
        assert "g.yaml:1:9" in findings(text)[0]


def test_every_mistake_of_form_is_found_at_once():
    found = findings("""\
nam: x
model: [embedded]
nodes:
  lead: {kind: coordinator, tools: calculator, sampling: {temprature: 1, top_p: 2}}
  helper:
  other: {description: [a], allow: [everything]}
edges: start -> lead
limits: {step: 3}
""")
    expected = [
        "g.yaml:1:1: unknown key 'nam' in a graph; did you mean 'name'?",
        "g.yaml:2:8: model: expected a name, got a list",
        "g.yaml:4:36: tools: expected a list of names, got the text 'calculator'; "
        "write `[calculator]`",
        "g.yaml:4:59: unknown key 'temprature' in `sampling`; did you mean 'temperature'?",
        "g.yaml:4:81: sampling.top_p: expected a number from 0 to 1, got the number 2",
        "g.yaml:5:10: node 'helper': expected a mapping, got nothing; "
        "write `helper: {kind: specialist}`",
        "g.yaml:6:3: node 'other' has no kind; for example `kind: specialist`",
        "g.yaml:6:24: description: expected text, got a list",
        "g.yaml:6:36: allow: 'everything' is not a permission; known: network, files:read, "
        "files:write, process; a scope may follow a colon",
        "g.yaml:7:8: edges: expected a list of edges, got the text 'start -> lead'; "
        "write `[start -> lead]`",
        "g.yaml:8:10: unknown key 'step' in `limits`; did you mean 'steps'?",
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nodes: {a: {kind: x}}\n", "the graph has no `edges`"),
        ("edges: [start -> a]\n", "the graph has no `nodes`"),
        ("nodes: {}\nedges: [start -> a]\n", "`nodes` is empty"),
        ("nodes: {a: {kind: x}}\nedges: []\n", "`edges` is empty"),
        (HEAD + "name: ''\n", "name: expected text"),
        (HEAD + 'name: "a\\nb"\n', "name: expected one line"),
        (HEAD + "name: " + "x" * 101, "at most 100 characters"),
        (HEAD + "model: two words\n", "model: 'two words' is not a name"),
        (HEAD + "model: {a: {}, b: {}}\n", "got a mapping of 2 keys"),
        (HEAD + "model: {a: 3}\n", "options of 'a': expected a mapping"),
        (HEAD + "middleware: [retry, retry]\n", "'retry' stands here a second time"),
        ("nodes: {a: {kind: x, include: y}}\nedges: [start -> a]\n", "nothing is included"),
        (
            "nodes: {"
            + ", ".join(f"n{i}: {{kind: x}}" for i in range(501))
            + "}\nedges: [start -> n0]",
            "at most 500 nodes, not 501",
        ),
    ],
)
def test_mistakes_of_form(text, expected):
    found = findings(text)
    assert any(expected in line for line in found), found


def test_an_edge_with_another_arrow_is_still_checked():
    from bottega.spec.reader import draft_text

    draft = draft_text("nodes: {a: {kind: x}}\nedges: [start => a, a -> end]\n")
    assert [(edge.source, edge.target) for edge in draft.spec.edges] == [
        ("start", "a"),
        ("a", "end"),
    ]


PIECES = [
    "nodes",
    "edges",
    "limits",
    "kind",
    "start",
    "end",
    "a",
    "->",
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "&",
    "*",
    "!",
    "|",
    ">",
    "#",
    "%",
    "@",
    "<<",
    "?",
    "1",
    "~",
    "é",
    "😀",
    "1.10",
    ".nan",
    "null",
    "true",
    "0x1F",
]
SPACES = ["\n", "  ", ": ", ", ", "- ", "---\n", "\t", "\0", "\ud800", "\u2028", "\ufeff"]
pieces = st.sampled_from([*PIECES, *SPACES])


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(pieces, max_size=60).map("".join)))
def test_any_text_is_read_or_refused(text):
    try:
        parse_graph(text)
    except GraphError as error:
        assert error.findings
        assert all(finding.message for finding in error.findings)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("graph") / "g.yaml"
    path.write_bytes(data)
    try:
        read_graph(path)
    except GraphError as error:
        assert error.findings


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
gaps = st.sampled_from(["", " ", "   "])


@settings(deadline=None)
@given(words, words, st.one_of(st.just(""), words), gaps, gaps)
def test_an_edge_is_read_as_it_is_written(source, target, outcome, left, right):
    written = f"{source}{left}->{right}{target}" + (f": {outcome}" if outcome else "")
    text = f"nodes: {{a: {{kind: x}}}}\nedges:\n  - '{written}'\n"
    edge = EdgeSpec(source=source, target=target, outcome=outcome, mark=Mark(line=3, column=5))
    assert parse_graph(text).edges == (edge,)

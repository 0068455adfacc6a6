"""The check of a whole graph: names, options, edges, every finding at once with its place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest

from bottega.errors import GraphError, InputError
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.spec.check import check_file, check_graph, load_graph
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.spec.options import misfits
from bottega.spec.reader import draft_text, parse_graph

if TYPE_CHECKING:
    from bottega.tools import Tool


@dataclass(frozen=True, kw_only=True)
class Kind:
    delegates: Sequence[str] = ()
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    def build(self, parts):
        raise AssertionError("a check builds nothing")


def worker(context):
    return Kind()


def chief(context, *, delegates: Sequence[str]):
    return Kind(delegates=tuple(delegates))


def judge(context, *, reviews: str, max_rounds: int = 2, rubric: str = ""):
    if max_rounds < 1:
        raise InputError("max_rounds must be at least 1", hint="leave it out for 2")
    return Kind(refers=(reviews,), outcomes=("accept", "revise"), bound=max_rounds)


def gate(context):
    return Kind(outcomes=("left", "right"))


def never_made(context, **options):
    raise AssertionError("a check makes nothing but kinds")


class Team:
    @hookimpl
    def bottega_agents(self):
        kinds = {"worker": worker, "chief": chief, "judge": judge, "gate": gate}
        return [Offer(name=name, summary="A kind.", factory=made) for name, made in kinds.items()]

    @hookimpl
    def bottega_models(self):
        return [Offer(name="embedded", summary="A model.", factory=never_made)]

    @hookimpl
    def bottega_dialects(self):
        return [Offer(name="native", summary="A dialect.", factory=never_made)]

    @hookimpl
    def bottega_deciders(self):
        return [Offer(name="coin", summary="A decider.", factory=never_made)]

    @hookimpl
    def bottega_middleware(self):
        return [Offer(name="retry", summary="A middleware.", factory=never_made)]

    @hookimpl
    def bottega_tools(self):
        def search(context, *, docs: str, top: int = 5, mode: Literal["fast", "good"] = "fast"):
            raise AssertionError

        return [
            Offer(name="search", summary="A tool.", factory=search),
            Offer(name="calculator", summary="A tool.", factory=lambda context: None),
        ]


@pytest.fixture
def plugins():
    manager = PluginManager()
    manager.register(Team(), "team")
    return manager


GOOD = """\
model: embedded
nodes:
  lead:   {kind: chief, delegates: [finder, sums]}
  finder: {kind: worker, tools: [{search: {docs: peps, mode: good}}]}
  sums:
    {kind: worker, tools: [calculator], model: "embedded:small", dialect: native, decider: coin}
  check:  {kind: judge, reviews: lead, max_rounds: 3}
edges: [start -> lead, lead -> check, check -> lead: revise, check -> end: accept]
middleware: [retry]
"""


def found(text, plugins):
    draft = draft_text(text, file="g.yaml")
    return [str(finding) for finding in check_graph(draft.spec, plugins)]


def graph(nodes, edges, plugins):
    return found(f"nodes: {{{nodes}}}\nedges: [{edges}]\n", plugins)


def test_a_good_graph_has_no_findings(plugins):
    assert found(GOOD, plugins) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "kind: judge",
            "kind: juge",
            "g.yaml:7:18: unknown agent kind 'juge'; did you mean 'judge'?",
        ),
        ("[calculator]", "[calculater]", "g.yaml:6:28: unknown tool 'calculater'; did you mean"),
        ("model: embedded", "model: embeded", "g.yaml:1:8: unknown model 'embeded'; did you mean"),
        ("embedded:small", "openai:x", "g.yaml:6:48: unknown model 'openai'; known: embedded"),
        ("dialect: native", "dialect: nativ", "unknown dialect 'nativ'; did you mean 'native'?"),
        ("decider: coin", "decider: dice", "unknown decider 'dice'"),
        ("[retry]", "[retri]", "g.yaml:9:14: unknown middleware 'retri'; did you mean 'retry'?"),
        ("docs: peps", "doc: peps", "tool 'search' has no option 'doc'; did you mean 'docs'?"),
        ("docs: peps", "doc: peps", "tool 'search' needs the option 'docs'; add `docs: text`"),
        (
            "docs: peps",
            "docs: 7",
            "option 'docs' of tool 'search': expected text, got the number 7",
        ),
        ("mode: good", "mode: best", "expected 'fast' or 'good', got the text 'best'"),
        ("mode: good", "top: many", "g.yaml:4:56: option 'top' of tool 'search': expected a whole"),
        (
            "max_rounds: 3",
            "max_rounds: two",
            "g.yaml:7:52: option 'max_rounds' of agent kind 'judge'",
        ),
        ("max_rounds: 3", "max_rounds: true", "expected a whole number, got true"),
        ("max_rounds: 3", "max_round: 3", "has no option 'max_round'; did you mean 'max_rounds'?"),
        ("max_rounds: 3", "max_rounds: 0", "max_rounds must be at least 1; leave it out for 2"),
        ("kind: worker, tools: [calc", "kind: worker, tolls: [calc", "did you mean 'tools'?"),
        (
            "reviews: lead,",
            "",
            "agent kind 'judge' needs the option 'reviews'; add `reviews: text`",
        ),
        (
            "reviews: lead",
            "reviews: leed",
            "g.yaml:7:34: unknown node 'leed'; did you mean 'lead'?",
        ),
        (
            "[finder, sums]",
            "[finder, sum]",
            "g.yaml:3:45: unknown node 'sum'; did you mean 'sums'?",
        ),
        ("[finder, sums]", "finder", "expected a list of texts, got the text 'finder'"),
        ("[finder, sums]", "[finder, lead, sums]", "g.yaml:3:45: node 'lead' names itself"),
        ("[finder, sums]", "[finder, sums, sums]", "node 'lead' names 'sums' twice"),
        ("[finder, sums]", "[finder]", "g.yaml:5:3: node 'sums' is never reached"),
        (
            "lead -> check,",
            "lead -> chek,",
            "g.yaml:8:24: unknown node 'chek'; did you mean 'check'?",
        ),
        (
            "check -> lead: revise",
            "check -> lead: revize",
            "'check' has no outcome 'revize'; did you",
        ),
        ("check -> lead: revise, ", "", "nothing leads on when 'check' says 'revise'"),
        ("check -> end: accept", "check -> end", "an edge from 'check' needs an outcome"),
        ("start -> lead, ", "", "g.yaml: no edge leaves start; add `start -> lead`"),
    ],
)
def test_each_mistake_has_its_finding(plugins, before, after, expected):
    assert before in GOOD
    lines = found(GOOD.replace(before, after), plugins)
    assert any(expected in line for line in lines), lines


def test_a_misspelt_name_is_one_finding_not_many(plugins):
    for before, after in [
        ("kind: chief", "kind: chef"),
        ("kind: judge", "kind: juge"),
        ("reviews: lead", "reviews: leed"),
        ("start -> lead", "start -> laed"),
        ("[finder, sums]", "[findr, sums]"),
        ("max_rounds: 3", "max_round: 3"),
    ]:
        assert len(found(GOOD.replace(before, after), plugins)) == 1


TWO = "a: {kind: worker}, b: {kind: worker}"
GATE = "g: {kind: gate}, a: {kind: worker}, b: {kind: worker}"


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        (TWO, "start -> a, a -> a, a -> b, b -> end", ["an edge from 'a' to itself"]),
        (
            TWO,
            "start -> a, a -> b, b -> a",
            ["a cycle without a bound: a -> b -> a", "no way from"],
        ),
        (TWO, "start -> a, start -> b, a -> end, b -> end", []),
        (TWO, "start -> a: go, a -> b, b -> end", ["start has no outcome; write `start -> a`"]),
        (TWO, "start -> a, a -> b, b -> end, b -> start", ["an edge back to start"]),
        (TWO, "start -> a, a -> b, b -> end, end -> a", ["an edge from end"]),
        (
            TWO,
            "start -> a, a -> b, b -> end, a -> b",
            ["the edge `a -> b` stands here a second time"],
        ),
        (
            TWO,
            "start -> a, a -> b, a -> end, b -> end",
            ["2:29: `a -> end` stands beside `a -> b`"],
        ),
        (
            TWO,
            "start -> a, a -> b: ok, b -> end",
            ["'a' has no outcomes, so its edge carries none"],
        ),
        (TWO, "start -> a, a -> end", ["1:28: node 'b' is never reached"]),
        (TWO, "start -> a, a -> b", ["nothing leads on from node 'b'; add `b -> end`"]),
        (
            TWO,
            "start -> end, a -> end, b -> end",
            ["the graph does nothing", "'a' is never", "'b' is"],
        ),
        (GATE, "start -> g, g -> a: left, g -> b: right, a -> end, b -> end", []),
        (
            GATE,
            "start -> g, g -> a: left, g -> b: left, a -> end, b -> end",
            ["nothing leads on when 'g' says 'right'"],
        ),
        (
            GATE,
            "start -> g, g -> a: left, g -> b: right, a -> g, b -> end",
            ["a cycle without a bound: g -> a -> g"],
        ),
        (
            "j: {kind: judge, reviews: a}, a: {kind: worker}",
            "start -> a, a -> j, j -> a: revise, j -> a: accept",
            ["no way from 'j' to end", "no way from 'a' to end"],
        ),
        (
            "c: {kind: chief, delegates: [d]}, d: {kind: chief, delegates: [c]}",
            "start -> c, c -> end",
            ["delegation runs in a circle: c -> d -> c"],
        ),
        (
            "c: {kind: chief, delegates: [d]}, d: {kind: chief, delegates: [e]}, e: {kind: worker}",
            "start -> c, c -> end",
            ["'d' cannot be a delegate"],
        ),
        (
            "c: {kind: chief, delegates: [d]}, d: {kind: worker}, e: {kind: worker}",
            "start -> c, c -> end, d -> end",
            ["the edge `d -> end` is never taken", "node 'e' is never reached"],
        ),
    ],
)
def test_the_shape_of_a_graph(plugins, nodes, edges, expected):
    lines = graph(nodes, edges, plugins)
    for text in expected:
        assert any(text in line for line in lines), lines
    assert bool(lines) == bool(expected)


def test_every_finding_at_once_in_the_order_of_the_file(plugins, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("""\
model: embeded
nodes:
  lead:  {kind: chief, delegates: [findr]}
  finder: {kind: worker, tools: [serch]}
  ghost: {kind: worker}
  one:   {kind: worker}
  two:   {kind: worker}
  lead:  {kind: worker}
  check: {kind: juge, reviews: lead}
edges:
  - start => lead
  - lead -> check
  - check -> lead: revise
  - check -> nowhere: accept
  - one -> two
  - two -> one
limits: {steps: 0}
""")
    draft = check_file(path, plugins)
    lines = [str(finding).removeprefix(f"{path}:") for finding in draft.findings]
    expected = [
        "1:8: unknown model 'embeded'",
        "3:36: unknown node 'findr'",
        "4:34: unknown tool 'serch'",
        "5:3: node 'ghost' is never reached",
        "6:3: node 'one' is never reached",
        "7:3: node 'two' is never reached",
        "8:3: the key 'lead' stands here a second time; it stands first on line 3",
        "9:17: unknown agent kind 'juge'",
        "11:5: 'start => lead' is not an edge",
        "13:5: nothing leads on when 'check' says 'accept'",
        "14:5: unknown node 'nowhere'",
        "16:5: a cycle without a bound: one -> two -> one",
        "17:17: limits.steps: expected a whole number",
    ]
    assert len(lines) == len(expected)
    for line, begin in zip(lines, expected, strict=True):
        assert line.startswith(begin), lines
    with pytest.raises(GraphError) as caught:
        load_graph(path, plugins)
    assert caught.value.findings == draft.findings
    assert caught.value.exit_code == 2


def test_a_good_file_is_loaded(plugins, tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    assert [node.name for node in load_graph(path, plugins).nodes] == [
        "lead",
        "finder",
        "sums",
        "check",
    ]


def test_a_graph_built_in_python_is_checked_too(plugins):
    node = NodeSpec(name="a", kind="worker")
    spec = GraphSpec(
        name="x",
        nodes=(node, node, NodeSpec(name="__start__", kind="worker")),
        edges=(EdgeSpec(source="start", target="a"), EdgeSpec(source="a", target="end")),
    )
    lines = [str(finding) for finding in check_graph(spec, plugins)]
    assert "two nodes are named 'a'; rename one of them" in lines
    assert any(line.startswith("'__start__' cannot name a node") for line in lines)


def test_import_paths_are_no_names(plugins):
    lines = found(GOOD.replace("kind: judge", "kind: os.system"), plugins)
    assert "unknown agent kind 'os.system'" in lines[0]


def test_the_agents_that_come_with_bottega_pass(tmp_path):
    import bottega_agents.plugin

    manager = PluginManager()
    manager.register(bottega_agents.plugin, "agents")
    manager.register(Team(), "team")
    text = GOOD.replace("chief", "coordinator").replace("judge", "critic")
    assert check_graph(parse_graph(text.replace("worker", "specialist")), manager) == []


def test_a_large_broken_graph_is_checked_in_good_time(plugins):
    nodes = ", ".join(f"n{i}: {{kind: chief, delegates: [m{i}, n{i + 1}]}}" for i in range(499))
    edges = ", ".join(f"n{i % 499} -> q{i}" for i in range(4000))
    begin = time.monotonic()
    lines = found(f"nodes: {{{nodes}}}\nedges: [{edges}]\n", plugins)
    assert time.monotonic() - begin < 20  # quadratic searching for near names would take minutes
    assert len(lines) == 101
    assert "more findings" in lines[-1]


class Level(Enum):
    LOW = "low"
    HIGH = "high"


def takes(
    context,
    name: str,
    count: int = 1,
    share: float = 0.5,
    flag: bool = False,
    level: Level = Level.LOW,
    where: Path = Path(),
    tags: list[str] | None = None,
    more: dict[str, int] | None = None,
    size: Annotated[int, "pixels"] = 1,
    either: int | str = 1,
    any_thing: object = None,
):
    return None


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("count", 3, ""),
        ("count", 3.5, "expected a whole number, got the number 3.5"),
        ("share", 1, ""),
        ("share", "1", "expected a number, got the text '1'"),
        ("flag", True, ""),
        ("flag", 1, "expected true or false, got the number 1"),
        ("level", "high", ""),
        ("level", "mid", "expected 'low' or 'high', got the text 'mid'"),
        ("where", "a/b", ""),
        ("where", [], "expected a path, got a list"),
        ("tags", ["a"], ""),
        ("tags", None, ""),
        ("tags", ["a", 1], "expected a list of texts, got a list"),
        ("tags", "a", "expected a list of texts, got the text 'a'"),
        ("more", {"a": 1}, ""),
        ("more", 1, "expected a mapping, got the number 1"),
        ("size", 2, ""),
        ("size", "2", "expected a whole number"),
        ("either", "x", ""),
        ("either", 1.5, "expected a whole number or text, got the number 1.5"),
        ("any_thing", {}, ""),
        ("names", 1, "thing has no option 'names'; did you mean 'name'?"),
    ],
)
def test_options_are_held_against_the_signature(option, value, expected):
    found = misfits("thing", takes, {"name": "x", option: value})
    lines = [f"{one.message}; {one.hint}" for one in found]
    assert (len(lines) == 1 and expected in lines[0]) if expected else lines == []


def test_factories_that_say_nothing_take_anything():
    assert misfits("thing", lambda context, **options: None, {"x": 1}) == []
    assert misfits("thing", print, {"sep": 1}) == []
    (misfit,) = misfits("thing", lambda context: None, {"x": 1})
    assert misfit.hint == "it takes no options"


def makes(context, *, seconds: float = 1.0, names: list[str] | None = None) -> Tool:
    raise AssertionError("a check makes nothing but kinds")


def test_a_type_that_only_checkers_import_hides_no_other():
    lines = [one.message for one in misfits("thing", makes, {"seconds": "x", "names": 5})]
    assert lines == [
        "option 'seconds' of thing: expected a number, got the text 'x'",
        "option 'names' of thing: expected a list of texts, got the number 5",
    ]

"""The kind `map`: one node's work over a list, in order, bounded, resumable."""

import asyncio
import json

import pytest
from test_graph_branches import asked, crew, started
from test_team import parts, run
from test_threads import final, interrupt

from bottega import tool
from bottega.engine import Team
from bottega.events import Answer, NodeStarted
from bottega.plugin.manager import PluginManager
from bottega.spec.check import check_graph
from bottega.spec.reader import parse_graph
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.flow.items import read_items
from bottega_agents.flow.map import Map
from bottega_agents.graph.compiler import compile_team


def work(request):
    """Do what a worker does: say its task again, or fail."""
    task = request.messages[1].text
    return "" if "bad" in task else f"done {task}"


def over(listed, kind=None, worker=None, edges=("each -> end",)):
    """A team that maps over what `a` says."""
    model = worker or ScriptedModel(work, repeat=True)
    kinds = {"each": kind or Map(node="worker", most=2_000)}
    return crew(["start -> a", "a -> each", *edges], kinds=kinds, a=[listed], each=[], worker=model)


def test_each_item_is_a_task_and_the_answers_come_in_order():
    events = run(over("- one\n- two\n- three"), task="go")
    assert final(events) == ["1. done one\n\n2. done two\n\n3. done three"]
    tasks = [e.task for e in events if isinstance(e, NodeStarted) and e.node == "worker"]
    assert tasks == ["one", "two", "three"]


def test_the_next_node_reads_the_gathered_answer():
    team = over('["x"]', Map(node="worker", gather="json"), edges=["each -> end: if not failed"])
    assert json.loads(final(run(team, task="go"))[0]) == ["done x"]


def test_a_template_is_filled_in_once():
    kind = Map(node="worker", task="{number}/{item}/{task}")
    events = run(over('["{task}", "b"]', kind), task="T")
    assert final(events) == ["1. done 1/{task}/T\n\n2. done 2/b/T"]


def test_an_item_that_fails_is_shown_and_fails_nothing_else():
    events = run(over("one\nbad\nthree"), task="go")
    assert events[-1].status == "done"
    (answer,) = [event for event in events if isinstance(event, Answer) and event.final]
    assert answer.text.startswith("1. done one\n\n2. (failed: the model gave 3 replies")
    assert answer.text.endswith("3. done three")
    assert answer.partial
    kind = Map(node="worker", gather="json")
    assert json.loads(final(run(over("one\nbad", kind), task="go"))[0]) == ["done one", None]


def test_where_every_item_fails_the_map_does():
    events = run(over("bad\nbad"), task="go")
    assert events[-1].status == "failed"
    assert events[-1].reason.startswith("every item failed, the first: ")


def test_an_empty_list_is_an_answer_too():
    assert final(run(over("[]"), task="go")) == ["The list is empty: there was nothing to do."]
    assert final(run(over("[]", Map(node="worker", gather="json")), task="go")) == ["[]"]


def test_a_list_that_is_too_long_is_refused_and_an_edge_may_speak_of_that():
    team = over("1 x\n2 x\n3 x", Map(node="worker", most=2))
    events = run(team, task="go")
    assert events[-1].reason == "the list has 3 items, and at most 2 are taken"
    assert team.parts["worker"].model.requests == []


def test_the_task_is_the_list_where_there_is_no_answer_yet():
    model = ScriptedModel(work, repeat=True)
    kinds = {"each": Map(node="worker")}
    team = crew(["start -> each", "each -> end"], kinds=kinds, each=[], worker=model)
    assert final(run(team, task="1. left\n2. right")) == ["1. done left\n\n2. done right"]


def test_no_more_than_so_many_are_at_work_at_once():
    busy, most = [], []

    @tool
    async def dig() -> str:
        """Dig."""
        busy.append(1)
        most.append(len(busy))
        await asyncio.sleep(0.001)
        busy.pop()
        return "dug"

    def reply(request):
        return "done" if request.messages[-1].results else call("dig")

    team = over(json.dumps(list("abcdefghij")), Map(node="worker", at_once=3))
    made = dict(team.parts)
    made["worker"] = parts("worker", ScriptedModel(reply, repeat=True), tools=(dig,))
    from bottega import Budget

    run(Team(spec=team.spec, kinds=team.kinds, parts=made), task="go", limits=Budget(steps=99))
    assert max(most) == 3
    assert len(most) == 10


def test_a_thousand_items():
    from bottega import Budget

    listed = json.dumps([f"item {number}" for number in range(1_000)])
    kind = Map(node="worker", most=1_000, at_once=50, gather="json")
    events = run(over(listed, kind), task="go", limits=Budget(steps=None))
    assert json.loads(final(events)[0]) == [f"done item {number}" for number in range(1_000)]


def test_after_a_crash_only_what_had_not_finished_runs_again(tmp_path):
    store = tmp_path / "bottega.db"
    seen = []

    def slow(request):
        task = request.messages[-1].text
        seen.append(task)
        return Say(text="late", delay=30) if task == "two" else f"done {task}"

    dying = over("one\ntwo\nthree", worker=ScriptedModel(slow, repeat=True))
    asyncio.run(interrupt(dying, lambda: len(seen) == 3, run_id="r", store=store))
    fresh = over("", worker=ScriptedModel(work, repeat=True))
    events = run(fresh, task="", run_id="r", store=store, resume=True)
    assert final(events) == ["1. done one\n\n2. done two\n\n3. done three"]
    assert [request.messages[-1].text for request in fresh.parts["worker"].model.requests] == [
        "two"
    ]


def test_a_map_in_a_loop_begins_anew_each_time():
    edges = ["each -> check", "check -> a: if answer == again (at most 1)", "check -> end: else"]
    kinds = {"each": Map(node="worker")}
    team = crew(
        ["start -> a", "a -> each", *edges],
        kinds=kinds,
        a=["one", "two\nthree"],
        each=[],
        check=["again", "enough"],
        worker=ScriptedModel(work, repeat=True),
    )
    events = run(team, task="go")
    assert [text.text for text in events if isinstance(text, Answer) and text.node == "each"] == [
        "1. done one",
        "1. done two\n\n2. done three",
    ]
    assert "1. done two" in asked(team, "check", 1)[-1]


def test_maps_in_branches():
    kinds = {"x": Map(node="worker"), "y": Map(node="worker", gather="json")}
    edges = ["start -> a", "a -> [x, y]", '"[x, y] -> c"', "c -> end"]
    worker = ScriptedModel(work, repeat=True)
    team = crew(edges, kinds=kinds, a=["one\ntwo"], x=[], y=[], c=["both"], worker=worker)
    events = run(team, task="go")
    assert final(events) == ["both"]
    assert started(events).count("worker") == 4
    assert "1. done one" in asked(team, "c")[0]
    assert "done one" in asked(team, "c")[1]


def test_a_map_runs_in_langgraphs_own_tools():
    graph = compile_team(over("one\ntwo"))
    steps = list(graph.stream({"task": "go"}, stream_mode="updates"))
    assert sum("worker" in step for step in steps) == 2
    assert steps[-1]["each"]["answer"] == "1. done one\n\n2. done two"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("[]", []),
        ('["a", 1, {"b": 2}, null]', ["a", "1", '{"b": 2}', "null"]),
        ('Here:\n```json\n["a", "b"]\n```\nThat is all.', ["a", "b"]),
        ('{"items": ["a", "b"]}', ["a", "b"]),
        ("1. a\n2) b\n(3) c\n- d\n* e\n• f", ["a", "b", "c", "d", "e", "f"]),
        ("a\n\n  b  \n", ["a", "b"]),
        ("3.14 is pi\n-5 is less", ["3.14 is pi", "-5 is less"]),
        ('"a"', ['"a"']),
        ("[" * 100_000, ["[" * 100_000]),
        ('[{"a":' + "[" * 100_000, ['[{"a":' + "[" * 100_000]),
        ("[1] Smith\n[2] Jones", ["[1] Smith", "[2] Jones"]),
        ("[ ] one\n[x] two", ["[ ] one", "[x] two"]),
        ('["a", 1]\n["b", 2]', ['["a", 1]', '["b", 2]']),
        ('["a"] is a list', ['["a"] is a list']),
    ],
)
def test_lists_are_read(text, items):
    assert read_items(text) == items


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('["a", "b"', "line 1, column 10"),
        ('```json\n["a",\n "b" "c"]\n```', "line 2, column 6"),
        ('[{"a": 1}, {"b": ]', "line 1, column 18"),
    ],
)
def test_a_json_list_that_is_none_fails_the_map_and_says_what_was_expected(text, where):
    team = over(text)
    events = run(team, task="go")
    assert events[-1].status == "failed"
    assert where in events[-1].reason
    assert 'a whole list, such as ["one", "two"]' in events[-1].reason
    assert team.parts["worker"].model.requests == []


def test_one_item_is_told_as_one():
    (told,) = [
        e for e in run(over("one"), task="go") if isinstance(e, NodeStarted) and e.role == "map"
    ]
    assert told.task == "1 item for worker"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("node: w", ""),
        ("node: x", "unknown node 'x'"),
        ("node: w, most: 0", "most must be from 1 to 10,000, not 0"),
        ("node: w, at_once: 0", "at_once must be from 1"),
        ("node: w, task: Do it.", "task says the same for every item"),
        ("node: w, gather: all", "expected 'list' or 'json', got the text 'all'"),
        ("most: 3", "needs the option 'node'"),
    ],
)
def test_options_are_checked(options, expected):
    import bottega_agents.plugin

    manager = PluginManager()
    manager.register(bottega_agents.plugin, "agents")
    text = f"nodes: {{each: {{kind: map, {options}}}, w: {{kind: specialist}}}}\n"
    text += "edges: [start -> each, each -> end]\n"
    lines = [str(one) for one in check_graph(parse_graph(text), manager)]
    lines = [line for line in lines if "embedded" not in line and "never reached" not in line]
    assert bool(lines) == bool(expected), lines
    assert not lines or expected in lines[0]

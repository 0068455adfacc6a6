"""`bottega graph`, through the command line's own entrance."""

import json

import pytest

import bottega_agents.plugin
from bottega import builtin
from bottega.cli.main import run
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager, replace_default
from bottega.plugin.spec import hookimpl
from bottega.spec.schema import graph_schema

GOOD = """\
nodes:
  lead:     {kind: coordinator, delegates: [helper]}
  helper:   {kind: specialist}
  reviewer: {kind: critic, reviews: lead}
edges: [start -> lead, lead -> reviewer, reviewer -> lead: revise, reviewer -> end: accept]
"""


class Models:
    @hookimpl
    def bottega_models(self):
        return [Offer(name="embedded", summary="Not made here.", factory=lambda context: None)]


@pytest.fixture(autouse=True)
def plugins():
    manager = PluginManager()
    manager.register(builtin, "core")
    manager.register(bottega_agents.plugin, "agents")
    manager.register(Models(), "models")
    before = replace_default(manager)
    yield
    replace_default(before)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "team.yaml"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace("critic", "critc").replace("[helper]", "[helpr]"))
    return str(path)


def test_check_says_that_a_graph_is_good(good, capsys):
    assert run(["graph", "check", good]) == 0
    assert capsys.readouterr() == (f"{good}: ok: 3 nodes, 4 edges\n", "")


def test_check_says_everything_that_is_wrong_a_line_each(bad, capsys):
    assert run(["graph", "check", bad]) == 2
    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith(f"{bad}:2:45: unknown node 'helpr'; did you mean 'helper'?")
    assert second.startswith(f"{bad}:4:20: unknown agent kind 'critc'; did you mean 'critic'?")


def test_check_as_json_is_one_document(good, bad, capsys):
    assert run(["graph", "check", "--json", good]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {"ok": True, "nodes": 3, "edges": 4, "findings": []}
    assert run(["graph", "check", "--json", bad]) == 2
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["ok"], err) == (False, "")
    first = report["findings"][0]
    assert (first["file"], first["line"], first["column"]) == (bad, 2, 45)
    assert first["message"] == "unknown node 'helpr'"


def test_a_missing_file_is_one_clear_line(tmp_path, good, capsys):
    missing = str(tmp_path / "teem.yaml")
    assert run(["graph", "check", missing]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{missing}: there is no such file; did you mean '{good}'?\n"
    assert run(["graph", "show", missing]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_file_says_cannot_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "g.yaml"
    path.write_text(GOOD + 'name: "\\e[2J\\u202e"\n')
    assert run(["graph", "check", str(path)]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_show_prints_mermaid(good, capsys):
    assert run(["graph", "show", good]) == 0
    out = capsys.readouterr().out
    assert out.startswith("flowchart LR\n")
    assert '-->|"revise"|' in out


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_show_writes_a_picture(good, tmp_path, capsys, ending):
    picture = tmp_path / f"team.{ending}"
    assert run(["graph", "show", good, "-o", str(picture)]) == 0
    assert picture.stat().st_size > 1000
    assert capsys.readouterr().out == f"{picture}: 3 nodes, 4 edges\n"


def test_show_refuses_other_formats(good, tmp_path, capsys):
    assert run(["graph", "show", good, "-o", str(tmp_path / "team.gif")]) == 2
    assert "no pictures of format '.gif'" in capsys.readouterr().err


def test_schema_prints_the_schema(capsys):
    assert run(["graph", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == graph_schema()

"""`bottega replay` and `bottega diff`: over a real run of the embedded model."""

import json

import pytest
from click.testing import CliRunner

from bottega import Graph
from bottega.cli.main import bottega
from bottega.errors import InputError

GRAPH = """
name: sums
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a graph and one run of it."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "sums.yaml").write_text(GRAPH, "utf-8")
    return folder


@pytest.fixture
def graph(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("BOTTEGA_HOME", str(home / ".bottega"))
    return Graph.from_yaml(home / "sums.yaml", durable=True)


@pytest.fixture
def run_id(graph):
    return graph.run("What is 6 * 7?").run_id


def command(*arguments):
    return CliRunner().invoke(bottega, arguments)


def test_a_run_is_shown_step_by_step(run_id):
    shown = command("replay", run_id)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].split() == [run_id, "sums", "What", "is", "6", "*", "7?"]
    assert any(line.split()[:2] == ["1", "a:1"] for line in lines)
    assert '     → calculator(expression="6 * 7")' in lines
    assert "     ← 42" in lines
    assert lines[-1] == "" or lines[-2].startswith("done after 2 steps")


def test_one_step_is_shown_in_full_and_as_json(run_id):
    shown = command("replay", run_id, "--step", "a:2")
    assert "42" in shown.stdout
    assert "calculator(" not in shown.stdout
    document = json.loads(command("replay", run_id, "--json", "--step", "1").stdout)
    (moment,) = document["moments"]
    assert moment["calls"][0]["arguments"] == {"expression": "6 * 7"}
    assert moment["calls"][0]["content"] == "42"
    assert "42" in document["answer"]


def test_a_fork_goes_on_from_a_step_and_differs_where_it_left(run_id):
    forked = command("replay", run_id, "--from", "2", "--reply", "Forty-two.", "--json")
    assert forked.exit_code == 0, forked.output
    document = json.loads(forked.stdout)
    assert document["answer"] == "Forty-two."
    assert document["run_id"] != run_id
    again = command("replay", document["run_id"])
    assert f"forked from {run_id}" in again.stdout
    parted = command("diff", run_id, document["run_id"])
    assert "the runs part in a at step 2: the model's reply" in parted.stdout
    assert "+ answer: Forty-two." in parted.stdout
    told = json.loads(command("diff", run_id, document["run_id"], "--json").stdout)
    assert (told["difference"]["node"], told["difference"]["step"]) == ("a", 2)
    assert told["runs"][1]["answer"] == "Forty-two."
    same = command("diff", run_id, run_id)
    assert "the same all the way" in same.stdout


def test_runs_that_began_with_something_else_are_told_so(home, run_id):
    other = GRAPH.replace("name: sums", "name: others").replace("a:", "b:").replace("> a", "> b")
    (home / "others.yaml").write_text(other.replace("[start -> b, a ->", "[start -> b, b ->"))
    done = command("run", "others.yaml", "What is 6 * 8?", "--json")
    other_id = json.loads(done.stdout)["run_id"]
    parted = command("diff", run_id, other_id).stdout.splitlines()
    assert parted[:6] == [
        "the runs began with another graph:",
        "- sums",
        "+ others",
        "the runs began with another task:",
        "- What is 6 * 7?",
        "+ What is 6 * 8?",
    ]
    told = json.loads(command("diff", run_id, other_id, "--json").stdout)
    assert told["began"]["task"] == ["What is 6 * 7?", "What is 6 * 8?"]
    assert json.loads(command("diff", run_id, run_id, "--json").stdout)["began"] == {}


def test_a_graph_that_was_changed_is_another_one(home, run_id):
    changed = GRAPH.replace("kind: specialist, ", "kind: specialist, description: adds, ")
    (home / "changed.yaml").write_text(changed, "utf-8")
    done = command("run", "changed.yaml", "What is 6 * 7?", "--json")
    told = command("diff", run_id, json.loads(done.stdout)["run_id"]).stdout.splitlines()
    assert told[0] == "the runs began with another graph:"
    assert told[1].startswith("- sums (")
    assert told[2].startswith("+ sums (")
    assert told[1][2:] != told[2][2:]


def test_what_a_run_keeps_as_text_is_an_object_in_json(run_id):
    forked = command("replay", run_id, "--from", "2", "--reply", "Forty-two.", "--json")
    fork_id = json.loads(forked.stdout)["run_id"]
    listed = {run["run_id"]: run for run in json.loads(command("runs", "--json").stdout)}
    assert listed[run_id]["origin"]["limits"]["steps"] == 50
    assert listed[fork_id]["origin"]["fork"]["run"] == run_id
    replayed = json.loads(command("replay", fork_id, "--json").stdout)
    assert replayed["run"]["origin"]["fork"]["run"] == run_id


def test_a_cassette_that_is_not_there_is_bad_input(run_id):
    done = command("run", "sums.yaml", "What is 6 * 7?", "--replay", "none.jsonl")
    assert done.exit_code == 2
    assert "'none.jsonl' does not exist" in done.output


def test_a_graph_forks_in_python(graph, run_id):
    result = graph.fork(run_id, at=2, reply="Forty-two.")
    assert result.answer == "Forty-two."
    assert graph.trace(result.run_id).forked_from == run_id
    assert "42" in graph.fork(run_id, at="a:1").answer
    assert "42" in graph.fork(run_id, at=2, model="embedded", prompt="Be kind.").answer
    with pytest.raises(InputError, match="no moment"):
        graph.fork(run_id, at=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--reply", "x"), "--reply needs --from"),
        (("--approve",), "--approve needs --from"),
        (("--from", "1", "--step", "1"), "--from forks it"),
        (("--from", "9"), "no moment '9'"),
        (("--step", "9"), "no moment '9'"),
        (("--node", "b"), "never came to node 'b'"),
        (("--from", "1", "--approve"), "not where a person ruled"),
        (("--from", "1", "--graph", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_cannot_be_done_is_told(run_id, arguments, message):
    result = command("replay", run_id, *arguments)
    assert result.exit_code != 0
    assert message in f"{result.stderr}{result.exception}"


def test_a_run_that_is_not_there_is_told(graph, run_id):
    for arguments in (("replay", "nonsense"), ("diff", run_id, "nonsense")):
        assert "there is no run 'nonsense'" in str(command(*arguments).exception)


def test_a_prompt_may_be_a_file(home, graph, run_id):
    (home / "prompt.txt").write_text("Be kind.", "utf-8")
    forked = command("replay", run_id, "--from", "2", "--prompt", "prompt.txt", "--json")
    fork = graph.trace(json.loads(forked.stdout)["run_id"]).run.origin["fork"]
    assert json.loads(fork)["prompt"] == "Be kind."
    missing = command("replay", run_id, "--from", "2", "--prompt", "promt.txt").exception
    assert "promt.txt: there is no such file" in str(missing)

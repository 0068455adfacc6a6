"""`examples/memory.yaml`, with the embedded model: told a fact in one run, asked in the next."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from memory_team import plugins

import bottega_plugins.models
from bottega import Graph
from bottega.spec.check import check_file, check_graph
from bottega.spec.reader import parse_graph
from bottega.testing import ScriptedModel

EXAMPLE = Path(__file__).parents[2] / "examples/memory.yaml"


@pytest.fixture
def manager():
    made = plugins(ScriptedModel())
    made.register(bottega_plugins.models, "models")
    return made


def test_what_was_told_is_answered_with_its_source(tmp_path, manager):
    shutil.copy(EXAMPLE, tmp_path)

    def run(task: str, user: str):
        return Graph.from_yaml(tmp_path / "memory.yaml", plugins=manager, user=user).run(task)

    assert run("Remember that Anna is allergic to peanuts.", "anna").status == "done"
    result = run("What is Anna allergic to?", "anna")
    assert "peanuts" in result.answer
    assert result.citations[0].key.startswith("memory:")
    assert "peanuts" in result.citations[0].quote
    assert "peanuts" not in run("What is Anna allergic to?", "bert").answer


@pytest.fixture
def clerk(tmp_path, manager):
    shutil.copy(EXAMPLE, tmp_path)

    def answer(task: str) -> str:
        graph = Graph.from_yaml(tmp_path / "memory.yaml", plugins=manager, user="anna")
        result = graph.run(task)
        assert result.status == "done"
        return result.answer

    return answer


def held(folder: Path) -> list[str]:
    """Return the texts of the facts that hold now."""
    with closing(sqlite3.connect(folder / ".bottega/memory.db")) as database:
        statement = "SELECT id, text, supersedes FROM bottega_memory WHERE kind = 'fact'"
        rows = database.execute(statement).fetchall()
    gone = {supersedes for _, _, supersedes in rows}
    return [text for name, text, _ in rows if name not in gone]


@pytest.mark.parametrize(
    ("task", "fact"),
    [
        ("Remember that Anna is allergic to peanuts.", "Anna is allergic to peanuts."),
        ("Please keep in mind: the office closes at 5", "The office closes at 5."),
        ("Don't forget that my dog's name is Rex!", "My dog's name is Rex!"),
        ("My sister lives in Lisbon.", "My sister lives in Lisbon."),
        ("Remember to buy milk.", "Remember to buy milk."),
    ],
)
def test_what_is_told_is_kept_once_and_the_answer_says_so(clerk, tmp_path, task, fact):
    assert clerk(task).startswith(f"remembered: {fact} (")
    assert held(tmp_path) == [fact]


@pytest.mark.parametrize(
    "task",
    [
        "Do you remember where I live?",
        "Everything that is known about Anna",
        "The population of France",
    ],
)
def test_what_tells_nothing_is_not_kept(clerk, tmp_path, task):
    clerk("Remember that the lift is out of order.")
    clerk(task)
    assert held(tmp_path) == ["The lift is out of order."]


def test_a_denial_takes_the_place_of_what_it_denies(clerk, tmp_path):
    clerk("Remember that Bert likes green tea.")
    assert "takes the place" in clerk("Bert does not like green tea any more.")
    assert held(tmp_path) == ["Bert does not like green tea any more."]
    answer = clerk("What does Bert like?")
    assert answer.startswith("Bert does not like green tea any more [memory:")


def test_of_two_that_may_both_hold_the_newer_is_told_first(clerk, tmp_path):
    clerk("My sister lives in Lisbon.")
    clerk("My sister has moved to Porto.")
    assert len(held(tmp_path)) == 2
    answer = clerk("Where does my sister live?")
    assert re.match(r"Newest, of [\d-]+: My sister has moved to Porto \[memory:", answer)
    assert re.search(r"Older, of [\d-]+: .*Lisbon", answer)


def test_a_task_that_tells_and_asks_gets_both(clerk):
    answer = clerk("Remember that the backup runs at night. When does the backup run?")
    assert "remembered: The backup runs at night." in answer


def test_the_example_has_no_findings(manager):
    assert check_file(EXAMPLE, manager).findings == ()


def test_the_page_about_memory_holds(tmp_path, monkeypatch, manager):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bottega.plugin.manager.default_plugins", lambda: manager)
    page = (EXAMPLE.parents[1] / "docs/memory.md").read_text()
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(python, "memory.md", "exec"), {"__name__": "snippet"})
    (graph,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert check_graph(parse_graph(graph, folder=tmp_path), manager) == []

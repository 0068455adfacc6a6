"""`examples/memory.yaml`, with the embedded model: told a fact in one run, asked in the next."""

import re
import shutil
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

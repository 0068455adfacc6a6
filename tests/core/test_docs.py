"""The documentation holds: its Python runs, its graphs are right, its links lead somewhere."""

import re
from pathlib import Path

import pytest

from bottega.plugin.manager import default_plugins
from bottega.spec.check import check_graph
from bottega.spec.reader import parse_graph

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


SNIPPETS = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in (
            "adapters",
            "browser",
            "code",
            "files",
            "knowledge",
            "many-tools",
            "models-as-tools",
            "planning",
            "replay",
            "runs",
            "safety",
            "safety",
            "sql",
            "tools",
            "web",
        )
    ),
]


@pytest.mark.parametrize("page", SNIPPETS, ids=[page.stem for page in SNIPPETS])
def test_python_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for source in blocks(page, "python"):
        exec(compile(source, str(page), "exec"), {"__name__": "snippet"})
    if page.name == "README.md":
        assert capsys.readouterr().out == "10.0 done\n"


def test_the_graph_of_the_readme_is_right(tmp_path):
    (source,) = blocks(ROOT / "README.md", "yaml")
    assert check_graph(parse_graph(source, folder=tmp_path), default_plugins()) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_commands_of_the_readme_exist():
    known = set(default_plugins().offers("command"))
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^bottega (\w+)|; bottega (\w+)", text, re.MULTILINE))
    assert {a or b for a, b in named} <= known

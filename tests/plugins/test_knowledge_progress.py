"""What `bottega index` says while it works: lines for logs, few and only where work is long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hash_embedder import HashEmbedder, Hashing

import bottega_plugins.knowledge
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega_plugins.knowledge.commands import progress
from bottega_plugins.knowledge.commands.progress import progress_lines
from bottega_plugins.knowledge.index.progress import Progress
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(70):
        (docs / f"{number}.txt").write_text(f"Frog {number}.\n" * 100)
    return docs


def test_lines_come_ten_seconds_apart() -> None:
    times = [100, 100, 109.9, 110, 119.9, 120.5, 130, 200, 300]
    clock, lines = iter(times), list[str]()
    report = progress_lines(lines.append, lambda: next(clock))
    for expected in (0, 0, 1, 1, 2, 2):
        report(Progress(stage="embed", done=1_234, total=5_678, passages=98_765))
        assert len(lines) == expected
    assert set(lines) == {"embedding: 98,765 passages, 1,234 of 5,678 files"}
    report(Progress(stage="read", done=7, total=0))
    report(Progress(stage="save", done=0, total=1))
    assert lines[-2:] == ["comparing: 7 files", "saving"]


def test_an_update_tells_of_files_and_passages(docs: Path) -> None:
    seconds: Iterator[int] = count(0, 20)
    lines = list[str]()
    base = KnowledgeBase.open(docs, HashEmbedder())
    done = base.update(progress_lines(lines.append, lambda: next(seconds)))
    told = [re.fullmatch(r"embedding: ([\d,]+) passages, \d+ of 70 files", line) for line in lines]
    passages = [int(match[1].replace(",", "")) for match in told if match]
    assert passages[0] == 0
    assert passages == sorted(passages)
    assert passages[-1] == done.embedded > 100
    assert lines[0] == "comparing: 0 of 70 files"


def index(docs: Path, *options: str) -> Result:
    manager = PluginManager()
    manager.register(bottega_plugins.knowledge, "knowledge")
    manager.register(Hashing(), "hashing")
    context = FactoryContext(plugins=manager, folder=docs.parent)
    return CliRunner().invoke(context.make("command", "index"), ["docs", *options])


def test_short_work_has_no_lines(docs: Path) -> None:
    result = index(docs)
    assert (result.exit_code, result.stderr) == (0, "")


def test_long_work_has_lines_unless_nobody_reads_along(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0)  # all work is long
    for option in ("--quiet", "--json"):
        assert index(docs, option).stderr == ""
    (docs / "new.txt").write_text("A newt.")
    lines = index(docs).stderr.splitlines()
    assert "comparing: 71 of 71 files" in lines
    assert "embedding: 1 passages, 1 of 1 files" in lines
    assert lines[-1] == "saving"

"""The plugin as a whole: its offers, the command `index`, MiniLM over real documents."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hash_embedder import Hashing

import bottega_plugins.knowledge
from bottega.errors import InputError, StorageError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.retriever import Retriever
from bottega_plugins import embedders
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

MAIN = "from bottega.cli.main import main; main()"
PEPS = Path(__file__).parents[2] / "examples/peps"


@pytest.fixture
def context(tmp_path: Path) -> FactoryContext:
    manager = PluginManager()
    manager.register(bottega_plugins.knowledge, "knowledge")
    manager.register(Hashing(), "hashing")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    (docs / "toads.txt").write_text("Toads are brown.")
    return FactoryContext(plugins=manager, folder=tmp_path)


def index(context: FactoryContext, *arguments: str) -> Result:
    command = context.make("command", "index")
    return CliRunner().invoke(command, arguments)


def test_offers_can_be_made_by_name(context: FactoryContext) -> None:
    assert index(context, "docs").exit_code == 0
    retriever = context.make("retriever", "faiss", docs="docs")
    assert isinstance(retriever, Retriever)
    tool = context.make("tool", "search_knowledge", docs="docs")
    assert isinstance(tool, SearchKnowledge)
    output = asyncio.run(tool.run("frogs"))
    assert output.content.startswith("[frogs.txt:1-1] frogs.txt\nFrogs are green.")


def test_a_tool_over_a_missing_folder_names_it(context: FactoryContext) -> None:
    with pytest.raises(InputError, match="newts does not exist"):
        context.make("tool", "search_knowledge", docs="newts")


def test_a_tool_without_index_names_the_command(context: FactoryContext) -> None:
    with pytest.raises(InputError, match="has not been indexed") as caught:
        context.make("tool", "search_knowledge", docs="docs")
    assert caught.value.hint == f"run: bottega index {context.folder / 'docs'}"


def test_the_plugin_imports_nothing_heavy() -> None:
    script = (
        "import sys, bottega_plugins.knowledge\n"
        "heavy = ('numpy', 'faiss', 'bm25s', 'sqlite3', 'rich', 'click')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_index_says_what_it_did(context: FactoryContext) -> None:
    (context.folder / "docs/empty.txt").touch()
    result = index(context, "docs")
    assert result.exit_code == 0
    assert "docs: 2 files, 2 passages indexed (2 new) in " in result.stdout
    assert "1 file skipped:\n  empty.txt: empty\n" in result.stdout
    assert (
        "docs: nothing to do: 2 files, 2 passages are up to date" in index(context, "docs").stdout
    )
    (context.folder / "docs/toads.txt").unlink()
    (context.folder / "docs/frogs.txt").write_text("Frogs are red.")
    assert "1 file, 1 passage indexed (1 changed, 1 deleted)" in index(context, "docs").stdout


def test_index_prints_one_json_document_and_nothing_else(context: FactoryContext) -> None:
    (context.folder / "docs/empty.txt").touch()
    result = index(context, "docs", "--json")
    assert result.stderr == ""
    data: dict[str, Any] = json.loads(result.stdout)
    assert (data["files"], data["added"], data["chunks"], data["nothing_to_do"]) == (2, 2, 2, False)
    assert data["skipped"] == [{"path": "empty.txt", "reason": "empty"}]
    assert json.loads(index(context, "docs", "--json").stdout)["nothing_to_do"] is True


def test_quiet_index_prints_nothing(context: FactoryContext) -> None:
    result = index(context, "docs", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_damage_is_repaired_and_said(context: FactoryContext) -> None:
    index(context, "docs")
    (context.folder / ".bottega/indexes/docs/manifest.json").write_bytes(b"{")
    assert "made anew: " in index(context, "docs").stdout


@pytest.mark.parametrize("name", ["missing", "docs/frogs.txt"])
def test_index_of_no_folder_exits_with_2(context: FactoryContext, name: str) -> None:
    command = [sys.executable, "-c", MAIN, "index", str(context.folder / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def copy_peps(target: Path, *numbers: str) -> Path:
    target.mkdir()
    for number in numbers:
        name = f"pep-{number}.rst"
        (target / name).write_bytes((PEPS / name).read_bytes())
    return target


def test_minilm_finds_the_right_documents(tmp_path: Path) -> None:
    docs = copy_peps(tmp_path / "peps", "0020", "0257", "0468", "0557")
    manager = PluginManager()
    manager.register(bottega_plugins.knowledge, "knowledge")
    manager.register(embedders, "embedders")
    context = FactoryContext(plugins=manager, folder=tmp_path)
    base = KnowledgeBase.open(docs, plugins=manager, home=context.home)
    report = base.update()
    assert report.files == 4
    questions = {
        "Which PEP introduced data classes, and for which Python version?": "pep-0557.rst",
        "How do I write documentation strings?": "pep-0257.rst",
        "are keyword arguments kept in the order they were given?": "pep-0468.rst",
        "beautiful is better than ugly": "pep-0020.rst",
    }
    for question, source in questions.items():
        assert base.search(question)[0].source == source, question
    first = base.search('What is the status of the PEP "Data Classes"?')[0]
    assert first.key == "pep-0557.rst:1-9"
    assert "Python-Version: 3.7" in first.quote
    assert base.update().nothing_to_do
    assert docs.is_dir()


def test_interrupted_index_keeps_the_old_one(tmp_path: Path) -> None:
    docs = copy_peps(tmp_path / "peps", "0020")
    command = [sys.executable, "-c", MAIN, "index", str(docs)]
    subprocess.run([*command, "--quiet"], check=True)
    for number in ("0008", "0557", "0572"):
        (docs / f"pep-{number}.rst").write_bytes((PEPS / f"pep-{number}.rst").read_bytes())
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pending = tmp_path / ".bottega/indexes/peps/pending.sqlite"
    deadline = time.monotonic() + 90
    while not pending.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, (out, err)
    assert "Traceback" not in err
    manager = PluginManager()
    manager.register(embedders, "embedders")
    made = manager.make("embedder", "minilm", FactoryContext(plugins=manager))
    found = KnowledgeBase.open(docs, made).search("beautiful is better than ugly")
    assert found[0].source == "pep-0020.rst"
    assert pending.exists(), "what was embedded is kept"


def test_index_verifies_every_byte(context: FactoryContext) -> None:
    index(context, "docs")
    result = index(context, "docs", "--verify")
    assert (result.exit_code, result.stdout) == (0, "docs: the index is whole\n")
    told = json.loads(index(context, "docs", "--verify", "--json").stdout)
    assert (set(told), told["whole"]) == ({"docs", "index", "whole"}, True)
    (victim,) = context.folder.glob(".bottega/indexes/docs/segment-*/words.scores")
    victim.write_bytes(b"\0" + victim.read_bytes()[1:])
    failed = index(context, "docs", "--verify")
    assert isinstance(failed.exception, StorageError)
    assert str(victim) in str(failed.exception)
    assert isinstance(index(context, "docs", "--verify", "--watch").exception, InputError)


def test_index_takes_an_embedder_by_name(context: FactoryContext) -> None:
    assert index(context, "docs", "--embedder", "minilm").exit_code == 0
    failed = index(context, "docs", "--embedder", "none")
    assert "unknown embedder 'none'" in str(failed.exception)


def test_watching_follows_the_folder_until_it_is_interrupted(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    command = [sys.executable, "-c", MAIN, "index", str(docs), "--watch", "--json"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout
    try:
        assert json.loads(running.stdout.readline())["added"] == 1
        (docs / ".hidden").write_text("not looked at")
        (docs / "toads.txt").write_text("Toads are brown.")
        done = json.loads(running.stdout.readline())
        assert (done["added"], done["files"]) == (1, 2)
        manifest = docs.parent / ".bottega/indexes/docs/manifest.json"
        with (manifest.parent / "lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another writer, for a while
            (docs / "toads.txt").write_text("Toads are grey.")
            assert running.stderr
            assert "is being written by" in running.stderr.readline()
        (docs / "frogs.txt").unlink()
        done = json.loads(running.stdout.readline())
        assert (done["changed"], done["deleted"]) == (1, 1), "what an error kept back is done, too"
    finally:
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in errors


def test_watching_names_each_skipped_file_once(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "empty.txt").touch()
    command = [sys.executable, "-c", MAIN, "index", str(docs), "--watch"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout
    lines = iter(running.stdout.readline, "")
    try:
        assert next(lines).endswith("; 1 file skipped\n")
        assert next(lines) == "  empty.txt: empty\n"
        (docs / "old.gz").write_bytes(b"\x1f\x8b\x08 and so on")
        assert ": nothing to do: " in next(lines)
        assert next(lines) == "  old.gz: a gzip archive: unpack it first\n"
        (docs / "frogs.txt").write_text("Frogs are green.")
        assert next(lines).endswith("; 2 files skipped\n")
        (docs / "toads.txt").write_text("Toads are brown.")
        assert "1 new" in next(lines), "no name is told again"
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)

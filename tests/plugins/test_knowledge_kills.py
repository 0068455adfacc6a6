"""Writers that are killed: the old or the new index is there, and nothing done is lost."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder
from index_nursery import Nursery
from orchard import open_base, update
from pond import behind, content, copied

from bottega_plugins.knowledge.index.manifest import read_manifest
from bottega_plugins.knowledge.index.store import Store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search

HERE = Path(__file__).parent


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return behind(tmp_path)


def found(docs: Path, mode: str) -> list[tuple[str, float]]:
    how = Search(mode=mode)  # type: ignore[arg-type]
    base = KnowledgeBase.open(docs, HashEmbedder())
    return [(c.key, round(c.score, 4)) for c in base.search("frog of the pond", 20, search=how)]


def _segments(docs: Path) -> list[Any]:
    index = KnowledgeBase.open(docs, HashEmbedder()).index
    return list(Store(docs=docs, folder=index).load().segments)


def test_killed_at_twenty_random_moments_a_resumed_ingest_gives_the_same_index(
    docs: Path, nursery: Nursery
) -> None:
    before, undisturbed = content(docs), copied(docs, "undisturbed")
    calls = nursery.run(task="update", docs=str(undisturbed))["calls"]
    after = content(undisturbed)
    assert before != after
    assert len(after) == 19
    seen: set[bool] = set()
    for moment in sorted(random.Random(3).sample(range(1, calls), 20)):
        here = copied(docs, f"killed at {moment}")
        assert nursery.run(task="update", docs=str(here), kill_at=moment)["code"] == -9
        survived = content(here)
        assert survived in (before, after), f"killed at call {moment}"
        seen.add(survived == after)
        KnowledgeBase.open(here, HashEmbedder()).update()
        assert content(here) == after
        assert KnowledgeBase.open(here, HashEmbedder()).update().nothing_to_do
        for mode in ("words", "vectors", "hybrid"):
            assert found(here, mode) == found(undisturbed, mode)
        folders = [p.name for p in KnowledgeBase.open(here, HashEmbedder()).index.glob("segment-*")]
        assert len(folders) == len(_segments(here)), "what the killed one left is gone"
    assert seen == {False, True}


def test_killed_at_random_moments_the_first_ingest_is_resumed(docs: Path, nursery: Nursery) -> None:
    shutil.rmtree(docs.parent / ".bottega")
    undisturbed = copied(docs, "undisturbed")
    calls = nursery.run(task="update", docs=str(undisturbed))["calls"]
    for moment in random.Random(4).sample(range(1, calls), 6):
        here = copied(docs, f"killed at {moment}")
        assert nursery.run(task="update", docs=str(here), kill_at=moment)["code"] == -9
        KnowledgeBase.open(here, HashEmbedder()).update()
        assert content(here) == content(undisturbed)


def test_an_index_by_itself_is_none_or_one_whenever_its_maker_is_killed(
    tmp_path: Path, nursery: Nursery
) -> None:
    calls = nursery.run(task="add", path=str(tmp_path / "whole"))["calls"]
    for moment in (*range(1, 12, 2), *random.Random(6).sample(range(12, calls), 4)):
        path = tmp_path / f"killed at {moment}"
        assert nursery.run(task="add", path=str(path), kill_at=moment)["code"] == -9
        base = KnowledgeBase.open(path, HashEmbedder())
        assert base.docs is None, "never taken for a folder of documents"
        base.add((f"note {number}", f"Frog number {number}.") for number in range(20))
        assert len(list(base.documents())) == 20


KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from hash_embedder import HashEmbedder
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

    left = int(sys.argv[1])

    def killing(function):
        def counted(*args, **kwargs):
            global left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)
        return counted

    base = KnowledgeBase.open({docs!r}, HashEmbedder())
    os.fsync, Path.replace = killing(os.fsync), killing(Path.replace)
    base.update()
"""


def test_killed_at_any_point_of_a_save_the_old_or_the_new_index_is_there(fruit: Path) -> None:
    update(fruit)
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(fruit))
    outcomes: set[bool] = set()
    for point in range(0, 60, 4):
        (fruit / "figs.txt").write_text(f"Figs number {point} are purple.")
        done = subprocess.run([sys.executable, "-c", script, str(point)], check=False)
        assert done.returncode in {0, -signal.SIGKILL}
        found = open_base(fruit).search(f"figs number {point}", 10)
        assert any(citation.source == "plums.rst" for citation in found)
        outcomes.add(any(f"number {point} are" in citation.quote for citation in found))
        if done.returncode == 0:
            break
    assert done.returncode == 0, "the last run was not killed"
    assert outcomes == {False, True}
    report = update(fruit)
    assert report.files == 4
    manifest = read_manifest(open_base(fruit).index)
    assert manifest
    left = {path.name for path in open_base(fruit).index.glob("segment-*")}
    assert left == {each.name for each in manifest.segments}, "what the killed ones left is gone"


def test_vectors_of_a_killed_update_are_not_computed_again(fruit: Path) -> None:
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(fruit))
    done = subprocess.run([sys.executable, "-c", script, "0"], check=False)
    assert done.returncode == -signal.SIGKILL
    report = update(fruit)
    assert (report.added, report.embedded) == (3, 0)


def test_a_damaged_file_of_pending_vectors_is_dropped(fruit: Path) -> None:
    base = open_base(fruit)
    base.index.mkdir(parents=True)
    (base.index / "pending.sqlite").write_bytes(b"no database" * 1000)
    report = update(fruit)
    assert report.embedded == report.chunks
    assert not (base.index / "pending.sqlite").exists()


def test_two_processes_that_write_at_once_leave_a_whole_index(fruit: Path) -> None:
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(fruit))
    command = [sys.executable, "-c", script, "1000000"]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(writer.communicate()[1], writer.returncode) for writer in writers]
    assert any(code == 0 for _, code in ends)
    assert all(code == 0 or "is being written by" in errors for errors, code in ends)
    assert update(fruit).nothing_to_do

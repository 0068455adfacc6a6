"""Segments: what an update costs, how many there are, and that they do not show in a search."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hash_embedder import HashEmbedder
from pond import manifest_of, texts

from bottega_plugins.knowledge.documents import folder
from bottega_plugins.knowledge.index import postings_writer
from bottega_plugins.knowledge.index.manifest import SegmentInfo
from bottega_plugins.knowledge.index.merge import MOST_SEGMENTS, due
from bottega_plugins.knowledge.index.store import Store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


def results(base: KnowledgeBase, search: Search) -> list[list[tuple[str, float]]]:
    queries = ("frog pond", "newt", "reed and rain on stone", 'a "moss stone" frog', "nothing")
    return [
        [(found.key, round(found.score, 4)) for found in base.search(query, 12, search=search)]
        for query in queries
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mode", ["hybrid", "words", "vectors"])
def test_a_search_does_not_depend_on_how_passages_are_spread(
    tmp_path: Path, mode: str, seed: int
) -> None:
    documents = texts(150, seed)
    whole = KnowledgeBase.open(tmp_path / "whole", HashEmbedder())
    whole.add(documents)
    spread = KnowledgeBase.open(tmp_path / "spread", HashEmbedder())
    shuffled = random.Random(1).sample(documents, len(documents))
    sizes = (90, 40, 13, 6, 1)
    for size in sizes:
        part, shuffled = shuffled[:size], shuffled[size:]
        spread.add(part)
    assert len(manifest_of(whole).segments) == 1
    assert len(manifest_of(spread).segments) > 2
    how = Search(mode=mode)  # type: ignore[arg-type]
    assert results(spread, how) == results(whole, how)


def test_segments_stay_few_and_passages_are_rewritten_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bottega_plugins.knowledge.index.passage_file import PassageWriter

    written: list[bytes] = []
    really = PassageWriter.append_lines

    def counting(self: PassageWriter, lines: list[bytes]) -> None:
        kept = list(lines)
        written.extend(kept)
        really(self, kept)

    monkeypatch.setattr(PassageWriter, "append_lines", counting)
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    for document in texts(24):
        base.add(document)
        assert len(manifest_of(base).segments) <= MOST_SEGMENTS
    assert len(written) <= 24 * (1 + np.log2(24)), "each about once for every doubling"
    assert manifest_of(base).passages == 24
    assert len(list(base.index.glob("segment-*"))) == len(manifest_of(base).segments)


def test_merging_computes_nothing_again(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    base = KnowledgeBase.open(tmp_path / "base", embedder)
    documents = texts(9)
    for document in documents:
        base.add(document)
    queries = embedder.embedded
    assert queries == 9
    assert len(base.search("frog", 9)) == len({text for _, text in documents})


def sized(*sizes: int | tuple[int, int]) -> list[SegmentInfo]:
    from bottega_plugins.knowledge.index.checksums import FileInfo
    from bottega_plugins.knowledge.index.manifest import Deleted

    made: list[SegmentInfo] = []
    for size in sizes:
        passages, dead = size if isinstance(size, tuple) else (size, 0)
        file = FileInfo(bytes=0, sha256="")
        made.append(
            SegmentInfo(
                name=f"{len(made)}",
                documents=passages,
                passages=passages,
                words=0,
                files={},
                deleted=Deleted(name="", file=file, documents=dead, passages=dead)
                if dead
                else None,
            )
        )
    return made


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((), []),
        ((9,), []),
        ((9, 4), []),
        ((9, 5), [0, 1]),
        ((9, 4, 2), [0, 1, 2]),
        ((100, 4, 2), [1, 2]),
        ((100, 30, 4, 1), []),
        ((100, (30, 8), 4, 1), [1]),
        (((100, 25), 30, 4, 1), []),
        (((100, 26), 30, 4, 1), [0]),
        (tuple(3**n for n in range(9, 0, -1)), [7, 8]),
    ],
)
def test_what_is_merged(sizes: tuple[int | tuple[int, int], ...], expected: list[int]) -> None:
    assert list(due(sized(*sizes))) == expected


def test_much_that_is_deleted_leaves_the_disk(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(texts(40))
    (before,) = manifest_of(base).segments
    base.delete(f"note {number:04d}" for number in range(5))
    (few,) = manifest_of(base).segments
    assert (few.name, few.live_passages) == (before.name, 35), "marked, not rewritten"
    base.delete(f"note {number:04d}" for number in range(5, 30))
    (after,) = manifest_of(base).segments
    assert (after.name != before.name, after.passages, after.deleted) == (True, 10, None)
    assert after.files["vectors.faiss"].bytes == 81 + 10 * 64 * 2, "no vector is left"
    segment = Store(docs=None, folder=base.index).load().segments[0]
    assert len(segment.catalogue.sources("added")) == 10


def test_a_small_change_costs_its_own_size(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in texts(300):
        (docs / f"{name}.txt").write_text(text)
    embedder = HashEmbedder()
    base = KnowledgeBase.open(docs, embedder)
    base.update()
    (large,) = manifest_of(base).segments
    before = embedder.embedded
    (docs / "note 0007.txt").write_text("A frog of another colour.")
    assert base.update().changed == 1
    first, small = manifest_of(base).segments
    assert embedder.embedded - before == 1
    assert (first.name, first.files, first.live_passages) == (large.name, large.files, 299)
    size = sum(each.bytes for each in small.files.values())
    assert size < sum(each.bytes for each in large.files.values()) / 4


def test_files_that_look_as_they_did_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    long_ago = time.time() - 1_000
    for name, text in texts(20):
        (docs / name).write_text(text)
        os.utime(docs / name, (long_ago, long_ago))
    (docs / "binary").write_bytes(bytes(range(256)) * 9)
    os.utime(docs / "binary", (long_ago, long_ago))
    base = KnowledgeBase.open(docs, HashEmbedder())
    base.update()
    read: list[str] = []
    really = folder.read

    def reading(path: Path) -> bytes:
        read.append(path.name)
        return really(path)

    monkeypatch.setattr(folder, "read", reading)
    report = base.update()
    assert report.nothing_to_do
    assert (report.unchanged, len(report.skipped), read) == (20, 1, [])
    status = (docs / "note 0003").stat()
    (docs / "note 0003").write_text("x" * status.st_size)  # same size, and soon the same time
    os.utime(docs / "note 0003", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert base.update().changed == 1, "the time of the inode's change gives it away"
    assert set(read) == {"note 0003"}


def test_a_file_that_was_written_just_now_is_read_again(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "note").write_text("frogs")
    base = KnowledgeBase.open(docs, HashEmbedder())
    for text in ("toads", "newts", "ponds"):
        base.update()
        (docs / "note").write_text(text)  # of the same size, within the clock's grain perhaps
        assert base.update().changed == 1


@pytest.mark.parametrize("damage", [b"", b"no database" * 1_000])
def test_a_damaged_memory_of_files_costs_only_reading(tmp_path: Path, damage: bytes) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "note").write_text("frogs")
    base = KnowledgeBase.open(docs, HashEmbedder())
    base.update()
    (base.index / "seen.sqlite").write_bytes(damage)
    assert base.update().nothing_to_do


def test_postings_in_many_runs_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = texts(120)
    one = KnowledgeBase.open(tmp_path / "one", HashEmbedder())
    one.add(documents)
    monkeypatch.setattr(postings_writer, "_RUN_PASSAGES", 7)
    monkeypatch.setattr(postings_writer, "_RUN_POSTINGS", 100)
    many = KnowledgeBase.open(tmp_path / "many", HashEmbedder())
    many.add(documents[:80])
    many.add(documents[80:])  # merged at once, in portions
    assert len(manifest_of(many).segments) == 1
    how = Search(mode="words")
    assert results(many, how) == results(one, how)

"""Large segments whose vectors form no lists: short codes, what they find, and older indexes."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scattered import Scattered, in_one_thread

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import clusters, codes, manifest, store
from bottega_plugins.knowledge.index.manifest import SegmentInfo
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search

COUNT = 1_600
LARGE = 800
"""Passages above which a segment has lists here, as it still has once 600 are deleted."""
BY_VECTORS = Search(mode="vectors")


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    """Treat a segment of these tests as a large one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clusters, "MOST_FLAT", LARGE)
        patched.setattr(codes, "_MOST", 2)
        patched.setattr(store, "_SMALL", 0)
        patched.setattr(clusters, "build", in_one_thread(clusters.build))
        patched.setattr(codes, "build", in_one_thread(codes.build))
        patched.setenv("OMP_NUM_THREADS", "1")  # for processes that are started here
        yield


@pytest.fixture(scope="module")
def _built(_small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = opened(tmp_path_factory.mktemp("built") / "base")
    base.add((f"note {number:04d}", f"newt {number} in the pond") for number in range(COUNT))
    return base.path


@pytest.fixture(scope="module")
def _flat(_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clusters, "MOST_FLAT", 10 * COUNT)
        return anew(_built, tmp_path_factory.mktemp("flat") / "base")


@pytest.fixture(scope="module")
def _poor(_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(codes, "_ENOUGH", 1.1)
        return anew(_built, tmp_path_factory.mktemp("poor") / "base")


@pytest.fixture
def base(_built: Path, tmp_path: Path) -> KnowledgeBase:
    return opened(shutil.copytree(_built, tmp_path / "base"))


@pytest.fixture
def flat(_flat: Path, tmp_path: Path) -> KnowledgeBase:
    """Return the same documents where every vector is compared."""
    return opened(shutil.copytree(_flat, tmp_path / "flat"))


@pytest.fixture
def poor(_poor: Path, tmp_path: Path) -> KnowledgeBase:
    """Return the same documents where no codes found enough to be kept."""
    return opened(shutil.copytree(_poor, tmp_path / "poor"))


def anew(built: Path, path: Path) -> Path:
    """Return a copy whose segment is written anew: documents and vectors are taken over."""
    copy = opened(shutil.copytree(built, path))
    (lost,) = copy.index.glob("segment-*/codes.faiss")
    lost.unlink()
    report = copy.repair()
    assert (report.documents, report.embedded) == (COUNT, 0)
    return path


def opened(path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(path, Scattered(dimension=32))


def segment_of(base: KnowledgeBase) -> SegmentInfo:
    found = manifest.read_manifest(base.index)
    assert found
    (info,) = found.segments
    return info


def nearest(base: KnowledgeBase, asked: int, k: int = 10, **filters: str) -> list[str]:
    wanted = {"source": {"glob": filters["glob"]}} if filters else None
    return [each.source for each in base.search(f"frog {asked}", k, wanted, BY_VECTORS)]


def test_scattered_vectors_are_found_by_codes_and_compared_exactly(
    base: KnowledgeBase, flat: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = segment_of(base)
    assert info.clusters
    assert info.clusters.is_wide
    assert info.codes
    assert info.codes.recall >= 0.95
    asked: list[int] = []
    really = codes.searched

    def searching(*given: object) -> object:
        asked.append(1)
        return really(*given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(codes, "searched", searching)
    assert segment_of(flat).codes is None
    hits = [len({*nearest(base, n)} & {*nearest(flat, n)}) for n in range(30)]
    assert len(asked) == 30, "the codes were looked at"
    assert sum(hits) >= 0.95 * 300
    scores = {each.source: each.score for each in flat.search("frog 1", 10, search=BY_VECTORS)}
    found = base.search("frog 1", 10, search=BY_VECTORS)
    assert all(abs(each.score - scores.get(each.source, each.score)) < 1e-6 for each in found)


def test_filters_and_deleted_documents_are_kept_out_of_what_codes_find(
    base: KnowledgeBase, flat: KnowledgeBase
) -> None:
    gone = nearest(base, 5)[:3]
    assert base.delete(gone) == flat.delete(gone) == 3
    assert segment_of(base).deleted
    assert not {*nearest(base, 5)} & {*gone}
    assert len({*nearest(base, 5)} & {*nearest(flat, 5)}) >= 8
    for glob in ("note 00*", "note 0*", "note ??[0-4]?"):
        found, true = nearest(base, 9, glob=glob), nearest(flat, 9, glob=glob)
        assert len(found) == 10
        assert len({*found} & {*true}) >= 8, glob
    assert len(nearest(base, 1, 1_500)) == 1_500, "codes give way where very many are asked for"


def test_codes_are_not_read_before_they_are_needed_and_never_when_damaged(
    base: KnowledgeBase,
) -> None:
    (path,) = base.index.glob("segment-*/codes.faiss")
    whole, right, chance = path.read_bytes(), nearest(base, 3), random.Random(2)
    for place in (0, 40, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(12))):
        data = bytearray(whole)
        data[place] ^= 4
        path.write_bytes(data)
        fresh = opened(base.path)
        assert len([*fresh.documents()]) == COUNT, "opening reads none of them"
        with pytest.raises(StorageError, match=r"codes\.faiss is damaged") as caught:
            nearest(fresh, 3)
        assert caught.value.hint
        with pytest.raises(StorageError, match=r"codes\.faiss is damaged"):
            fresh.verify()
    for length in (0, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"codes\.faiss is (damaged|empty)"):
            nearest(opened(base.path), 3)
    path.write_bytes(whole)
    assert nearest(opened(base.path), 3) == right
    path.unlink()
    with pytest.raises(StorageError, match=r"codes\.faiss is missing"):
        nearest(opened(base.path), 3)
    report = opened(base.path).repair()
    assert "codes.faiss" in report.rebuilt
    assert (report.documents, report.embedded) == (COUNT, 0), "vectors are taken over"
    assert nearest(opened(base.path), 3) == right


def test_an_index_of_format_2_is_searched_and_gets_codes_with_the_next_change(
    poor: KnowledgeBase,
) -> None:
    for name in (manifest.NAME, manifest.COPY):
        path = poor.index / name
        fields = json.loads(path.read_bytes())
        fields["format"] = 2
        del fields["sha256"]
        for segment in fields["segments"]:
            del segment["codes"]
        plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(plain.encode()).hexdigest()
        path.write_text(json.dumps({**fields, "sha256": digest}))
    old = opened(poor.path)
    before = nearest(old, 3)
    assert segment_of(old).wants_codes
    report = old.add(("toad", "A toad by the pond."))
    assert (report.added, report.embedded) == (1, 1)
    state = manifest.read_manifest(old.index)
    assert state
    assert (state.format, state.segments[0].codes is not None) == (3, True)
    assert len({*nearest(old, 3)} & {*before}) >= 9
    old.verify()


def test_codes_that_find_too_little_are_not_kept_and_not_tried_again(
    poor: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "_ENOUGH", 1.1)
    info = segment_of(poor)
    assert info.codes
    assert info.codes.times == 0
    assert not info.wants_codes
    assert not [*poor.index.glob("segment-*/codes.faiss")]
    assert len(nearest(poor, 3)) == 10
    poor.add(("toad", "A toad by the pond."))
    found = manifest.read_manifest(poor.index)
    assert found
    assert found.segments[0] == info, "the large segment stays as it is"


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {here!r})
    from test_knowledge_codes import LARGE, opened
    from bottega_plugins.knowledge.index import clusters, codes, segment_writer
    from bottega_plugins.knowledge.index.vectors import faiss_module

    def killing(function, *, after):
        def run(*args, **kwargs):
            done = function(*args, **kwargs) if after else None
            os.kill(os.getpid(), signal.SIGKILL)
        return run

    clusters.MOST_FLAT = LARGE
    where = {where!r}
    if where == "before":
        codes.build = killing(codes.build, after=False)
    elif where == "written":
        faiss_module().write_index = killing(faiss_module().write_index, after=True)
    else:
        segment_writer.seal = killing(segment_writer.seal, after=True)
    opened({path!r}).delete([f"note {{number:04d}}" for number in range(600)])
"""


@pytest.mark.parametrize("where", ["before", "written", "sealed"])
def test_killed_while_codes_are_made_the_old_ones_are_there(
    base: KnowledgeBase, where: str
) -> None:
    script = KILLED.format(here=str(Path(__file__).parent), where=where, path=str(base.path))
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    again = opened(base.path)
    again.verify()
    assert len([*again.documents()]) == COUNT - 600, "what was asked for is done, but no merge"
    found = nearest(again, 3)
    assert again.delete(f"note {COUNT - 1}") == 1, "the next change makes up for it"
    assert segment_of(again).deleted is None
    assert segment_of(again).codes
    assert len({*nearest(again, 3)} & {*found}) >= 8
    assert len([*again.index.glob("segment-*")]) == 1, "what the killed one left is gone"
    again.verify()


def test_eight_readers_of_codes_go_on_beside_a_writer(base: KnowledgeBase) -> None:
    over = threading.Event()

    def read(number: int) -> int:
        reader, searches = opened(base.path), 0
        while not over.wait(0.02) or not searches:
            assert len({*nearest(reader, number)}) == 10
            searches += 1
        return searches

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read, number) for number in range(8)]
        try:
            for first in (0, 250, 500):  # with the second the large segment is written anew
                base.delete([f"note {number:04d}" for number in range(first, first + 250)])
        finally:
            over.set()
        assert all(reader.result() for reader in readers)
    assert segment_of(base).passages == COUNT - 500

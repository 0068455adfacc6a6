"""What an index withstands: kills, full and read-only disks, damage, readers beside a writer."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder
from index_nursery import Nursery

from bottega.errors import InputError, StorageError
from bottega_plugins.knowledge.index import store
from bottega_plugins.knowledge.index.store import Store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search

HERE = Path(__file__).parent
NOUNS = ("frog", "toad", "newt", "eft", "pond", "reed", "fly", "moss", "rain", "stone")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


def write(folder: Path, name: str, seed: int) -> None:
    chance = random.Random(f"{name}{seed}")
    paragraphs = [" ".join(chance.choices(NOUNS, k=30)) + "." for _ in range(3)]
    (folder / name).write_text(f"# {name} {seed}\n\n" + "\n\n".join(paragraphs))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with an index that is a few changes behind."""
    folder = tmp_path / "before/docs"
    folder.mkdir(parents=True)
    for number in range(12):
        write(folder, f"note {number:02d}.md", 0)
    KnowledgeBase.open(folder, HashEmbedder()).update()
    for number in range(8, 20):
        write(folder, f"note {number:02d}.md", 1)
    (folder / "note 03.md").unlink()
    return folder


def content(docs: Path) -> dict[str, Any]:
    """Return all that an index holds, whatever its segments are."""
    index = KnowledgeBase.open(docs, HashEmbedder()).index
    held: dict[str, Any] = {}
    for segment in Store(docs=docs, folder=index).load().segments:
        for info, span in segment.documents():
            lines = list(segment.passages.lines(*span))
            held[info.source] = (info, lines, segment.vectors.run(*span).tobytes())
    return held


def found(docs: Path, mode: str) -> list[tuple[str, float]]:
    how = Search(mode=mode)  # type: ignore[arg-type]
    base = KnowledgeBase.open(docs, HashEmbedder())
    return [(c.key, round(c.score, 4)) for c in base.search("frog of the pond", 20, search=how)]


def copied(docs: Path, name: str) -> Path:
    target = docs.parent.parent / name
    shutil.copytree(docs.parent, target)
    return target / docs.name


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


def _segments(docs: Path) -> list[Any]:
    index = KnowledgeBase.open(docs, HashEmbedder()).index
    return list(Store(docs=docs, folder=index).load().segments)


def _size(folder: Path) -> int:
    """Return the size of all files but the lock, whose line is as long as a process's number."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("largest", [0, 100, 1_000, 5_000, 9_000, 20_000])
def test_when_files_may_not_grow_the_old_index_stays(
    docs: Path, nursery: Nursery, largest: int
) -> None:
    before, index = content(docs), KnowledgeBase.open(docs, HashEmbedder()).index
    sizes: list[int] = []
    for _ in range(3):
        end = nursery.run(task="update", docs=str(docs), largest_file=largest or 1)
        assert end["code"] == 0, end
        assert str(index) in end["error"], end
        assert end["hint"]
        assert content(docs) == before
        sizes.append(_size(index))
    assert sizes[0] == sizes[1] == sizes[2], "failed attempts leave nothing that grows"
    KnowledgeBase.open(docs, HashEmbedder()).update()
    assert len(content(docs)) == 19


def in_namespace(mounts: str, script: str, docs: Path) -> subprocess.CompletedProcess[str]:
    """Run a script where something is mounted that nobody else sees."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespaces")
    head = f"""
        import sys
        sys.path.insert(0, {str(HERE)!r})
        from hash_embedder import HashEmbedder
        from bottega.errors import StorageError
        from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
        base = KnowledgeBase.open({str(docs)!r}, HashEmbedder())
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    command = f'{mounts} && exec "$0" -c "$1"'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-ec", command, sys.executable, code],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_keeps_the_old_index_and_fills_no_further(docs: Path) -> None:
    state = docs.parent / ".bottega"
    saved = docs.parent / "saved"
    shutil.copytree(state, saved)
    done = in_namespace(
        f"mount -t tmpfs -o size=2m none '{state}' && cp -r '{saved}/.' '{state}'",
        f"""
        import os
        from pathlib import Path
        free = lambda: os.statvfs({str(state)!r}).f_bavail
        Path({str(state)!r}, "ballast").write_bytes(b"x" * (free() - 14) * 4096)
        room = []
        for _ in range(3):
            try:
                base.update()
            except StorageError as error:
                print(error.message)
            assert base.search("note 03")[0].source == "note 03.md"
            room.append(free())
        assert room[0] == room[1] == room[2], room
        Path({str(state)!r}, "ballast").unlink()
        assert base.update().added == 8
        """,
        docs,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3, done.stdout
    assert "cannot be written" in done.stdout
    assert "full" in done.stdout or "No space left on device" in done.stdout


def test_a_read_only_disk_can_be_searched_and_not_be_updated(docs: Path) -> None:
    state = docs.parent / ".bottega"
    done = in_namespace(
        f"mount --bind '{state}' '{state}' && mount -o remount,ro,bind '{state}'",
        """
        assert base.search("note 03")[0].source == "note 03.md"
        try:
            base.update()
        except StorageError as error:
            print(error.message, error.hint)
        """,
        docs,
    )
    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in done.stdout


def test_a_flipped_byte_is_found_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_SMALL", 0)  # nothing is verified but what is touched
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    chance = random.Random(5)
    base.add((f"note {n}", " ".join(chance.choices(NOUNS, k=60))) for n in range(400))
    base.delete("note 7")
    queries = ("frog of the pond", "moss", "note 9", 'a "reed stone"')
    right = [base.search(query) for query in queries]
    files = sorted(path for path in base.index.glob("segment-*/*"))
    assert len(files) == 10
    unnoticed = 0
    for path in files:
        size = path.stat().st_size
        for place in {0, size - 1, size // 2, *(chance.randrange(size) for _ in range(3))}:
            with Flipped(path, place):
                fresh = KnowledgeBase.open(base.path, HashEmbedder())
                for query, expected in zip(queries, right, strict=True):
                    try:
                        assert fresh.search(query) == expected
                        unnoticed += 1
                    except StorageError as error:
                        assert str(path) in error.message
                        assert error.hint
                with pytest.raises(StorageError) as caught:
                    fresh.verify()
                assert str(path) in caught.value.message
    assert unnoticed, "what is not touched is not read"
    assert KnowledgeBase.open(base.path, HashEmbedder()).search(queries[0]) == right[0]


class Flipped:
    """A file with one bit flipped, for a while."""

    def __init__(self, path: Path, place: int) -> None:
        self._path = path
        self._place = place

    def _flip(self) -> None:
        with self._path.open("r+b") as file:
            file.seek(self._place)
            byte = file.read(1)[0]
            file.seek(self._place)
            file.write(bytes([byte ^ 4]))

    def __enter__(self) -> None:
        self._flip()

    def __exit__(self, *_: object) -> None:
        self._flip()


def test_a_file_cut_short_while_it_is_in_use_is_an_error_and_no_crash(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add((f"note {n}", f"frog {n} of the pond") for n in range(200))
    assert base.search("frog")
    for path in base.index.glob("segment-*/*"):
        whole = path.read_bytes()
        os.truncate(path, len(whole) // 2)
        try:
            base.search("frog 77", 50)
        except StorageError as error:
            assert str(path) in error.message
        path.write_bytes(whole)
    assert base.search("frog 77")[0].source == "note 77"


def test_eight_readers_beside_a_writer_see_whole_states_only(
    tmp_path: Path, nursery: Nursery
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    base = KnowledgeBase.open(docs, HashEmbedder())

    def state(number: int) -> list[str]:
        for name in ("one", "two"):
            text = f"State of the twins: number {number}, said {name}."
            (docs / f"twin {name}.txt").write_text(text)
        base.update()
        return sorted(f"State of the twins: number {number}, said {n}." for n in ("one", "two"))

    signs = tmp_path / "signs"
    signs.mkdir()
    states = [state(0)]
    readers = [
        {"task": "read", "docs": str(docs), "signs": str(signs), "name": f"{n}"} for n in range(8)
    ]
    nursery.start(readers)
    while len(list(signs.iterdir())) < 8:
        time.sleep(0.01)
    states += [state(number) for number in range(1, 9)]
    (signs / "stop").touch()
    for end in nursery.wait():
        assert end["code"] == 0, end
        places = [states.index(each) for each in end["states"]]
        assert places == sorted(places), "never back to an older state"
        assert (places[0], places[-1]) == (0, 8)


def test_ten_thousand_equal_documents_take_one_place(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    base = KnowledgeBase.open(tmp_path / "base", embedder)
    same = ({"source": f"copy {n:05d}", "content": "Frogs.", "title": "F"} for n in range(10_000))
    report = base.add([*same, ("other", "Toads, unlike frogs.")])
    assert (report.added, report.embedded) == (10_001, 2), "equal texts are embedded once"
    found = base.search("frogs", 5)
    assert [citation.source for citation in found] == ["copy 00000", "other"]


def test_a_deleted_document_is_found_by_nothing(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add((f"note {n}", f"frog number{n}") for n in range(30))
    base.delete("note 9")
    for mode in ("words", "vectors", "hybrid"):
        how = Search(mode=mode)  # type: ignore[arg-type]
        assert all(c.source != "note 9" for c in base.search("frog number9", 30, search=how))
    everything = base.search("frog number9", 100, search=Search(mode="vectors"))
    assert len(everything) == 29
    assert base.search("frog", filters={"source": "note 9"}) == []
    assert base.search('"note 9"', search=Search(exact=("number9",))) == []


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self._path, "unpickled")


def test_a_pickle_lying_there_is_never_read(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    data = pickle.dumps(Trap(sprung))
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    base = KnowledgeBase.open(docs, HashEmbedder())
    base.update()
    (segment,) = base.index.glob("segment-*")
    for folder in (docs, base.index, segment):
        for name in ("docstore.pkl", "index.pkl", "words.npy", "vectors.pickle"):
            (folder / name).write_bytes(data)
    report = base.update()
    assert {each.source for each in report.skipped} >= {"docstore.pkl", "index.pkl"}
    assert KnowledgeBase.open(docs, HashEmbedder()).search("frogs")[0].source == "frogs.txt"
    assert not sprung.exists()
    pickle.loads(data)
    assert sprung.exists(), "the trap works"


@pytest.mark.parametrize("k", [0, -1])
def test_an_empty_index_and_an_impossible_k(tmp_path: Path, k: int) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add([])
    assert base.search("frogs") == []
    with pytest.raises(InputError, match=f"k is {k}"):
        base.search("frogs", k)

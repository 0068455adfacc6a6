"""The index on disk: what an update costs, and what damage, crashes and other writers do to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import InputError, StorageError
from bottega_plugins.knowledge.documents import splitter
from bottega_plugins.knowledge.index import postings
from bottega_plugins.knowledge.index.checksums import seal
from bottega_plugins.knowledge.index.manifest import read_manifest
from bottega_plugins.knowledge.index.progress import Progress, UpdateReport
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

HERE = Path(__file__).parent


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "apples.md").write_text(
        "# Apples\n\nApples are red or green.\n\n## Pie\n\nBake it.\n"
    )
    (folder / "deep/pears.txt").write_text("Title: Pears\nColour: yellow\n\nPears are sweet.\n")
    (folder / "plums.rst").write_text("Plums\n=====\n\nPlums are blue.\n")
    return folder


def open_base(docs: Path, embedder: HashEmbedder | None = None) -> KnowledgeBase:
    return KnowledgeBase.open(docs, embedder or HashEmbedder())


def update(docs: Path, embedder: HashEmbedder | None = None) -> UpdateReport:
    return open_base(docs, embedder).update()


def sources(base: KnowledgeBase, query: str, k: int = 10) -> list[str]:
    return [citation.source for citation in base.search(query, k)]


def segment(base: KnowledgeBase) -> Path:
    (found,) = base.index.glob("segment-*")
    return found


def test_first_update_indexes_and_second_has_nothing_to_do(docs: Path) -> None:
    embedder = HashEmbedder()
    first = update(docs, embedder)
    assert (first.added, first.files, first.skipped) == (3, 3, ())
    assert first.embedded == embedder.embedded == first.chunks
    second = update(docs, embedder)
    assert second.nothing_to_do
    assert (second.unchanged, second.chunks) == (3, first.chunks)
    assert embedder.embedded == first.embedded


def test_only_what_changed_is_embedded_and_what_is_gone_is_not_found(docs: Path) -> None:
    embedder = HashEmbedder()
    base = open_base(docs, embedder)
    base.update()
    assert "plums.rst" in sources(base, "plums")
    (docs / "plums.rst").unlink()
    (docs / "apples.md").write_text("# Apples\n\nApples are red or green.\n\n## Pie\n\nEat it.\n")
    (docs / "figs.txt").write_text("Figs are purple.")
    before = embedder.embedded
    report = base.update()
    assert (report.added, report.changed, report.deleted, report.unchanged) == (1, 1, 1, 1)
    assert embedder.embedded - before == report.embedded == 2, "the pie and the figs"
    assert "plums.rst" not in sources(base, "plums are blue")
    assert sources(base, "eat")[0] == "apples.md"


def test_progress_is_reported(docs: Path) -> None:
    seen: list[Progress] = []
    open_base(docs).update(seen.append)
    assert [each.stage for each in seen] == sorted(
        [e.stage for e in seen], key="read embed save".find
    )
    assert all(0 <= each.done <= each.total for each in seen)
    assert seen[-1].done == seen[-1].total


def test_files_that_cannot_be_read_are_named_with_a_reason(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("outside the folder")
    (docs / "picture.txt").write_bytes(bytes(range(256)) * 9)
    (docs / "empty.txt").touch()
    (docs / "blank.txt").write_text(" \n \n")
    (docs / "out.txt").symlink_to(tmp_path / "outside.txt")
    (docs / "in.txt").symlink_to(docs / "plums.rst")
    (docs / "nowhere.txt").symlink_to("missing")
    (docs / "loop").symlink_to(docs)
    (docs / "huge.txt").write_bytes(b"x" * 20_000_001)
    (docs / ".hidden.txt").write_text("hidden")
    os.mkfifo(docs / "pipe")
    Path(os.fsdecode(os.fsencode(docs) + b"/bad\xff.txt")).write_text("bad name")
    report = update(docs)
    reasons = {item.source: item.reason for item in report.skipped}
    assert reasons == {
        "picture.txt": "binary data",
        "empty.txt": "empty",
        "blank.txt": "only blank space",
        "out.txt": "a link that leaves the folder",
        "in.txt": "a link to a place in the same folder",
        "nowhere.txt": "a link that leads nowhere",
        "loop": "a link to a place in the same folder",
        "huge.txt": "larger than 20 MB",
        "pipe": "not a regular file",
        "bad\\udcff.txt": "its name is not valid UTF-8",
    }
    assert report.files == 3


def test_files_without_permission_are_named(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = docs / "secret.txt"
    secret.write_text("secret")
    secret.chmod(0)
    if os.geteuid() == 0:  # root may read everything
        really = os.open

        def refusing(path: Path, flags: int) -> int:
            if path == secret:
                raise PermissionError(13, "Permission denied", str(path))
            return really(path, flags)

        monkeypatch.setattr("bottega_plugins.knowledge.documents.folder.os.open", refusing)
    (skipped,) = update(docs).skipped
    assert (skipped.source, skipped.reason) == ("secret.txt", "permission denied")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_folders_without_permission_are_named(docs: Path) -> None:
    (docs / "deep").chmod(0)
    (skipped,) = update(docs).skipped
    (docs / "deep").chmod(0o700)
    assert (skipped.source, skipped.reason) == ("deep", "permission denied")


def test_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fruit does not exist"):
        sources(open_base(tmp_path / "fruit"), "figs")
    with pytest.raises(InputError, match="fruit is no folder of documents"):
        update(tmp_path / "fruit")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file is not a folder"):
        open_base(tmp_path / "file")


def test_search_before_any_update_names_the_command(docs: Path) -> None:
    with pytest.raises(InputError, match="has not been indexed") as caught:
        sources(open_base(docs), "plums")
    assert caught.value.hint == f"run: bottega index {docs}"


def test_index_is_beside_the_folder_or_in_bottega_home(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_base(docs).index == tmp_path / ".bottega/indexes/docs"
    monkeypatch.setenv("BOTTEGA_HOME", str(tmp_path / "home"))
    other = tmp_path / "other/docs"
    other.mkdir(parents=True)
    folders = {open_base(docs).index, open_base(other).index}
    assert len(folders) == 2, "folders of one name do not share an index"
    assert {folder.parent for folder in folders} == {tmp_path / "home/indexes"}


def test_index_kept_among_the_documents_is_not_indexed(docs: Path) -> None:
    base = KnowledgeBase.open(docs, HashEmbedder(), home=docs / "state")
    base.update()
    assert base.update().nothing_to_do


def test_no_pickle_is_written(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    files = [path for path in segment(base).iterdir() if path.is_file()]
    assert {path.name for path in files} == {
        *("blocks.sha256", "catalogue.sqlite", "passages.jsonl", "passages.offsets"),
        *("vectors.faiss", "words.lengths", "words.passages", "words.scores", "words.starts"),
    }
    for path in files:
        head = path.read_bytes()[:2]
        assert head[:1] != b"\x80", path


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped": _flip,
    "truncated": _truncate,
    "empty": lambda path: path.write_bytes(b"") and None,
    "missing": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_any_file_is_found_named_and_repaired_by_an_update(
    docs: Path, damage: str
) -> None:
    base = open_base(docs)
    base.update()
    names = [p.relative_to(segment(base)) for p in segment(base).iterdir() if p.is_file()]
    assert len(names) >= 6
    for name in names:
        victim = segment(base) / name
        DAMAGE[damage](victim)
        with pytest.raises(StorageError) as caught:
            sources(open_base(docs), "plums")
        assert str(victim) in caught.value.message
        assert caught.value.hint == f"run: bottega index {docs}"
        report = update(docs)
        assert name.name in report.rebuilt
        assert not report.nothing_to_do
        assert sources(open_base(docs), "plums")[0] == "plums.rst"


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_damage_to_the_manifest_is_found(docs: Path, damage: str) -> None:
    base = open_base(docs)
    base.update()
    DAMAGE[damage](base.index / "manifest.json")
    with pytest.raises(StorageError, match=r"manifest\.json"):
        sources(open_base(docs), "plums")
    assert "manifest.json" in update(docs).rebuilt


def test_every_flipped_bit_of_a_manifest_is_found(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    path = base.index / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        data = bytearray(whole)
        data[place] ^= 2
        if data.translate(None, b" \n") == whole.translate(None, b" \n"):
            continue
        path.write_bytes(data)
        with pytest.raises(StorageError):
            sources(open_base(docs), "plums")


def test_a_forged_index_with_huge_numbers_is_refused(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    folder = segment(base)
    vectors = folder / "vectors.faiss"
    data = bytearray(vectors.read_bytes())
    data[4:8] = (2**31 - 1).to_bytes(4, "little")
    vectors.write_bytes(data)
    (folder / "blocks.sha256").unlink()
    files = seal(folder)
    manifest = read_manifest(base.index)
    assert manifest
    forged = replace(manifest, segments=(replace(manifest.segments[0], files=files),))
    (base.index / "manifest.json").write_text(forged.dumps())
    with pytest.raises(StorageError, match=r"vectors\.faiss .* it is not 5 vectors with 64"):
        sources(open_base(docs), "plums")


def test_an_index_of_another_format_is_refused(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    path = base.index / "manifest.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(StorageError, match="format 99, not 2"):
        sources(open_base(docs), "plums")


@pytest.mark.parametrize("other", [HashEmbedder(name="new"), HashEmbedder(dimension=32)])
def test_another_embedder_is_refused_until_the_index_is_made_anew(
    docs: Path, other: HashEmbedder
) -> None:
    update(docs)
    with pytest.raises(StorageError, match="was made with the embedder 'hash'") as caught:
        sources(open_base(docs, other), "plums")
    assert caught.value.hint == f"run: bottega index {docs}"
    report = update(docs, other)
    assert (report.added, report.embedded) == (3, report.chunks)
    assert "was made with the embedder" in report.rebuilt
    assert sources(open_base(docs, other), "plums")[0] == "plums.rst"


def test_another_way_of_cutting_makes_passages_anew_and_keeps_vectors(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(docs)
    monkeypatch.setattr(splitter, "VERSION", splitter.VERSION + 1)
    with pytest.raises(StorageError, match="cuts documents otherwise"):
        sources(open_base(docs), "plums")
    report = update(docs)
    assert "cuts documents otherwise" in report.rebuilt
    assert (report.files, report.embedded) == (3, 0)


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


def test_killed_at_any_point_of_a_save_the_old_or_the_new_index_is_there(docs: Path) -> None:
    update(docs)
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(docs))
    outcomes: set[bool] = set()
    for point in range(0, 60, 4):
        (docs / "figs.txt").write_text(f"Figs number {point} are purple.")
        done = subprocess.run([sys.executable, "-c", script, str(point)], check=False)
        assert done.returncode in {0, -signal.SIGKILL}
        found = open_base(docs).search(f"figs number {point}", 10)
        assert any(citation.source == "plums.rst" for citation in found)
        outcomes.add(any(f"number {point} are" in citation.quote for citation in found))
        if done.returncode == 0:
            break
    assert done.returncode == 0, "the last run was not killed"
    assert outcomes == {False, True}
    report = update(docs)
    assert report.files == 4
    manifest = read_manifest(open_base(docs).index)
    assert manifest
    left = {path.name for path in open_base(docs).index.glob("segment-*")}
    assert left == {each.name for each in manifest.segments}, "what the killed ones left is gone"


def test_vectors_of_a_killed_update_are_not_computed_again(docs: Path) -> None:
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(docs))
    done = subprocess.run([sys.executable, "-c", script, "0"], check=False)
    assert done.returncode == -signal.SIGKILL
    report = update(docs)
    assert (report.added, report.embedded) == (3, 0)


def test_a_damaged_file_of_pending_vectors_is_dropped(docs: Path) -> None:
    base = open_base(docs)
    base.index.mkdir(parents=True)
    (base.index / "pending.sqlite").write_bytes(b"no database" * 1000)
    report = update(docs)
    assert report.embedded == report.chunks
    assert not (base.index / "pending.sqlite").exists()


class SlowEmbedder(HashEmbedder):
    """Waits in the middle of an update until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

    async def embed(self, texts):  # type: ignore[no-untyped-def,override]
        self.started.set()
        await self.go_on.wait()
        return await super().embed(texts)


def test_a_second_writer_is_told_who_holds_the_index(docs: Path) -> None:
    async def both() -> None:
        slow = SlowEmbedder()
        first = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        with pytest.raises(StorageError, match=f"being written by process {os.getpid()}") as caught:
            await open_base(docs).aupdate()
        assert caught.value.retryable
        slow.go_on.set()
        assert (await first).added == 3
        assert (await open_base(docs).aupdate()).nothing_to_do

    asyncio.run(both())


def test_two_processes_that_write_at_once_leave_a_whole_index(docs: Path) -> None:
    script = textwrap.dedent(KILLED).format(here=str(HERE), docs=str(docs))
    command = [sys.executable, "-c", script, "1000000"]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(writer.communicate()[1], writer.returncode) for writer in writers]
    assert any(code == 0 for _, code in ends)
    assert all(code == 0 or "is being written by" in errors for errors, code in ends)
    assert update(docs).nothing_to_do


def test_search_goes_on_during_an_update_and_then_sees_the_new_index(docs: Path) -> None:
    async def both() -> None:
        await open_base(docs).aupdate()
        (docs / "figs.txt").write_text("Figs are purple.")
        slow = SlowEmbedder()
        reader = open_base(docs)
        writing = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        assert (await reader.asearch("plums"))[0].source == "plums.rst"
        assert all(c.source != "figs.txt" for c in await reader.asearch("figs"))
        slow.go_on.set()
        await writing
        assert (await reader.asearch("figs"))[0].source == "figs.txt"

    asyncio.run(both())


def test_readers_never_fail_while_generations_pass_by(docs: Path) -> None:
    update(docs)

    async def read() -> None:
        for _ in range(12):
            assert await open_base(docs).asearch("plums")
            await asyncio.sleep(0)

    async def write() -> None:
        for number in range(12):
            (docs / "figs.txt").write_text(f"Figs {number}.")
            await open_base(docs).aupdate()

    async def all_at_once() -> None:
        await asyncio.gather(write(), read(), read())

    asyncio.run(all_at_once())


def test_a_cancelled_update_leaves_the_old_index_and_keeps_vectors(docs: Path) -> None:
    async def cancel() -> None:
        slow = SlowEmbedder()
        writing = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    update(docs)
    (docs / "figs.txt").write_text("Figs are purple.")
    asyncio.run(cancel())
    assert "plums.rst" in sources(open_base(docs), "plums")
    assert update(docs).added == 1


def test_a_folder_that_cannot_be_written_is_one_clear_error(docs: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the state folder should be")
    base = KnowledgeBase.open(docs, HashEmbedder(), home=blocked)
    with pytest.raises(StorageError, match="cannot be written") as caught:
        base.update()
    assert "BOTTEGA_HOME" in caught.value.hint


def test_a_full_disk_keeps_the_old_index(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bottega_plugins.knowledge.index import checksums

    update(docs)
    (docs / "figs.txt").write_text("Figs are purple.")

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checksums, "write_synced", full)
        with pytest.raises(StorageError, match="No space left on device"):
            update(docs)
    assert sources(open_base(docs), "plums")[0] == "plums.rst"
    assert update(docs).added == 1


def test_an_emptied_folder_gives_an_empty_index(docs: Path) -> None:
    update(docs)
    shutil.rmtree(docs / "deep")
    for path in docs.iterdir():
        path.unlink()
    report = update(docs)
    assert (report.files, report.chunks, report.deleted) == (0, 0, 3)
    assert sources(open_base(docs), "plums") == []
    assert update(docs).nothing_to_do


def test_another_way_of_scoring_words_makes_the_index_anew(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(docs)
    monkeypatch.setattr(postings, "K1", postings.K1 + 0.1)
    with pytest.raises(StorageError, match="weighs their words otherwise"):
        sources(open_base(docs), "plums")
    assert update(docs).embedded == 0
    assert sources(open_base(docs), "plums")[0] == "plums.rst"

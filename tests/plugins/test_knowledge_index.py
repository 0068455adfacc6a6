"""The index of a folder: what an update does, which files it takes, and where it is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from orchard import open_base, planted, segment, sources, update

from bottega.errors import InputError
from bottega_plugins.knowledge.index.progress import Progress
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return planted(tmp_path)


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


def test_an_emptied_folder_gives_an_empty_index(docs: Path) -> None:
    update(docs)
    shutil.rmtree(docs / "deep")
    for path in docs.iterdir():
        path.unlink()
    report = update(docs)
    assert (report.files, report.chunks, report.deleted) == (0, 0, 3)
    assert sources(open_base(docs), "plums") == []
    assert update(docs).nothing_to_do

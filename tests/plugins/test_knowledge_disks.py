"""Disks that are full, read-only or refuse large files: the old index stays in use."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from index_nursery import Nursery
from orchard import open_base, sources, update
from pond import behind, content

from bottega.errors import StorageError
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

HERE = Path(__file__).parent


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return behind(tmp_path)


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


def test_a_folder_that_cannot_be_written_is_one_clear_error(fruit: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the state folder should be")
    base = KnowledgeBase.open(fruit, HashEmbedder(), home=blocked)
    with pytest.raises(StorageError, match="cannot be written") as caught:
        base.update()
    assert "BOTTEGA_HOME" in caught.value.hint


def test_a_full_disk_keeps_the_old_index(fruit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bottega_plugins.knowledge.index import checksums

    update(fruit)
    (fruit / "figs.txt").write_text("Figs are purple.")

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checksums, "write_synced", full)
        with pytest.raises(StorageError, match="No space left on device"):
            update(fruit)
    assert sources(open_base(fruit), "plums")[0] == "plums.rst"
    assert update(fruit).added == 1

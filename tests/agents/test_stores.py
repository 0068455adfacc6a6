"""Open stores: shared while in use, closed when idle, never under a run's hands."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3

import pytest

from bottega.errors import StorageError
from bottega_agents.storage.stores import MOST_IDLE, close_stores, open_store, release_store


def is_open(saver):
    try:
        saver.conn.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def remove(path):
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def test_a_store_in_use_stays_open_however_many_follow(tmp_path):
    mine = open_store(tmp_path / "mine.db")
    others = [open_store(tmp_path / f"{number}.db") for number in range(MOST_IDLE + 3)]
    for saver in others:
        release_store(saver)
    assert is_open(mine)
    assert open_store(tmp_path / "mine.db") is mine
    assert not all(map(is_open, others))


def test_a_file_that_was_replaced_is_opened_anew_and_the_old_one_closed_in_the_end(tmp_path):
    file = tmp_path / "b.db"
    old = open_store(file)
    file.rename(tmp_path / "kept.db")  # keeps the inode from being used again
    new = open_store(file)
    assert new is not old
    assert is_open(old)
    release_store(old)
    assert not is_open(old)
    assert is_open(new)
    release_store(new)


def test_a_damaged_file_in_the_place_of_a_good_one_spoils_none_that_follows(tmp_path):
    path, good = tmp_path / "runs.db", tmp_path / "good.db"
    release_store(open_store(good))
    close_stores()
    for _ in range(20):  # file numbers are used again by the system, in no order we could ask for
        shutil.copy(good, path)
        release_store(open_store(path))
        remove(path)
        path.write_bytes(b"no database" * 500)
        with pytest.raises(StorageError, match="not a database"):
            open_store(path)
        remove(path)
    shutil.copy(good, path)
    opened = open_store(path)
    assert asyncio.run(opened.register.list()) == []
    release_store(opened)


def test_a_damaged_schema_is_told(tmp_path):
    path = tmp_path / "runs.db"
    release_store(open_store(path))
    close_stores()
    content = bytearray(path.read_bytes())
    at = content.index(b"CREATE TABLE bottega_runs") + len("CREATE TABLE ")
    content[at] ^= 0x80
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"runs\.db") as caught:
        open_store(path)
    assert "copy" in caught.value.hint


@pytest.mark.parametrize("name", ["Coordinator", "Critic", "Specialist", "State", "compile_team"])
def test_what_a_hand_built_graph_needs_is_in_the_package(name):
    import bottega_agents

    assert getattr(bottega_agents, name).__name__ == name

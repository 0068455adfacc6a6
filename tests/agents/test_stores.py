"""Open stores: shared while in use, closed when idle, never under a run's hands."""

from __future__ import annotations

import sqlite3

import pytest

from bottega_agents.storage.stores import MOST_IDLE, open_store, release_store


def is_open(saver):
    try:
        saver.conn.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


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


@pytest.mark.parametrize("name", ["Coordinator", "Critic", "Specialist", "State", "compile_team"])
def test_what_a_hand_built_graph_needs_is_in_the_package(name):
    import bottega_agents

    assert getattr(bottega_agents, name).__name__ == name

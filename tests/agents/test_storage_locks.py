"""Names held through the bytes of one file: by one process, gone with it, not with its children."""

import os
import signal
import subprocess
import sys

from bottega.locks import SUFFIX, FileLocks

HOLDER = """
import os, sys, time
from pathlib import Path
from bottega.locks import FileLocks
assert FileLocks(Path(sys.argv[1])).take("run:r")
child = os.fork()
if not child:
    os.close(1)
    time.sleep(60)
print(child, flush=True)
time.sleep(60)
"""


def test_a_name_is_held_once_whoever_asks(tmp_path):
    mine, yours = FileLocks(tmp_path / "s.db"), FileLocks(tmp_path / "s.db")
    assert mine.take("a")
    assert not yours.take("a")
    assert yours.take("b")
    assert mine.is_held("a")
    assert mine.is_held("b")
    assert not mine.is_held("c")
    mine.free("a")
    assert yours.is_held("b")
    assert yours.take("a")
    for name in ("a", "b"):
        yours.free(name)


def test_nothing_is_made_by_looking_and_nothing_is_written_by_holding(tmp_path):
    locks = FileLocks(tmp_path / "s.db")
    assert not locks.is_held("a")
    assert list(tmp_path.iterdir()) == []
    assert locks.take("a")
    assert (tmp_path / f"s.db{SUFFIX}").stat().st_size == 0
    locks.free("a")


def test_a_name_goes_with_its_process_though_a_child_lives_on(tmp_path):
    store = tmp_path / "s.db"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, store], stdout=subprocess.PIPE, text=True
    )
    child = int(holder.stdout.readline())
    locks = FileLocks(store)
    try:
        assert locks.is_held("run:r")
        assert not locks.take("run:r")
        holder.kill()
        holder.communicate()
        os.kill(child, 0)  # it is alive
        assert not locks.is_held("run:r")
        assert locks.take("run:r")
        locks.free("run:r")
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_forked_child_holds_nothing_and_frees_nothing(tmp_path):
    locks = FileLocks(tmp_path / "s.db")
    assert locks.take("a")
    child = os.fork()
    if not child:
        locks.free("a")
        os._exit(int(locks.take("a")))
    assert os.waitpid(child, 0)[1] == 0
    assert locks.is_held("a")
    locks.free("a")
    assert not locks.is_held("a")

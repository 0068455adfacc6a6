"""Stores that may be read only, and who may read them at all."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bottega import Graph
from bottega.database import connect
from bottega.errors import StorageError

GRAPH = """
name: sums
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""
TASK = "What is 6 * 7?"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "sums.yaml").write_text(GRAPH, "utf-8")
    return tmp_path


@pytest.fixture
def run_id(home):
    """A run in a store that has been folded into one file."""
    found = Graph.from_yaml(home / "sums.yaml", durable=True).run(TASK).run_id
    with closing(sqlite3.connect(home / ".bottega" / "bottega.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return found


@pytest.fixture
def fixed(home, run_id):
    """A copy of the project in which nothing can be written."""
    copy = home / "fixed"
    (copy / ".bottega").mkdir(parents=True)
    shutil.copy(home / "sums.yaml", copy)
    shutil.copy(home / ".bottega" / "bottega.db", copy / ".bottega")
    lock(copy)
    yield copy
    for one in (copy, copy / ".bottega"):
        one.chmod(0o700)


def lock(folder):
    for one in (*folder.rglob("*"), folder):
        one.chmod(0o500 if one.is_dir() else 0o400)


def plainly(folder, *arguments):
    """Run the command as somebody for whom modes count, which they do not for root."""
    command = [sys.executable, "-m", "bottega", *arguments]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root can write everywhere here")
        lost = "-dac_override,-dac_read_search"
        command = [setpriv, "--inh-caps", lost, "--bounding-set", lost, *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_runs_are_read_where_nothing_can_be_written(fixed, run_id):
    listed = plainly(fixed, "runs", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [run["run_id"] for run in json.loads(listed.stdout)] == [run_id]
    assert plainly(fixed, "runs", run_id).returncode == 0
    replayed = plainly(fixed, "replay", run_id, "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert "42" in json.loads(replayed.stdout)["answer"]
    assert "the same all the way" in plainly(fixed, "diff", run_id, run_id).stdout
    assert sorted(one.name for one in (fixed / ".bottega").iterdir()) == ["bottega.db"]


@pytest.mark.parametrize(
    "arguments", [("run", "sums.yaml", TASK), ("runs", "prune", "--keep", "0s")]
)
def test_writing_there_is_one_line(fixed, run_id, arguments):
    done = plainly(fixed, *arguments)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "bottega.db" in line
    assert "BOTTEGA_HOME" in done.stderr


def test_a_log_that_is_left_is_not_passed_over(fixed, run_id):
    """What is in the log beside the store is part of it; without a look at it nothing is told."""
    folder = fixed / ".bottega"
    folder.chmod(0o700)
    log = folder / "bottega.db-wal"
    log.write_bytes(bytes(4096))
    lock(fixed)
    done = plainly(fixed, "runs")
    assert done.returncode == 1
    assert "copy it, with what lies beside it" in done.stderr


def test_a_store_of_an_older_version_is_not_changed_where_nothing_can_be(fixed, run_id):
    folder = fixed / ".bottega"
    folder.chmod(0o700)
    (folder / "bottega.db").chmod(0o600)
    with closing(sqlite3.connect(folder / "bottega.db")) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA user_version=1")
    lock(fixed)
    done = plainly(fixed, "runs")
    assert done.returncode == 1
    assert "has to be brought up to date" in done.stderr


def test_a_store_of_somebody_else_is_told(fixed, run_id):
    (fixed / ".bottega" / "bottega.db").chmod(0)
    done = plainly(fixed, "runs")
    assert done.returncode == 1
    assert "not yours to read" in done.stderr


def mode(file):
    return stat.S_IMODE(file.stat().st_mode)


def test_what_is_kept_is_for_its_owner_alone(home):
    before = os.umask(0o022)
    try:
        graph = Graph.from_yaml(home / "sums.yaml", durable=True)
        graph.run(TASK)
    finally:
        os.umask(before)
    folder = home / ".bottega"
    assert mode(folder) == 0o700
    files = {one.name: mode(one) for one in folder.iterdir() if one.is_file()}
    assert {"bottega.db", "bottega.db-wal", "bottega.db-shm", "bottega.db-running"} <= set(files)
    assert set(files.values()) == {0o600}


def test_a_mode_that_somebody_chose_stays(tmp_path):
    file = tmp_path / "shared" / "bottega.db"
    file.parent.mkdir(mode=0o755)
    connect(file).close()
    assert (mode(file), mode(file.parent)) == (0o600, 0o755)
    file.chmod(0o640)
    connect(file).close()
    assert mode(file) == 0o640


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    Path(tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(StorageError, match="file"):
        connect(tmp_path / "file" / "bottega.db")

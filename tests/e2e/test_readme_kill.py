"""The README's demonstration: a run is started, killed with kill -9, and taken up again."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUMS = 40
"""Fewer than in the README, for the sake of time; those that are shown are the same."""
ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
_MARKS = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def told():
    """Return what the README says: three commands, and what the last two print."""
    section = (ROOT / "README.md").read_text().partition("## Killed, and taken up again")[2]
    commands, printed = re.findall(r"```(?:bash)?\n(.*?)```", section, re.DOTALL)[:2]
    return commands.splitlines(), printed


def printed_by(command, folder):
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=ENV,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def results(database):
    """Return the results of calls that are in the journal, with the time of each."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        try:
            return connection.execute(
                "SELECT log, key, value, at FROM bottega_journal WHERE key LIKE '%/result/%'"
            ).fetchall()
        except sqlite3.OperationalError:  # the tables are being made
            return []


@pytest.mark.timeout(300)
def test_the_demonstration_in_the_readme(tmp_path):
    (start, *rest), expected = told()
    begin, kill = start.split(" 2> ")
    assert kill.endswith("kill -9 $!")
    (tmp_path / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "map.yaml", tmp_path / "examples")
    database = tmp_path / "examples" / ".bottega" / "bottega.db"
    fewer = begin.replace("' 200)", f"' {SUMS})")
    assert fewer != begin
    running = subprocess.Popen(["bash", "-c", f"exec {fewer}"], cwd=tmp_path, env=ENV)
    try:
        while len(results(database)) < 5:
            assert running.poll() is None
            time.sleep(0.02)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == -signal.SIGKILL
    before = results(database)
    assert 5 <= len(before) < SUMS

    printed = "".join(printed_by(command, tmp_path) for command in rest)

    assert _MARKS.sub("#", printed) == _MARKS.sub("#", expected)
    after = results(database)
    assert len(after) == SUMS
    assert set(before) <= set(after)
    assert len({(log, key) for log, key, *_ in after}) == SUMS

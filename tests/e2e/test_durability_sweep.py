"""kill -9 at every moment of a team's run: before and after each write, event, call and effect."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from crew import ANSWER
from postgres_server import new_store, postgres

PROGRAM = Path(__file__).with_name("sweep.py")
SHARES = 4
"""Workers that share the moments among them."""
CALLS = 15
"""Model and tool calls of an undisturbed run."""


def swept(folder, *arguments, store=""):
    env = {**os.environ, "BOTTEGA_STORE": store}
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(run):
    """Nothing that was accepted is lost, nothing finished is done again, the answer is the same."""
    assert run["errors"] == []
    assert run["repeated"] == [], run["moments"]
    assert run["twice"] == [], run["moments"]
    if not run["status"]:
        assert not run["accepted"]
        assert run["calls"] == 0
        return
    assert run["status"] == "done"
    assert len(run["sent"]) == 1, run["moments"]
    if run["unknown"]:  # a call with effects `once` was under way, which is told and not repeated
        assert run["missing"] <= run["unknown"]
    else:
        assert run["missing"] == 0, run["moments"]
        assert run["answer"] == ANSWER or "after finish" in run["moments"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_at_any_moment_comes_to_the_same_end(tmp_path, share):
    runs = swept(tmp_path, "each", share + 1, SHARES)
    assert len(runs) > 30
    assert runs[-1]["moments"] == []
    assert runs[-1]["calls"] == CALLS
    for run in runs:
        check(run)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", [6, 17])
def test_a_run_killed_again_and_again_comes_to_the_same_end(tmp_path, step):
    (run,) = swept(tmp_path, "chain", 3, step)
    assert len(run["moments"]) >= 60 // step
    check(run)


class TestInPostgres:
    pytestmark = postgres

    @pytest.mark.timeout(600)
    def test_a_run_killed_at_any_moment_comes_to_the_same_end(self, tmp_path):
        runs = swept(tmp_path, "each", 2, 5, store=new_store())
        assert len(runs) > 25
        for run in runs:
            check(run)

    @pytest.mark.timeout(600)
    def test_a_run_killed_again_and_again_comes_to_the_same_end(self, tmp_path):
        (run,) = swept(tmp_path, "chain", 3, 11, store=new_store())
        assert len(run["moments"]) >= 6
        check(run)

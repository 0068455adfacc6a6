"""kill -9 at every kind of moment: what finished stays finished, what may run once runs once."""

import signal

import pytest
from crash_point import runs

from bottega.graph import DATABASE
from bottega.runs import RunStore

run = runs("doomed.py")


def status(folder):
    with RunStore.open(folder / DATABASE) as register:
        return register.get("r").status


def notes(folder):
    file = folder / "notes"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize(
    ("crashes", "written", "answer"),
    [
        (["model:1"], "1 2 3 4", "4 calls, 0 unknown"),
        (["model:3", "model:4", "model:5"], "1 2 3 4", "4 calls, 0 unknown"),
        (["before:2"], "1 3 4", "4 calls, 1 unknown"),
        (["after:2", "after:4"], "1 2 3 4", "4 calls, 2 unknown"),
    ],
)
def test_a_killed_run_goes_on_where_it_was(tmp_path, crashes, written, answer):
    mode = "run"
    for crash in crashes:
        done, _ = run(tmp_path, mode, crash)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert status(tmp_path) == "running"
        mode = "resume"
    done, events = run(tmp_path, mode, "never")
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == written.split()
    assert [e["text"] for e in events if e["kind"] == "answer" and e["final"]] == [answer]
    assert status(tmp_path) == "done"

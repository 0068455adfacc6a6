"""kill -9 in the middle of planned work: one plan, every task once, the same answer."""

import signal

import pytest
from crash_point import runs

run = runs("doomed_plan.py")


@pytest.mark.parametrize(
    ("crashes", "notes", "answer"),
    [
        (["plan", "answer"], "t1 t2 t3 t4", "4 done, 0 unknown"),
        (["reported:t1", "reported:t2", "reported:t4"], "t1 t2 t3 t4", "4 done, 0 unknown"),
        (["before:t3"], "t1 t2 t4", "4 done, 1 unknown"),
        (["after:t2", "after:t4"], "t1 t2 t3 t4", "4 done, 2 unknown"),
    ],
)
def test_a_killed_plan_goes_on_where_it_was(tmp_path, crashes, notes, answer):
    mode = "run"
    for crash in crashes:
        done, _ = run(tmp_path, mode, crash)
        assert done.returncode == -signal.SIGKILL, done.stderr
        mode = "resume"
    done, events = run(tmp_path, mode, "never")
    assert done.returncode == 0, done.stderr
    assert sorted((tmp_path / "notes").read_text().split()) == notes.split()
    assert (tmp_path / "plans").read_text() == "x\n"
    assert (tmp_path / "answers").read_text() == "x\n"
    assert [e["text"] for e in events if e["kind"] == "answer" and e["final"]] == [answer]

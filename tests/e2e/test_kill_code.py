"""kill -9 of an agent that acts by code: its state comes back, and no call takes effect twice."""

import signal

from crash_point import runs

run = runs("doomed_code.py")


def notes(folder):
    file = folder / "notes"
    return file.read_text().split() if file.exists() else []


def test_a_killed_step_is_run_again_with_what_came_of_its_calls(tmp_path):
    mode = "run"
    for crash in ("after:3", "model:3"):  # in the middle of a step, then between two
        done, _ = run(tmp_path, mode, crash)
        assert done.returncode == -signal.SIGKILL, done.stderr
        mode = "resume"
    done, events = run(tmp_path, mode, "never")
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == ["1", "2", "3"]
    # a function and the results of calls, from steps of two processes before
    answer = "noted 1 noted 2 unknown"
    assert [e["text"] for e in events if e["kind"] == "answer" and e["final"]] == [answer]

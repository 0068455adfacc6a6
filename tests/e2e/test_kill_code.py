"""kill -9 of an agent that acts by code: its state comes back, and no call takes effect twice."""

import signal

from crash_point import runs

run = runs("doomed_code.py")


def notes(folder):
    file = folder / "notes"
    return file.read_text().split() if file.exists() else []


def test_a_killed_step_is_run_again_with_what_came_of_its_calls(tmp_path):
    done, _ = run(tmp_path, "run", "after:3")  # in the second call of the second step
    assert done.returncode == -signal.SIGKILL, done.stderr
    done, events = run(tmp_path, "resume", "never")
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == ["1", "2", "3"]
    # a function and the results of calls, from steps of the process that died
    answer = "noted 1 noted 2 unknown"
    assert [e["text"] for e in events if e["kind"] == "answer" and e["final"]] == [answer]

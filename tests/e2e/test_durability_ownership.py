"""One process at a time carries out a run; whoever has lost it writes nothing more."""

import signal
import time
from contextlib import contextmanager

import pytest
from crew import ANSWER, Traces
from postgres_server import new_store, postgres, shared_server
from worker_nursery import Worker

stores = pytest.mark.parametrize(
    "store", ["", pytest.param("postgresql", marks=postgres)], ids=["sqlite", "postgresql"]
)


def address(store):
    return new_store() if store else ""


def start(folder, mode, store, pause_at=""):
    return Worker(folder, mode, BOTTEGA_STORE=store, PAUSE_AT=pause_at)


@contextmanager
def paused(folder, store, moment):
    """A worker that stands still at the moment; it goes on when the file `go` is there."""
    process = start(folder, "run", store, moment)
    try:
        end = time.monotonic() + 60
        while not (folder / "paused").exists():
            assert process.poll() is None, process.poll()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@stores
def test_who_resumes_what_another_carries_out_is_told(tmp_path, store):
    store = address(store)
    with paused(tmp_path, store, "noted") as worker:
        code, out, err = start(tmp_path, "resume", store).wait()
        assert (code, out) == (2, "")
        assert err.startswith("error: run r is being carried out by another process")
        assert "\n" not in err
        assert start(tmp_path, "recover", store).wait() == (0, "", "")
        (tmp_path / "go").touch()
        assert worker.wait() == (0, ANSWER, "")


@stores
def test_a_stopped_worker_still_has_its_run(tmp_path, store):
    store = address(store)
    with paused(tmp_path, store, "noted") as worker:
        worker.send_signal(signal.SIGSTOP)
        assert start(tmp_path, "resume", store).wait()[0] == 2
        (tmp_path / "go").touch()
        worker.send_signal(signal.SIGCONT)
        assert worker.wait() == (0, ANSWER, "")
    assert Traces(tmp_path).read("notes") == ["1", "2"]


@stores
def test_of_those_who_take_up_a_killed_run_one_wins(tmp_path, store):
    store = address(store)
    with paused(tmp_path, store, "begin model critic") as worker:
        worker.send_signal(signal.SIGKILL)
    (tmp_path / "go").touch()
    workers = [start(tmp_path, "recover", store) for _ in range(3)]
    said = [worker.wait() for worker in workers]
    assert [out for _, out, _ in said if ANSWER in out] == [f"r done {ANSWER}"]
    traces = Traces(tmp_path)
    assert traces.read("notes") == ["1", "2"]
    assert len(traces.read("sent")) == 1
    begun = traces.read("calls")
    (again,) = {name for name in begun if begun.count(name) > 1}
    assert again.startswith("model critic")  # what was under way when it was killed


class TestWhenTheServerForgets:
    pytestmark = postgres

    @pytest.mark.parametrize("moment", ["begin model critic", "replied"])
    def test_a_worker_that_slept_over_it_has_lost_its_run(self, tmp_path, moment):
        store = new_store()
        with paused(tmp_path, store, moment) as worker:
            worker.send_signal(signal.SIGSTOP)
            shared_server().restart()
            code, out, err = start(tmp_path, "recover", store).wait()
            assert (code, out) == (0, f"r done {ANSWER}"), err
            before = {name: Traces(tmp_path).read(name) for name in ("notes", "sent")}
            (tmp_path / "go").touch()
            worker.send_signal(signal.SIGCONT)
            code, out, err = worker.wait()
        assert (code, out) == (1, "")
        assert "run r was taken over by another process" in err
        assert "\n" not in err
        assert {name: Traces(tmp_path).read(name) for name in before} == before
        assert before["notes"] == ["1", "2"]

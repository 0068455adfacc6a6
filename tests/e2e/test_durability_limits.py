"""A crew short of disk, files, memory and time; servers and signals that come in between."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
import time

import pytest
from crew import ANSWER, Traces
from postgres_server import new_store, postgres, shared_server
from worker_nursery import PROGRAM, work

from bottega.store import open_register


def work_alone(folder, *limits):
    """Run a worker that imports all under limits; return its exit code, output and errors."""

    def limit():
        for what, most in limits:
            resource.setrlimit(what, (most, most))

    done = subprocess.run(
        [sys.executable, PROGRAM, folder, "run"],
        env={**os.environ, "BOTTEGA_STORE": "", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=limit,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def status(store):
    async def asked():
        async with open_register(store) as opened:
            return (await opened.register.get("r")).status

    return asyncio.run(asked())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kilobytes", [16, 64, 96, 128, 160])
def test_a_full_disk_fails_in_one_line_and_the_run_goes_on_when_there_is_room(tmp_path, kilobytes):
    code, out, err = work(tmp_path, "run", (resource.RLIMIT_FSIZE, kilobytes * 1024))
    assert (code, out) == (1, ""), err
    assert err.startswith("error: ")
    assert "bottega.db" in err
    assert "\n" not in err
    before = Traces(tmp_path).read("calls")
    code, out, err = work(tmp_path, "recover")
    assert (code, err) == (0, "")
    if not before:
        assert out in ("", f"r done {ANSWER}")
        return
    assert out.startswith("r done final: ann noted 2")
    assert Traces(tmp_path).read("notes").count("1") <= 1
    assert len(Traces(tmp_path).read("sent")) == 1


def test_a_crew_needs_few_files(tmp_path):
    assert work_alone(tmp_path, (resource.RLIMIT_NOFILE, 64)) == (0, ANSWER, "")


def test_a_crew_needs_little_memory(tmp_path):
    assert work_alone(tmp_path, (resource.RLIMIT_AS, 512 * 2**20)) == (0, ANSWER, "")


class TestInPostgres:
    pytestmark = postgres

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("how", ["immediate", "fast"])
    def test_a_run_outlives_restarts_of_the_server(self, tmp_path, how):
        store, over = new_store(), threading.Event()

        def restart():
            while not Traces(tmp_path).read("calls"):
                time.sleep(0.05)
            while not over.wait(1.5):
                shared_server().restart(how, pause=0.5)

        # slow enough to be met by several restarts: every model call takes a while
        thread = threading.Thread(target=restart)
        thread.start()
        try:
            os.environ["SLOW"] = "0.7"
            code, out, err = work(tmp_path, "run", store=store)
        finally:
            del os.environ["SLOW"]
            over.set()
            thread.join()
        assert (code, out, err) == (0, ANSWER, ""), err
        traces = Traces(tmp_path)
        assert traces.read("notes") == ["1", "2"]
        assert len(traces.read("sent")) == 1
        begun = traces.read("calls")
        assert len(begun) == len(set(begun))

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (("open-sesame-7", "wrong-word-1"), "check user and password"),
            (("/postgres", "/nowhere"), "createdb"),
            (("127.0.0.1:", "127.0.0.1:1"), "is the server running"),
        ],
    )
    def test_what_is_wrong_with_the_address_is_told_in_one_line(self, tmp_path, change, told):
        url = shared_server().url.replace(*change)
        if change[0] == "127.0.0.1:":
            url = url.replace(str(shared_server().port), "")
        code, out, err = work(tmp_path, "run", store=url)
        assert (code, out) == (1, "")
        assert told in err
        assert "\n" not in err
        for secret in ("open-sesame-7", "wrong-word-1"):
            assert secret not in err


def test_an_address_that_is_none_is_told(tmp_path):
    code, _, err = work(tmp_path, "run", store="postgresql://[oops")
    assert code == 2
    assert "no address of a PostgreSQL database" in err
    code, _, err = work(tmp_path, "run", store="postgre://host/db")
    assert code == 2
    assert "unknown checkpointer 'postgre'; did you mean" in err.replace(" (", "; ")


@pytest.mark.parametrize("module", ["psycopg", "langgraph.checkpoint.postgres"])
def test_without_the_extra_the_way_to_it_is_told(tmp_path, module):
    program = f"import sys; sys.modules[{module!r}] = None\n{PROGRAM.read_text()}"
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path, "run"],
        env={
            **os.environ,
            "BOTTEGA_STORE": "postgresql://127.0.0.1/x",
            "PYTHONPATH": os.pathsep.join([*sys.path, str(PROGRAM.parent)]),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'bottega[postgres]'" in done.stderr
    assert "Traceback" not in done.stderr

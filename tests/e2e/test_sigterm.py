"""A process that is told to end: calls under way may end, none begins, the run can be resumed."""

import json
import os
import signal
import subprocess
import sys
import time

import openai_server as server
import pytest

COMMAND = [sys.executable, "-c", "from bottega.cli.main import main; main()"]
GRAPH = """\
nodes: {a: {kind: specialist, tools: [calculator]}}
edges: [start -> a, a -> end]
"""


class Told:
    """A run of the command line that can be told to end."""

    def __init__(self, folder, openai_server, grace):
        (folder / "g.yaml").write_text(GRAPH)
        self._server = openai_server
        url = openai_server.url
        self._where = {
            "cwd": folder,
            "env": {**os.environ, "OPENAI_BASE_URL": url, "BOTTEGA_GRACE": grace},
        }
        self._pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = None

    def start(self, *arguments):
        command = [*COMMAND, *arguments]
        self.process = subprocess.Popen(command, **self._where, **self._pipes)
        self.asked(1)

    def run(self):
        self.start("run", "g.yaml", "hello", "--model", "openai:test")

    def asked(self, times):
        end = time.monotonic() + 60
        while len(self._server.requests) < times:
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)

    def signal(self, *numbers):
        for number in numbers:
            self.process.send_signal(number)
            time.sleep(0.2)  # two that wait together come as one

    def ended(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.strip(), err

    def resumed(self):
        done = subprocess.run(
            [*COMMAND, "resume", "--all", "--json"],
            **self._where,
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        return [one["answer"] for one in json.loads(done.stdout)]


def test_a_call_under_way_ends_and_is_not_made_again(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="30")
    openai_server.replies = [server.call("calculator", {"expression": "1234*5678"}, delay=1.0)]
    told.run()
    told.signal(signal.SIGTERM)
    code, out, err = told.ended()
    assert (code, out) == (143, "")
    assert "stopping: calls under way have 30 seconds to end" in err
    assert "interrupted; go on with: bottega resume " in err
    assert "7006652" not in err  # the tool did not begin
    assert len(openai_server.requests) == 1
    openai_server.replies = [server.text("It is that.")]
    assert told.resumed() == ["It is that."]
    assert len(openai_server.requests) == 2
    assert "7006652" in json.dumps(openai_server.requests[1]["messages"])


def test_a_call_that_takes_longer_is_cut(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="0.3")
    openai_server.replies = [server.text("too late", delay=60)]
    told.run()
    told.signal(signal.SIGTERM)
    code, out, err = told.ended()
    assert (code, out) == (143, "")
    assert "bottega resume" in err
    openai_server.replies = [server.text("in time")]
    assert told.resumed() == ["in time"]


@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(tmp_path, openai_server, second, code):
    told = Told(tmp_path, openai_server, grace="600")
    openai_server.replies = [server.text("too late", delay=300)]
    told.run()
    told.signal(signal.SIGTERM, second)
    ended, out, err = told.ended()
    assert (ended, out) == (code, "")
    assert "bottega resume" in err
    assert "Traceback" not in err


def test_without_grace_it_ends_at_once(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="0")
    openai_server.replies = [server.text("too late", delay=300)]
    told.run()
    told.signal(signal.SIGTERM)
    code, _, err = told.ended()
    assert code == 143
    assert "stopping" not in err


def test_a_run_whose_last_call_is_under_way_answers(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="30")
    openai_server.replies = [server.text("just in time", delay=1.0)]
    told.run()
    told.signal(signal.SIGTERM)
    code, out, err = told.ended()
    assert (code, out) == (0, "just in time")
    assert "interrupted" not in err


def test_runs_that_are_taken_up_halt_too(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="30")
    openai_server.replies = [server.text("too late", delay=60)]
    told.run()
    told.signal(signal.SIGTERM, signal.SIGTERM)
    assert told.ended()[0] == 143
    openai_server.replies = [server.call("calculator", {"expression": "6*7"}, delay=1.0)]
    told.start("resume", "--all")
    told.asked(2)
    told.signal(signal.SIGTERM)
    code, _, err = told.ended()
    assert code == 143
    assert "interrupted; go on with: bottega resume --all" in err
    openai_server.replies = [server.text("It is 42.")]
    assert told.resumed() == ["It is 42."]
    assert len(openai_server.requests) == 3


def test_a_grace_that_is_no_number_is_told(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="soon")
    (tmp_path / "g.yaml").write_text(GRAPH)
    done = subprocess.run(
        [*COMMAND, "run", "g.yaml", "hello", "--model", "openai:test"],
        **told._where,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "BOTTEGA_GRACE must be a number of seconds, not 'soon'" in done.stderr

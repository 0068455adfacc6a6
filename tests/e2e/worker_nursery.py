"""A process that has imported the engine and forks a worker of the crew for each task.

Starting Python anew and importing LangGraph costs a worker more than its work. Run as a script it
takes tasks as lines of JSON; `work` is the way to it. What a worker needs of the crew itself it
imports after the fork, so that each reads its own environment.
"""

import atexit
import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

PROGRAM = Path(__file__).with_name("worker.py")
SECONDS = 100


class Worker:
    """One worker under way."""

    def __init__(self, folder, mode, *limits, **env):
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **env}
        arguments = [str(folder), mode]
        self.pid = _ask("start", {"arguments": arguments, "limits": limits, "env": env})
        self._ended = None

    def poll(self):
        """Return its exit code, output and errors once it has ended; None before."""
        self._ended = self._ended or _ask("poll", self.pid)
        return self._ended and tuple(self._ended)

    def wait(self):
        """Wait for its end; return its exit code, output and errors."""
        self._ended = self._ended or _ask("wait", self.pid)
        return tuple(self._ended)

    def send_signal(self, number):
        """Send a signal, unless it has ended."""
        if not self.poll():
            os.kill(self.pid, number)


def work(folder, mode, *limits, store=""):
    """Run a worker under limits; return its exit code, output and errors."""
    return Worker(folder, mode, *limits, BOTTEGA_STORE=str(store)).wait()


def _ask(*what):
    process = _nursery()
    process.stdin.write(f"{json.dumps(what)}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@cache
def _nursery():
    """The nursery of this process; it ends with it."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate, "")
    return process


def _serve():
    files = {}
    for line in iter(sys.stdin.readline, ""):
        what, argument = json.loads(line)
        if what == "start":
            out = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it has been read
            err = tempfile.TemporaryFile()  # noqa: SIM115
            child = os.fork()
            if not child:
                _become(argument, out, err)
                return
            files[child] = (out, err)
            answer = child
        else:
            answer = _ended(argument, files, os.WNOHANG if what == "poll" else 0)
        print(json.dumps(answer), flush=True)


def _ended(child, files, options):
    ended, status = os.waitpid(child, options)
    if not ended:
        return None
    return [os.waitstatus_to_exitcode(status), *map(_text, files.pop(child))]


def _become(task, out, err):
    """Be the worker: what ends it ends this process as it would end one of its own."""
    with Path(os.devnull).open("rb") as nothing:
        for number, file in enumerate((nothing, out, err)):
            os.dup2(file.fileno(), number)
    signal.alarm(SECONDS)
    os.environ.clear()
    os.environ.update(task["env"])
    for what, most in task["limits"]:
        resource.setrlimit(what, (most, most))
    sys.argv = [str(PROGRAM), *task["arguments"]]
    runpy.run_path(str(PROGRAM), run_name="__main__")


def _text(file):
    with file:
        file.seek(0)
        return file.read().decode().strip()


if __name__ == "__main__":
    import bottega_agents.engine
    import bottega_agents.recovery
    import bottega_agents.storage.postgres  # noqa: F401  # before any worker needs them

    _serve()

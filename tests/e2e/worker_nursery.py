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


def work(folder, mode, *limits, store=""):
    """Run a worker under limits; return its exit code, output and errors."""
    env = {**os.environ, "BOTTEGA_STORE": str(store), "OPENBLAS_NUM_THREADS": "1"}
    process = _nursery()
    task = {"arguments": [str(folder), mode], "limits": limits, "env": env}
    process.stdin.write(f"{json.dumps(task)}\n")
    process.stdin.flush()
    return tuple(json.loads(process.stdout.readline()))


@cache
def _nursery():
    """The nursery of this process; it ends with it."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate, "")
    return process


def _serve():
    for line in iter(sys.stdin.readline, ""):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                _become(json.loads(line), out, err)
                return
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(json.dumps([code, *map(_text, (out, err))]), flush=True)


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
    file.seek(0)
    return file.read().decode().strip()


if __name__ == "__main__":
    import bottega_agents.engine
    import bottega_agents.recovery
    import bottega_agents.storage.postgres  # noqa: F401  # before any worker needs them

    _serve()

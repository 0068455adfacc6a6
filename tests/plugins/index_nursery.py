"""A process that has imported everything and forks a child for each task over an index.

Starting Python anew for each of many tasks would cost a second each. Run as a script it takes tasks
as lines of JSON and answers with how the child ended and what it told; `Nursery` is the way to it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from hash_embedder import HashEmbedder

from bottega.errors import StorageError
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


class Nursery:
    """Runs tasks in processes of their own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, **task: Any) -> dict[str, Any]:
        """Run one task and wait for its end."""
        return self.run_all([task])[0]

    def run_all(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run tasks at once and wait for the end of all."""
        self.start(tasks)
        return self.wait()

    def start(self, tasks: list[dict[str, Any]]) -> None:
        """Start tasks."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(tasks)}\n")
        self._process.stdin.flush()

    def wait(self) -> list[dict[str, Any]]:
        """Wait for the end of all that was started."""
        assert self._process.stdout
        ended: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return ended

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate("")


class Calls:
    """Counts calls of the index's functions, in all threads, and may kill the process at one."""

    def __init__(self, kill_at: int) -> None:
        self.made = 0
        self._kill_at = kill_at
        threading.setprofile(self._count)
        sys.setprofile(self._count)

    def _count(self, frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or "knowledge/index" not in frame.f_code.co_filename:
            return
        self.made += 1
        if self.made == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def update(docs: str, kill_at: int = 0, largest_file: int = 0) -> dict[str, Any]:
    """Update an index; count calls, be killed at one of them, or be refused large files."""
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    base = KnowledgeBase.open(docs, HashEmbedder())
    calls = Calls(kill_at)
    try:
        base.update()
    except StorageError as error:
        return {"error": error.message, "hint": error.hint}
    return {"calls": calls.made}


def add(path: str, kill_at: int = 0) -> dict[str, Any]:
    """Add documents to an index by itself; count calls, or be killed at one of them."""
    base = KnowledgeBase.open(path, HashEmbedder())
    calls = Calls(kill_at)
    base.add((f"note {number}", f"Frog number {number}.") for number in range(20))
    return {"calls": calls.made}


def read(docs: str, signs: str, name: str) -> dict[str, Any]:
    """Search again and again; say what was seen of documents that always change together.

    The file `name` among the signs says that the first state was seen; `stop` ends it.
    """
    base = KnowledgeBase.open(docs, HashEmbedder())
    states: list[list[str]] = []
    last = False
    while not last:
        last = Path(signs, "stop").exists()
        found = base.search("state of the twins", 10)
        state = sorted(citation.quote for citation in found if "twin" in citation.source)
        if not states or states[-1] != state:
            states.append(state)
        Path(signs, name).touch()
    return {"states": states}


TASKS = {"update": update, "add": add, "read": read}


def _serve() -> None:
    for line in sys.stdin:
        children = [_fork(task) for task in json.loads(line)]
        print(json.dumps([_ended(*child) for child in children]), flush=True)


def _fork(task: dict[str, Any]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(theirs)
        return child, ours
    try:
        told = TASKS[task.pop("task")](**task)
        os.write(theirs, json.dumps(told).encode())
        os._exit(0)
    except BaseException as error:
        os.write(theirs, json.dumps({"failed": repr(error)}).encode())
        os._exit(1)


def _ended(child: int, pipe: int) -> dict[str, Any]:
    with os.fdopen(pipe, "rb") as file:
        told = file.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), **(json.loads(told) if told else {})}


if __name__ == "__main__":
    import bm25s  # noqa: F401  # before any child needs them
    import faiss  # noqa: F401

    sys.path.insert(0, str(Path(__file__).parent))
    _serve()

"""A PostgreSQL server whose disk is full: the run says so, and goes on when there is room again."""

import contextlib
import random
import subprocess
import tempfile
from pathlib import Path

import pytest
from postgres_server import Server, postgres
from test_budget_nodes import final, of
from test_graph_inner import build
from test_team import parts, run

from bottega import tool
from bottega.events import Failure
from bottega.testing import ScriptedModel, call

pytestmark = postgres


@pytest.fixture
def disk():
    """A disk of 120 MB, and a server on it."""
    folder = Path(tempfile.mkdtemp(prefix="bottega-disk-"))  # the server has a user of its own
    mounted = ["mount", "-t", "tmpfs", "-o", "size=120m,mode=755", "tmpfs", str(folder)]
    try:
        subprocess.run(mounted, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        folder.rmdir()
        pytest.skip("no small disk can be mounted here")
    try:
        server = Server(folder).start()
        try:
            yield folder, server
        finally:
            server.stop("immediate")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no room on the disk; return what takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(1 << 16))
    with filler.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(512))
    return filler


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(disk):
    folder, server = disk
    store = server.database("runs")
    read, fillers = [], []

    @tool(effects="none")
    def look(at: str) -> str:
        """Look."""
        read.append(at)
        if at == "big" and not fillers:
            fillers.append(fill(folder))
        return random.Random(at).randbytes(150_000).hex() if at == "big" else "small"

    def crew(*replies):
        return build(
            ["start -> a", "a -> end"], a=parts("a", ScriptedModel(*replies), tools=[look])
        )

    job = {"run_id": "r", "store": store}
    events = run(crew(call("look", at="small"), call("look", at="big"), "never"), **job)
    assert events[-1].status == "failed"
    failures = [event for event in of(events, Failure) if event.fatal]
    assert {failure.error for failure in failures} == {"StorageError"}
    assert "No space left on device" in failures[-1].message
    assert "open-sesame-7" not in failures[-1].message
    fillers[0].unlink()
    again = run(crew("Seen all."), task="", resume=True, **job)
    assert (again[-1].status, final(again)) == ("done", ["Seen all."])
    assert read == ["small", "big", "big"]  # what was kept is not done again

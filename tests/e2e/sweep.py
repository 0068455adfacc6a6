"""Kill a crew at every moment there is, take it up again, and say what came of it.

    python sweep.py FOLDER each|chain FIRST STEP

`each`: one run for each moment FIRST, FIRST+STEP, ...: killed there, recovered once. `chain`: one
run that is killed again and again, each time STEP moments after it was taken up. A moment is before
and after every write to the store (journal, checkpoint, register), every event, every model call
and every effect. Prints a line of JSON for each run.
"""

import asyncio
import gc
import json
import os
import signal
import sys
from pathlib import Path

from crew import Traces, crew, store_in

from bottega import Budget
from bottega.engine import Job
from bottega.errors import InputError
from bottega.events import Answer
from bottega.register import Register
from bottega.store import open_register
from bottega_agents.engine import LangGraphEngine
from bottega_agents.recovery import recover_team
from bottega_agents.storage.log import JournalLog
from bottega_agents.storage.postgres import PostgresSaver
from bottega_agents.storage.sqlite import InlineSqliteSaver
from bottega_agents.storage.stores import close_stores

MOST = 40
"""Kills of one run; then it is let through."""


class Moments:
    """Counts the moments, and kills at one of them."""

    def __init__(self, traces: Traces, last: int):
        self.traces = traces
        self.left = last

    def at(self, moment: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.traces.write("killed", json.dumps([moment, sorted(self.traces.in_flight)]))
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, kind, name: str) -> None:
        """Make two moments of each call of a method."""
        method = getattr(kind, name)

        async def call(*args, **kwargs):
            self.at(f"before {name}")
            intent = kind is JournalLog and "/intent/" in args[1]
            if intent:  # a server may have it before we hear so
                self.traces.start(f"once, not begun yet: {args[1]} of journal {id(args[0])}")
            result = await method(*args, **kwargs)
            if kind is JournalLog and not intent:
                self.traces.recorded()
            self.at(f"after {name}")
            return result

        setattr(kind, name, call)


def child(folder: Path, last: int, *, resume: bool) -> int:
    """Work in a forked process until it ends or is killed; return its status."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    code = 3
    try:
        traces = Traces(folder)
        moments = Moments(traces, last)
        traces.at = moments.at
        for kind in (InlineSqliteSaver, PostgresSaver):
            for name in ("aput", "aput_writes"):
                moments.around(kind, name)
        moments.around(JournalLog, "write")
        for name in ("accept", "finish"):
            moments.around(Register, name)
        asyncio.run(recover(traces) if resume else begin(traces, moments))
        code = 0
    except BaseException as error:
        traces.write("errors", repr(error))
    finally:
        os._exit(code)


async def begin(traces: Traces, moments: Moments) -> None:
    job = Job(task="go", limits=Budget(), run_id=traces.folder.name, store=store_in(traces.folder))
    async for event in LangGraphEngine().stream(crew(traces), job):
        traces.write("heard", event.kind)
        if isinstance(event, Answer) and event.final:
            traces.write("answers", event.text)
        moments.at(f"event {event.kind}")


async def recover(traces: Traces) -> None:
    store = store_in(traces.folder)
    for found in await recover_team(LangGraphEngine(), crew(traces), store):
        text = found.result.answer if found.result else found.problem
        traces.write("answers", text)
        traces.write("recovered", f"{found.run.run_id} {found.status}")


def judged(folder: Path) -> dict:
    traces = Traces(folder)
    begun = traces.read("calls")
    killed = [json.loads(line) for line in traces.read("killed")]
    excused = {name for _, names in killed for name in names}
    again = {name for name in begun if begun.count(name) > 1}
    return {
        "moments": [moment for moment, _ in killed],
        "accepted": bool(traces.read("heard")),
        "status": status(folder),
        "answer": (traces.read("answers") or [""])[-1],
        "recovered": traces.read("recovered"),
        "repeated": sorted(again - excused),
        "twice": sorted(name for name in again if name.startswith("once")),
        "missing": 2 - len(set(traces.read("notes"))),
        "sent": traces.read("sent"),
        "unknown": sum(name.startswith("once") for name in excused),
        "errors": traces.read("errors"),
        "calls": len(begun),
    }


def status(folder: Path) -> str:
    """Return what the register says of the run; empty where it was never accepted."""

    async def asked() -> str:
        async with open_register(store_in(folder)) as store:
            return (await store.register.get(folder.name)).status

    try:
        return asyncio.run(asked())
    except InputError:
        return ""


def each(folder: Path, first: int, step: int) -> None:
    number = first
    while True:
        mine = folder / f"run{number}"
        mine.mkdir()
        status = child(mine, number, resume=False)
        if os.WIFSIGNALED(status):
            child(mine, 0, resume=True)
        print(json.dumps(judged(mine)), flush=True)
        if not os.WIFSIGNALED(status):
            return
        number += step


def chain(folder: Path, first: int, step: int) -> None:
    mine = folder / f"chain{step}"
    mine.mkdir()
    status = child(mine, first, resume=False)
    for _ in range(MOST):
        if os.WIFSIGNALED(status):
            status = child(mine, step, resume=True)
    if os.WIFSIGNALED(status):
        child(mine, 0, resume=True)
    print(json.dumps(judged(mine)), flush=True)


def warm(folder: Path) -> None:
    """Do before the first fork what a process does once: import, compile, read hints."""
    mine = folder / "warm"
    mine.mkdir()
    traces = Traces(mine)
    job = Job(task="go", limits=Budget(), run_id="warm", store=mine / "bottega.db")

    async def once() -> None:
        async for event in LangGraphEngine().stream(crew(traces), job):
            event.dumps()

    asyncio.run(once())
    close_stores()
    gc.freeze()  # the children copy no page for the collector's sake


if __name__ == "__main__":
    warm(Path(sys.argv[1]))
    way = {"each": each, "chain": chain}[sys.argv[2]]
    way(Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4]))

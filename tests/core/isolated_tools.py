"""Tools that need a process of their own; a module, since another process imports them."""

from __future__ import annotations

import asyncio
import ctypes
import datetime
import enum
import locale
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from bottega.errors import ToolError
from bottega.messages import Citation
from bottega.tools import Output, Tool, ToolContext, tool


class Color(enum.Enum):
    RED = "red"


@tool(isolation="process")
def describe(color: Color, when: datetime.date, numbers: set[int], context: ToolContext) -> str:
    """Say what arrived."""
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return f"{color!r} {when!r} {numbers!r} {context.node} {context.key} {os.getpid()}"


@tool(isolation="process")
async def cited(text: str) -> Output:
    """Return more than text."""
    await asyncio.sleep(0)
    citation = Citation(key="a:1", source="a", start=0, end=1)
    return Output(content=text, citations=(citation,), final=True)


@tool(isolation="process")
def end_with(how: str) -> str:
    """End the process in some way."""
    print("last words", flush=True)
    if how == "exit":
        os._exit(7)
    elif how == "sys.exit":
        sys.exit(7)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "kill parent":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(20)
    elif how == "tool error":
        raise ToolError("no luck", hint="try x")
    elif how == "error":
        raise ValueError("bad")
    return "alive"


@tool(isolation="process", timeout=0.5)
def spin_in_c() -> int:
    """Hang where no Python code runs."""
    return sum(range(10**11))


@tool(isolation="process", timeout=0.5)
def flood() -> None:
    """Write without end, past Python's own standard output."""
    while True:
        os.write(1, b"x" * 100_000)


@tool(isolation="process")
def print_much() -> str:
    """Write a megabyte."""
    os.write(1, b"y" * 1_000_000)
    return "printed"


@tool(isolation="process", memory=256 << 20)
def allocate(size: int) -> int:
    """Take memory."""
    return len(bytearray(size))


@tool(isolation="process", timeout=5.0)
def leave_daemon(path: str, hang: bool) -> str:
    """Leave a child of a child in a session of its own, and a thread."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            Path(path).write_text(f"{os.getpid()}\n")
            time.sleep(60)
        os._exit(0)
    os.waitpid(pid, 0)
    sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
    while not (Path(path).exists() and Path(path).read_text().endswith("\n")):
        time.sleep(0.005)
    with Path(path).open("a") as file:
        file.write(f"{sleeper.pid}\n")
    threading.Thread(target=time.sleep, args=(60,)).start()
    time.sleep(60 if hang else 0)
    return "left"


@tool(isolation="process")
def spoil_process(folder: str) -> str:
    """Change whatever belongs to the whole process."""
    os.chdir(folder)
    os.environ["BOTTEGA_SPOILED"] = "yes"
    sys.setrecursionlimit(99)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    locale.setlocale(locale.LC_ALL, "C")
    return "spoiled"


@tool(isolation="process")
def look_at_process() -> str:
    """Say how the process is."""
    return " ".join(
        [
            str(Path.cwd()),
            os.environ.get("BOTTEGA_SPOILED", "no"),
            str(sys.getrecursionlimit()),
            str(signal.getsignal(signal.SIGTERM)),
        ]
    )


@tool(isolation="process")
def surrogate(text: str) -> str:
    """Return text that no encoding takes."""
    return text + "\ud800"


class Shelf(Tool):
    """A tool as a class."""

    isolation = "process"

    def run(self, title: str) -> str:
        """Find a book."""
        return title.upper()

"""Tools for processes of their own that go past Python, to the system itself."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from pathlib import Path

from bottega.tools import tool


def _outcome(answer: int) -> str:
    return "done" if answer >= 0 else f"failed: {os.strerror(ctypes.get_errno())}"


@tool(isolation="process")
def open_socket(family: int) -> str:
    """Open a socket without Python's knowing."""
    return _outcome(ctypes.CDLL(None, use_errno=True).socket(family, 1, 0))


@tool(isolation="process")
def fork() -> str:
    """Fork without Python's knowing."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid = libc.fork()
    if pid == 0:
        os._exit(0)
    return _outcome(pid)


@tool(isolation="process")
def execute() -> str:
    """Become another program without Python's knowing."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_char_p * 2)(b"/bin/true", None)
    return _outcome(libc.execv(b"/bin/true", arguments))


@tool(isolation="process")
def signal_parent() -> str:
    """Signal another process without Python's knowing."""
    return _outcome(ctypes.CDLL(None, use_errno=True).kill(os.getppid(), 0))


@tool(isolation="process")
def ring() -> str:
    """Make a ring, by which files and sockets can be opened."""
    parameters = ctypes.create_string_buffer(120)
    return _outcome(ctypes.CDLL(None, use_errno=True).syscall(425, 1, parameters))


@tool(isolation="process")
def open_file(path: str, flags: int) -> str:
    """Open a file without Python's knowing."""
    libc = ctypes.CDLL(None, use_errno=True)
    return _outcome(libc.open(path.encode(), flags, 0o600))


@tool(isolation="process")
def remove_file(path: str) -> str:
    """Remove a file without Python's knowing."""
    return _outcome(ctypes.CDLL(None, use_errno=True).unlink(path.encode()))


@tool(isolation="process")
def count_descriptors() -> str:
    """Count what is open beyond the three streams."""
    names = [int(each) for each in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return str(len([each for each in names if each > 2]))


@tool(isolation="process")
def work_in_thread() -> str:
    """Start a thread, which is no process, and import something."""
    import colorsys

    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(colorsys.__name__))
    thread.start()
    thread.join()
    return done[0]


@tool(isolation="process")
def run_program() -> str:
    """Run a program."""
    return subprocess.run(["echo", "hello"], capture_output=True, text=True, check=True).stdout


@tool(isolation="process")
def connect(host: str, port: int) -> str:
    """Connect as Python does."""
    socket.create_connection((host, port), timeout=5).close()
    return "connected"


@tool(isolation="process")
def write(path: str) -> str:
    """Write as Python does."""
    Path(path).write_text("x")
    return "written"

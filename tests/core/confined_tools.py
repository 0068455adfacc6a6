"""Tools that try to do more than they declare, for the tests of confinement."""

from __future__ import annotations

import _thread
import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.util import spawnv_passfds  # type: ignore[attr-defined]
from pathlib import Path
from queue import SimpleQueue

SECRET = Path("/etc/passwd")
PORT = [0]
FOLDER = [Path()]


def connect() -> str:
    """Connect."""
    socket.create_connection(("localhost", PORT[0]), timeout=5).close()
    return "connected"


def connect_to_address() -> str:
    """Connect without looking a name up."""
    with socket.socket() as one:
        one.settimeout(5)
        one.connect(("127.0.0.1", PORT[0]))
    return "connected"


def send_a_datagram() -> str:
    """Send."""
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))
    return "sent"


def listen() -> str:
    """Listen."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
    return "bound"


async def connect_async() -> str:
    """Connect in the event loop."""
    _, writer = await asyncio.open_connection("localhost", PORT[0])
    writer.close()
    await writer.wait_closed()
    return "connected"


async def read_in_executor() -> str:
    """Read in a thread of the event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, read)


async def read_in_thread() -> str:
    """Read in a thread that asyncio makes."""
    return await asyncio.to_thread(read)


async def read_in_task() -> str:
    """Read in a task."""
    return await asyncio.create_task(read_async())


async def read_async() -> str:
    """Read."""
    return read()


def read() -> str:
    """Read."""
    return SECRET.read_text()[:4]


def read_with_os() -> str:
    """Read through a descriptor."""
    descriptor = os.open(SECRET, os.O_RDONLY)
    try:
        return os.read(descriptor, 4).decode()
    finally:
        os.close(descriptor)


def read_lazily() -> Iterator[str]:
    """Read while the result is made."""
    yield SECRET.read_text()[:4]


async def read_lazily_async() -> AsyncIterator[str]:
    """Read while the result is made."""
    yield SECRET.read_text()[:4]


def _in(start: Callable[[Callable[[], None]], object]) -> str:
    answers: SimpleQueue[str] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(read())
        except OSError as error:
            answers.put(str(error))

    start(work)
    answer = answers.get(timeout=10)
    if "denied" in answer:
        raise PermissionError(answer)
    return answer


def read_in_own_thread() -> str:
    """Read in a thread."""
    return _in(lambda work: threading.Thread(target=work).start())


def read_in_raw_thread() -> str:
    """Read in a thread of the lowest kind."""
    return _in(lambda work: _thread.start_new_thread(work, ()))


def read_in_thread_of_thread() -> str:
    """Read in a thread of a thread."""

    def outer(work: Callable[[], None]) -> None:
        threading.Thread(target=lambda: threading.Thread(target=work).start()).start()

    return _in(outer)


def read_in_pool() -> str:
    """Read in a pool."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read).result()


def list_folder() -> str:
    """List."""
    return str(any(True for _ in Path("/etc").iterdir()))


def write() -> str:
    """Write."""
    (FOLDER[0] / "new").write_text("x")
    return "written"


def remove() -> str:
    """Remove."""
    (FOLDER[0] / "there").unlink()
    return "removed"


def rename() -> str:
    """Rename."""
    (FOLDER[0] / "there").rename(FOLDER[0] / "elsewhere")
    return "renamed"


def link() -> str:
    """Link."""
    (FOLDER[0] / "link").symlink_to("/etc")
    return "linked"


def make_folder() -> str:
    """Make a folder."""
    (FOLDER[0] / "folder").mkdir()
    return "made"


def open_database() -> str:
    """Make a database."""
    sqlite3.connect(FOLDER[0] / "new.db").close()
    return "made"


def start_program() -> str:
    """Start a program."""
    return subprocess.run(["true"], check=True).args[0]  # type: ignore[no-any-return]


def use_shell() -> str:
    """Start a shell."""
    return str(os.system("true"))  # pyright: ignore[reportDeprecated]  # that is the point


def spawn() -> str:
    """Start a program as multiprocessing does."""
    pid = spawnv_passfds(b"/bin/true", [b"/bin/true"], [])  # type: ignore[attr-defined]
    return str(os.waitpid(pid, 0)[1])


def remove_tree() -> str:
    """Remove a whole folder."""
    shutil.rmtree(FOLDER[0] / "tree")
    return "removed"


def remove_beneath() -> str:
    """Remove what lies in an open folder."""
    descriptor = os.open("/usr/share", os.O_RDONLY)
    try:
        os.unlink("no-such-file", dir_fd=descriptor)
    finally:
        os.close(descriptor)
    return "removed"


NETWORK = (connect, connect_to_address, send_a_datagram, listen, connect_async)
READING = (
    read,
    read_async,
    read_with_os,
    read_lazily,
    read_lazily_async,
    read_in_executor,
    read_in_thread,
    read_in_task,
    read_in_own_thread,
    read_in_raw_thread,
    read_in_thread_of_thread,
    read_in_pool,
    list_folder,
)
WRITING = (write, remove, remove_tree, rename, link, make_folder, open_database)
PROCESSES = (start_program, use_shell, spawn)

"""A Python that has imported a module of tools and forks a process for each call of one.

Started as `python -m bottega.isolation.zygote FD`. On the socket FD comes first a JSON object with
the module and the host's `sys.path`, then a socket for each call. It ends when the host closes FD.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import socket
import sys
from collections.abc import Callable

from bottega.isolation.processes import adopt_orphans, end_family, end_strays
from bottega.isolation.warden import watch
from bottega.isolation.wire import frame
from bottega.rendering import describe

MAX_START = 1_000_000
"""Bytes of the first message."""
_FAREWELL = 3.0
"""Seconds that wardens have for their own farewells when the host goes."""


def main() -> None:
    """Serve until the host goes away."""
    control = socket.socket(fileno=int(sys.argv[1]))
    adopt_orphans()
    start = json.loads(control.recv(MAX_START))
    sys.path[:] = start["path"]
    problem = _import(start["module"])
    gc.collect()
    gc.freeze()  # what is shared stays shared: no collection writes to it
    _serve(control, problem)


def _import(module: str) -> str:
    """Import the module; return what went wrong."""
    try:
        importlib.import_module(module)
    except BaseException as error:  # noqa: BLE001  # SystemExit too must be told, not obeyed
        return f"{module} cannot be imported in a process of its own: {describe(error)}"
    return ""


def _serve(control: socket.socket, problem: str) -> None:
    """Hand each call to a warden that is ready, and make the next one ready."""
    watched = select.poll()
    watched.register(control, select.POLLIN)
    wardens: dict[int, int] = {}

    def prepare() -> socket.socket:
        pid, way = _fork(control)
        ended = os.pidfd_open(pid)
        wardens[ended] = pid
        watched.register(ended, select.POLLIN)
        return way

    ready = None if problem else prepare()
    while True:
        for fd, _ in watched.poll():
            if fd in wardens:
                watched.unregister(fd)
                os.close(fd)
                del wardens[fd]
                end_strays(wardens.values())
                continue
            message, received, _, _ = socket.recv_fds(control, 16, 1)
            if not message:
                if ready is not None:
                    ready.close()
                end_family(after=_FAREWELL)
                return
            with socket.socket(fileno=received[0]) as call:
                if ready is None:
                    call.sendall(frame({"error": problem, "hint": "", "printed": "", "dropped": 0}))
                    continue
                _hand_over(call, ready, prepare)
            ready = prepare()


def _hand_over(
    call: socket.socket, ready: socket.socket, prepare: Callable[[], socket.socket]
) -> None:
    try:
        with ready:
            socket.send_fds(ready, [b"call"], [call.fileno()])
    except OSError:  # somebody has killed it while it waited
        with prepare() as way:
            socket.send_fds(way, [b"call"], [call.fileno()])


def _fork(control: socket.socket) -> tuple[int, socket.socket]:
    """Make a warden; return its process and the way by which it gets its call."""
    way, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        control.close()
        way.close()
        watch(other_end)
    other_end.close()
    return pid, way


if __name__ == "__main__":
    main()

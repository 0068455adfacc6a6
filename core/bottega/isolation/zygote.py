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
    watched = select.poll()
    watched.register(control, select.POLLIN)
    wardens: dict[int, int] = {}
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
                end_family(after=_FAREWELL)
                return
            with socket.socket(fileno=received[0]) as call:
                if problem:
                    call.sendall(frame({"error": problem, "hint": "", "printed": "", "dropped": 0}))
                    continue
                pid = _fork(control, call)
                wardens[os.pidfd_open(pid)] = pid
                watched.register(list(wardens)[-1], select.POLLIN)


def _fork(control: socket.socket, call: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        control.close()
        watch(call)
    return pid


if __name__ == "__main__":
    main()

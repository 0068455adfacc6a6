"""The process that watches over one call: it collects what the worker says and ends what it leaves.

The host wants the call to end when it closes its side of the socket, whatever the reason: a
deadline, a cancellation, its own death.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Mapping
from typing import Any

from bottega.isolation.processes import adopt_orphans, end_family
from bottega.isolation.wire import HEADER, MAX_FRAME, frame, frame_size, unframe
from bottega.isolation.worker import work
from bottega.messages import Json
from bottega.printed import MAX_PRINTED
from bottega.rendering import describe

_CHUNK = 65_536


def watch(host: socket.socket) -> None:
    """Carry out the one request that comes from the host. Does not return."""
    try:
        adopt_orphans()
        request = _read_request(host)
        if request is not None:
            _Call(host, request).carry_out()
    except Exception as error:  # noqa: BLE001  # told to the host, which is all that is left
        problem = f"the call could not be watched over: {describe(error)}"
        host.sendall(frame({"error": problem, "hint": "", "printed": "", "dropped": 0}))
    finally:
        os._exit(0)


def _read_request(host: socket.socket) -> Mapping[str, Json] | None:
    data = bytearray()
    while (request := unframe(data)) is None:
        chunk = host.recv(max(_CHUNK, (frame_size(data) or 0) - len(data)))
        if not chunk:
            return None
        data += chunk
    return request  # type: ignore[no-any-return]  # the host sends objects


class _Call:
    """A worker and what comes from it."""

    def __init__(self, host: socket.socket, request: Mapping[str, Json]) -> None:
        self._host = host
        self._result = bytearray()
        self._printed = bytearray()
        self._dropped = 0
        result, result_end = os.pipe()
        output, output_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            host.close()
            os.close(result)
            os.close(output)
            work(request, result_end, output_end)
        os.close(result_end)
        os.close(output_end)
        self._pipes = {result: self._take_result, output: self._take_output}
        for pipe in self._pipes:
            os.set_blocking(pipe, False)

    def carry_out(self) -> None:
        """Wait for the worker or for the host, end what is left, and reply."""
        ended = self._wait()
        if not ended:
            end_family()
            return
        _, status = os.waitpid(self._pid, 0)
        for pipe, take in self._pipes.items():
            while self._read(pipe, take):
                pass
        end_family()
        self._host.sendall(frame(self._reply(status)))

    def _wait(self) -> bool:
        """Collect until the worker has ended: True. False when the host has gone away."""
        watched = select.poll()
        ended = os.pidfd_open(self._pid)
        watched.register(ended, select.POLLIN)
        watched.register(self._host, select.POLLIN | select.POLLRDHUP)
        for pipe in self._pipes:
            watched.register(pipe, select.POLLIN)
        while True:
            ready = {fd for fd, _ in watched.poll()}
            if self._host.fileno() in ready:
                return False
            for pipe in self._pipes.keys() & ready:
                if not self._read(pipe, self._pipes[pipe]):
                    watched.unregister(pipe)
            if ended in ready:
                return True

    def _read(self, pipe: int, take: Any) -> bool:
        """Take what is in the pipe; False when there is nothing now, or nothing ever more."""
        try:
            data = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return False
        take(data)
        return bool(data)

    def _take_result(self, data: bytes) -> None:
        if len(self._result) <= MAX_FRAME + HEADER.size:
            self._result += data

    def _take_output(self, data: bytes) -> None:
        room = 4 * MAX_PRINTED - len(self._printed)
        self._printed += data[: max(0, room)]
        self._dropped += len(data) - len(data[: max(0, room)])

    def _reply(self, status: int) -> Json:
        try:
            reply = unframe(self._result)
        except ValueError:
            reply = None
        if not isinstance(reply, dict):
            reply = {"died": _how(status)}
        printed = self._printed.decode("utf-8", "replace")
        dropped = self._dropped + max(0, len(printed) - MAX_PRINTED)
        return {**reply, "printed": printed[:MAX_PRINTED], "dropped": dropped}


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exited with status {code} and without a result"
    try:
        name = f", {signal.Signals(-code).name}"
    except ValueError:
        name = ""
    return f"died (signal {-code}{name})"

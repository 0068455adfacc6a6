"""The process that watches over one call: it collects what the worker says and ends what it leaves.

The host wants the call to end when it closes its side of the socket, whatever the reason: a
deadline, a cancellation, its own death.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from typing import Any

from bottega.isolation.processes import adopt_orphans, end_family
from bottega.isolation.wire import HEADER, MAX_FRAME, frame, frame_size, unframe
from bottega.isolation.worker import work
from bottega.messages import Json
from bottega.printed import MAX_PRINTED
from bottega.rendering import describe

_CHUNK = 65_536


def watch(zygote: socket.socket) -> None:
    """Wait for the socket of a call, carry the call out, and end. Does not return.

    The worker is made beforehand, so that a call need not wait for it.
    """
    try:
        adopt_orphans()
        call = _Call()
        message, received, _, _ = socket.recv_fds(zygote, 16, 1)
        zygote.close()
        if message:
            _serve(call, socket.socket(fileno=received[0]))
    finally:
        end_family()
        os._exit(0)


def _serve(call: _Call, host: socket.socket) -> None:
    try:
        request = _read_request(host)
        if request is not None:
            call.carry_out(host, request)
    except Exception as error:  # noqa: BLE001  # told to the host, which is all that is left
        problem = f"the call could not be watched over: {describe(error)}"
        host.sendall(frame({"error": problem, "hint": "", "printed": "", "dropped": 0}))


def _read_request(host: socket.socket) -> bytes | None:
    """Read the frame of the request; None when the host goes away before it is complete."""
    data = bytearray()
    while (size := frame_size(data)) is None or len(data) < size:
        chunk = host.recv(max(_CHUNK, (size or 0) - len(data)))
        if not chunk:
            return None
        data += chunk
    return bytes(data)


class _Call:
    """A worker and what comes from it."""

    def __init__(self) -> None:
        self._result = bytearray()
        self._printed = bytearray()
        self._dropped = 0
        orders_end, self._orders = os.pipe()
        result, result_end = os.pipe()
        output, output_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            for end in (self._orders, result, output):
                os.close(end)
            work(orders_end, result_end, output_end)
        for end in (orders_end, result_end, output_end):
            os.close(end)
        self._pipes = {result: self._take_result, output: self._take_output}
        for pipe in self._pipes:
            os.set_blocking(pipe, False)

    def carry_out(self, host: socket.socket, request: bytes) -> None:
        """Wait for the worker or for the host, end what is left, and reply."""
        with suppress(BrokenPipeError), os.fdopen(self._orders, "wb") as orders:
            orders.write(request)
        if not self._wait(host):
            return
        _, status = os.waitpid(self._pid, 0)
        for pipe, take in self._pipes.items():
            while self._read(pipe, take):
                pass
        end_family()
        host.sendall(frame(self._reply(status)))

    def _wait(self, host: socket.socket) -> bool:
        """Collect until the worker has ended: True. False when the host has gone away."""
        watched = select.poll()
        ended = os.pidfd_open(self._pid)
        watched.register(ended, select.POLLIN)
        watched.register(host, select.POLLIN | select.POLLRDHUP)
        for pipe in self._pipes:
            watched.register(pipe, select.POLLIN)
        while True:
            ready = {fd for fd, _ in watched.poll()}
            if host.fileno() in ready:
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

"""The host's side of isolated calls: zygotes, kept warm, and the way there and back.

A zygote belongs to the process, not to an event loop: any loop in any thread may use it. When one
has died the next call starts another.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
from dataclasses import fields
from typing import Any

from bottega.errors import InputError, ToolError
from bottega.isolation.target import Target, find_target
from bottega.isolation.wire import frame, frame_size, output_from_json, unframe
from bottega.messages import Json
from bottega.tools import Output, Tool, ToolContext

MAX_ZYGOTES = 8
"""Modules kept warm; the one that was used longest ago makes room."""
_FAREWELL = 5.0
_PLAIN = (str, int, float, bool, type(None))
"""What of a context can go along: nobody can be asked from there, and nothing be called."""
_CHUNK = 65_536


async def call_in_process(
    tool: Tool, arguments: dict[str, Any], context: ToolContext, seconds: float | None
) -> Output:
    """Call the tool in a process of its own and end everything that it started.

    Raises ToolError for what goes wrong there, TimeoutError after the seconds, and InputError when
    the tool cannot be called in another process at all.
    """
    if sys.platform != "linux":
        raise InputError("isolation='process' needs Linux", hint="drop it, or run in a container")
    target = find_target(tool)
    request = _request(target, tool, arguments, context, seconds)
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            zygote = _send(target.module, theirs)
        ours.setblocking(False)
        async with asyncio.timeout(seconds):
            reply = await _exchange(ours, frame(request))
    if reply is None:
        raise ToolError(f"the tool's process {zygote.fate()}")
    return _read(reply)


def _request(
    target: Target,
    tool: Tool,
    arguments: dict[str, Any],
    context: ToolContext,
    seconds: float | None,
) -> dict[str, Json]:
    known = {item.name: getattr(context, item.name) for item in fields(context)}
    plain: dict[str, Json] = {
        name: value for name, value in known.items() if isinstance(value, _PLAIN)
    }
    plain["allowed"] = context.allowed.texts()
    own = type(tool).validate is Tool.validate
    return {
        "target": {"module": target.module, "path": target.path},
        "arguments": tool.signature.to_json(arguments) if own else arguments,
        "context": plain,
        "held": tool.confined or context.limited,
        "limits": {
            "memory": tool.memory,
            "cpu": None if seconds is None else math.ceil(seconds) + 1,
        },
    }


async def _exchange(connection: socket.socket, request: bytes) -> dict[str, Any] | None:
    """Send the request and return the reply; None when the other side has ended without one."""
    loop = asyncio.get_running_loop()
    data = bytearray()
    try:
        await loop.sock_sendall(connection, request)
        while (reply := unframe(data)) is None:
            chunk = await loop.sock_recv(
                connection, max(_CHUNK, (frame_size(data) or 0) - len(data))
            )
            if not chunk:
                return None
            data += chunk
    except (ConnectionError, ValueError):
        return None
    return reply  # type: ignore[no-any-return]  # wardens send objects


def _read(reply: dict[str, Any]) -> Output:
    printed = reply["printed"]
    if reply["dropped"]:
        printed += f"\n[{reply['dropped']:,} more characters]"
    if "died" in reply:
        last = f"; it had printed: {printed[-500:]}" if printed else ""
        raise ToolError(f"the tool's process {reply['died']}{last}")
    if "error" in reply:
        raise ToolError(reply["error"], hint=reply["hint"])
    reply["output"]["printed"] += printed
    return output_from_json(reply["output"])


class _Zygote:
    """A process that has imported a module."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own program, with no words of others
                [sys.executable, "-m", "bottega.isolation.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._control.send(json.dumps({"module": module, "path": sys.path}).encode())

    def take(self, call: socket.socket) -> None:
        """Hand over the socket of a call. Raises OSError when the process has died."""
        socket.send_fds(self._control, [b"call"], [call.fileno()])

    def fate(self) -> str:
        """Say what became of the process of a call that ended without a word."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        code = self._process.returncode
        if code is None:
            return "was killed"
        return f"died (signal {-code})" if code < 0 else f"exited with status {code}"

    def close(self) -> None:
        """Let the process end, with all that came from it."""
        self._control.close()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_zygotes: dict[str, _Zygote] = {}


def _send(module: str, call: socket.socket) -> _Zygote:
    """Hand the call to the module's zygote, making one where there is none alive."""
    with _lock:
        zygote = _zygotes.pop(module, None)
        if zygote is not None:
            try:
                zygote.take(call)
            except OSError:
                zygote.close()
                zygote = None
        if zygote is None:
            if len(_zygotes) >= MAX_ZYGOTES:
                _zygotes.pop(next(iter(_zygotes))).close()
            zygote = _Zygote(module)
            zygote.take(call)
        _zygotes[module] = zygote  # at the end: the first is the one used longest ago
        return zygote


@atexit.register
def close_zygotes() -> None:
    """End all zygotes; the next call starts anew."""
    with _lock:
        while _zygotes:
            _zygotes.popitem()[1].close()


def _forget() -> None:
    """Leave the zygotes of the parent alone, in a process forked from it."""
    global _lock  # noqa: PLW0603  # it may have been held while the fork was made
    _lock = threading.Lock()
    _zygotes.clear()


os.register_at_fork(after_in_child=_forget)

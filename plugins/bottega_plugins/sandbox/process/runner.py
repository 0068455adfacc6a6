"""What runs inside the sandbox: it reads steps of code, runs them, and hands calls to the host.

Started by path, with nothing of Bottega in reach: the standard library is all it has. It shares its
process with the code it runs, which can do to it whatever it likes; so nothing that matters to the
host's safety is done here. The host limits, watches and ends the process, and doubts every frame.

Frames are JSON with their length in front, on the socket whose descriptor is the first argument.
"""

from __future__ import annotations

import _ast  # of `ast`, which takes as long to import as all the rest, no more is needed
import builtins
import contextlib
import errno
import itertools
import json
import linecache
import os
import resource
import signal
import struct
import sys
import threading
import traceback

TYPE_CHECKING = False  # `typing` is slow to import, and here every start counts
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any, TextIO

MAX_FRAME = 2_000_000
MAX_TEXT = 20_000
_ALONE = 2
"""The process number here of a runner that has a process namespace to itself."""


class ToolError(Exception):
    """A tool says what went wrong."""


class _Stopped(BaseException):
    """The host wants the step to end."""


class _Line:
    """The socket to the host; calls are made one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._pid = os.getpid()

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, allow_nan=False).encode("ascii")
        if len(body) > MAX_FRAME:
            raise ValueError(f"{len(body):,} bytes are more than fit into a call")
        data = memoryview(struct.pack("!I", len(body)) + body)
        while data:
            data = data[os.write(self._descriptor, data) :]

    def receive(self) -> dict[str, Any]:
        (size,) = struct.unpack("!I", self._read(4))
        message: dict[str, Any] = json.loads(self._read(size))
        return message

    def _read(self, size: int) -> bytearray:
        data = bytearray()
        while len(data) < size:
            chunk = os.read(self._descriptor, min(size - len(data), 1 << 20))
            if not chunk:
                os._exit(0)  # the host has gone
            data += chunk
        return data

    @property
    def is_ours(self) -> bool:
        """Whether this is the process that the host knows, and no child of it."""
        return os.getpid() == self._pid

    def ask(self, name: str, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if not self.is_ours:
            raise RuntimeError("tools can be called from the first process only")
        with self._lock:
            self.send({"call": name, "positional": positional, "named": named})
            reply = self.receive()
        if "error" in reply:
            raise ToolError(reply["error"])
        if "stop" in reply:
            raise _Stopped
        return reply["value"]


class _Session:
    """The names that steps define, and how a step is run."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        for name in ("exit", "quit"):  # `site`, which is left out, would bring them
            setattr(builtins, name, sys.exit)
        self._builtins = dict(vars(builtins))
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._tools: dict[str, Callable[..., Any]] = {}
        self._steps = 0
        self._running = False
        signal.signal(signal.SIGINT, self._interrupt)

    def serve(self) -> None:
        while True:
            step = self._line.receive()
            for name in step.get("tools", ()):
                self._tools[name] = self._function(name)
            self._line.send({"done": {**self._run(step["code"]), "step": step["step"]}})

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._running:
            raise _Stopped

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*positional: Any, **named: Any) -> Any:
            return self._line.ask(name, positional, named)

        call.__name__ = call.__qualname__ = name
        return call

    def _run(self, code: str) -> dict[str, Any]:
        self._steps += 1
        reap()
        sys.stdout, sys.stderr = stream(1), stream(2)  # whatever was made of them
        builtins.__dict__.update(self._builtins)
        self._names.update(self._tools, ToolError=ToolError, __builtins__=builtins)
        try:
            self._running = True
            try:
                done = {"value": self._execute(code, f"<step {self._steps}>")}
            finally:
                self._running = False
        except BaseException as error:  # noqa: BLE001  # all that ends a step is to be told
            done = told(error)
        tidy()
        if not self._line.is_ours:
            os._exit(0)  # a child of the code's own, at its end
        return done

    def _execute(self, code: str, file: str) -> str:
        lines = code.splitlines(keepends=True)
        linecache.cache[file] = (len(code), None, lines, file)
        tree = compile(code, file, "exec", _ast.PyCF_ONLY_AST)
        assert isinstance(tree, _ast.Module)
        last = tree.body[-1] if tree.body else None
        value = None
        if isinstance(last, _ast.Expr):
            tree.body.pop()
        exec(compile(tree, file, "exec"), self._names)  # noqa: S102  # what all this is for
        if isinstance(last, _ast.Expr):
            value = eval(compile(_ast.Expression(last.value), file, "eval"), self._names)  # noqa: S307
        return "" if value is None else cut(repr(value))


def stream(descriptor: int) -> TextIO:
    """Open standard output or error, by the line: what is killed has printed all but its last."""
    return open(descriptor, "w", buffering=1, errors="backslashreplace", closefd=False)


def told(error: BaseException) -> dict[str, Any]:
    """Say what ended the step, and which limit it may have met."""
    if isinstance(error, _Stopped):
        return {"interrupted": True}
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return {"value": ""}
    try:
        met = limit_met(error)
        return {"error": cut(traced(error)), "limit": met}
    except BaseException as second:  # noqa: BLE001  # the code may have made it fail
        return {"error": f"{type(error).__name__} (and {type(second).__name__} in telling it)"}


def limit_met(error: BaseException) -> str:
    """Name the limit whose mark an exception bears."""
    if isinstance(error, MemoryError) or getattr(error, "errno", 0) == errno.ENOMEM:
        return "memory"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    threads = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    return "processes" if threads or isinstance(error, BlockingIOError) else ""


def traced(error: BaseException) -> str:
    """Return the traceback as Python prints it, without this file's part in it."""
    trace = traceback.TracebackException.from_exception(error)
    each: traceback.TracebackException | None = trace
    while each is not None:
        each.stack = traceback.StackSummary.from_list(of_the_code(each.stack))
        each = each.__cause__ or each.__context__
    lines = trace.format() if trace.stack else trace.format_exception_only()
    return "".join(lines).strip()


def of_the_code(stack: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Leave out what called the code, and what it called here."""
    frames = list(itertools.dropwhile(lambda frame: not frame.filename.startswith("<step "), stack))
    return list(itertools.takewhile(lambda frame: frame.filename != __file__, frames))


def cut(text: str) -> str:
    """Keep both ends of a long text."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]}\n[...]\n{text[-MAX_TEXT // 2 :]}"


def tidy() -> None:
    """Write out what is printed, and end the processes that a step has left."""
    for each in (sys.stdout, sys.stderr):
        try:
            each.flush()
        except BaseException as error:  # noqa: BLE001  # the code may have put anything in their place
            del error
    if os.getpid() == _ALONE:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)  # all that is in this namespace but the runner
        reap()


def reap() -> None:
    """Take leave of children that have ended, so that they count no longer."""
    with contextlib.suppress(OSError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def settle(limits: dict[str, Any]) -> None:
    """Give up what the sandbox began with: its user, and the room for more than is allowed."""
    for name, most in limits["resources"].items():
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(which, (most, most))
    if "filter" in limits:
        wall_up(limits["filter"])
    user = limits["user"]
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def wall_up(program: str) -> None:
    """Give up what root may do, and load the filter: where no one else has done so before."""
    import ctypes
    from base64 import b64decode

    libc = ctypes.CDLL(None)
    for capability in range(64):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
    libc.prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    steps = ctypes.create_string_buffer(b64decode(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    given = Program((len(steps) - 1) // 8, ctypes.addressof(steps))
    if libc.capset(header, none) or libc.prctl(22, 2, ctypes.byref(given), 0, 0):
        os._exit(1)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def own_line(descriptor: int) -> int:
    """Move the line out of the way where it came as standard input."""
    if descriptor != 0:
        return descriptor
    moved = os.dup(0)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return moved


def main() -> None:
    """Serve the host until it ends this process."""
    line = _Line(own_line(int(sys.argv[1])))
    limits = json.loads(sys.argv[2])
    sys.argv[:] = [""]
    sys.path[:] = [*sys.path, *limits["packages"]]
    settle(limits)
    session = _Session(line)
    line.send({"ready": sys.version})
    session.serve()


if __name__ == "__main__":
    main()

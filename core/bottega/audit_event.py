"""What Python's audit events mean for permissions: one check for each event that has an effect.

The table of events: https://docs.python.org/3/library/audit_events.html. A check raises DeniedError
and does nothing else. Reading Python's own files, and what every program on a system reads, needs
no permission: a tool without any may still import a module or look up a time zone.
"""

from __future__ import annotations

import _socket
import inspect
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from bottega.confinement import Guard
from bottega.errors import ToolError

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_IMPORTING = "<frozen importlib._bootstrap_external>"
_PUBLIC = (
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki/tls",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/usr/lib/ssl",
    "/usr/share",
)


_OURS = (__name__, "bottega.confinement")


class DeniedError(ToolError, PermissionError):
    """The call has no permission for this; libraries see the error of an operating system."""


def _roots() -> tuple[str, ...]:
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()} - {"/", "/usr", ""}
    return tuple(sorted({os.path.realpath(path) for path in (*paths, *_PUBLIC)}))


READABLE = _roots()
"""Files and folders that may always be read."""


def denied(guard: Guard, word: str, what: str, wanted: object) -> DeniedError:
    """Return the refusal: which tool, what it wanted, and what it may."""
    scopes = guard.allowed.scopes(word)
    may = f"its {word} is limited to {', '.join(scopes)}" if scopes else f"it has no {word}"
    return DeniedError(f"denied: {guard.tool} may not {what} {wanted!r}: {may}")


def _connect(guard: Guard, args: tuple[Any, ...]) -> None:
    address: Any = args[1]
    if isinstance(address, (str, bytes)):  # a socket in the file system, or an abstract one
        _unix(guard, os.fsdecode(address))
    elif isinstance(address, tuple) and isinstance(address[0], str):
        host, port = cast("tuple[str, int]", address[:2])
        name = guard.addresses.get(host, host)
        if not (guard.allowed.host(host, port) or guard.allowed.host(name, port)):
            raise denied(guard, "network", "connect to", name)
    elif not guard.allowed.has("network"):
        raise denied(guard, "network", "connect to", repr(cast("object", address)))


def _unix(guard: Guard, path: str) -> None:
    if guard.allowed.scopes("network") is not None and (
        path.startswith("\0") or not guard.allowed.write(path)
    ):
        raise denied(guard, "network", "connect to", path)


def _bind(guard: Guard, args: tuple[Any, ...]) -> None:
    if not guard.allowed.has("network"):
        raise denied(guard, "network", "listen on", args[1])


def _resolve(guard: Guard, args: tuple[Any, ...]) -> None:
    """Check the name; remember what it stands for, since connections are made to addresses."""
    if guard.allowed.scopes("network") is None:
        return
    given = args[0]
    host = "localhost" if given is None else os.fsdecode(given)
    port = args[1] if len(args) > 1 and isinstance(args[1], int) else None
    known = guard.allowed.host(host, port) or _is_granted_somewhere(guard, host)
    if not known:
        raise denied(guard, "network", "look up", host)
    try:
        found = _socket.getaddrinfo(host, None)
    except OSError:  # the call that comes says so itself
        return
    for *_, address in found:
        guard.addresses[str(address[0])] = host


def _is_granted_somewhere(guard: Guard, host: str) -> bool:
    """Say whether some port of the host may be spoken to; which one, the connection shows."""
    from bottega.host import host_and_port

    ports = {host_and_port(scope)[1] for scope in guard.allowed.scopes("network") or ()}
    return any(guard.allowed.host(host, int(port)) for port in ports if port)


def _open(guard: Guard, args: tuple[Any, ...]) -> None:
    path, flags = args[0], args[2] if len(args) > 2 else 0
    if path is None or isinstance(path, int):
        return
    if isinstance(flags, int) and flags & _WRITING:
        _write(guard, args)
    else:
        _read(guard, args)


def _read(guard: Guard, args: tuple[Any, ...]) -> None:
    path = _path(args[0] if args[0] is not None else ".")
    if path is None or guard.allowed.read(path) or _is_python():
        return
    real = os.path.realpath(path)
    if not any(real == root or real.startswith(root + "/") for root in READABLE):
        raise denied(guard, "files:read", "read", path)


def _is_python() -> bool:
    """Say whether Python itself reads: to import a module, or to remove a whole folder."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") in _OURS:
        frame = frame.f_back
    if frame is None:
        return False
    code = frame.f_code
    removing = code.co_filename == shutil.__file__ and code.co_name.startswith(
        ("rmtree", "_rmtree")
    )
    return removing or code.co_filename == _IMPORTING


def _write(guard: Guard, args: tuple[Any, ...], path: int = 0, folder: int | None = None) -> None:
    """Check the path among the arguments, and the open folder (`dir_fd`) that it begins in."""
    wanted = _path(args[path])
    if wanted is None:
        return
    if folder is not None and isinstance(args[folder], int) and args[folder] >= 0:
        wanted = os.path.join(os.readlink(f"/proc/self/fd/{args[folder]}"), wanted)  # noqa: PTH118, PTH115
    if wanted != os.devnull and not guard.allowed.write(wanted):
        raise denied(guard, "files:write", "write", wanted)


def _write_both(guard: Guard, args: tuple[Any, ...]) -> None:
    _write(guard, args, folder=2)
    _write(guard, args, path=1, folder=3)


def _database(guard: Guard, args: tuple[Any, ...]) -> None:
    path = _path(args[0]) or ""
    read_only = False
    if path.startswith("file:"):
        parts = urlsplit(path)
        path, read_only = unquote(parts.path), "mode=ro" in parts.query
        if "mode=memory" in parts.query:
            return
    if path in ("", ":memory:"):
        return
    if read_only:
        _read(guard, (path,))
    else:
        _write(guard, (path,))


def _path(given: Any) -> str | None:
    return None if isinstance(given, int) else os.fsdecode(given)


def _start(guard: Guard, args: tuple[Any, ...]) -> None:
    program = _path(args[0]) if args and args[0] is not None else ""
    if not guard.allowed.process(program or ""):
        raise denied(guard, "process", "start", program)


def _shell(guard: Guard, args: tuple[Any, ...]) -> None:
    if not guard.allowed.process("/bin/sh"):
        raise denied(guard, "process", "start", os.fsdecode(args[0]))


def _process(guard: Guard, args: tuple[Any, ...], what: str) -> None:
    if not guard.allowed.has("process"):
        raise denied(guard, "process", what, "a process")


CHECKS: dict[str, Callable[[Guard, tuple[Any, ...]], None]] = {
    "socket.connect": _connect,
    "socket.sendto": _connect,
    "socket.sendmsg": _connect,
    "socket.bind": _bind,
    "socket.getaddrinfo": _resolve,
    "socket.gethostbyname": _resolve,
    "socket.gethostbyaddr": _resolve,
    "open": _open,
    "os.listdir": _read,
    "os.scandir": _read,
    "os.chdir": _read,
    "os.remove": partial(_write, folder=1),
    "os.rmdir": partial(_write, folder=1),
    "os.mkdir": partial(_write, folder=2),
    "os.truncate": _write,
    "os.chmod": partial(_write, folder=2),
    "os.chown": partial(_write, folder=3),
    "os.utime": partial(_write, folder=3),
    "os.setxattr": _write,
    "os.removexattr": _write,
    "os.rename": _write_both,
    "os.link": _write_both,
    "os.symlink": partial(_write, path=1, folder=2),
    "sqlite3.connect": _database,
    "subprocess.Popen": _start,
    "os.posix_spawn": _start,
    "os.exec": _start,
    "os.spawn": lambda guard, args: _start(guard, args[1:]),
    "os.system": _shell,
    "os.fork": partial(_process, what="start"),
    "os.forkpty": partial(_process, what="start"),
    "os.kill": partial(_process, what="signal"),
    "os.killpg": partial(_process, what="signal"),
}
"""What is checked, by event."""

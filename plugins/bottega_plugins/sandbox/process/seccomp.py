"""The filter of system calls that the sandbox's processes run behind: an allow-list in classic BPF.

See seccomp(2) and the kernel's `Documentation/userspace-api/seccomp_filter.rst`. The program is
assembled here, so that no library is needed; bubblewrap loads it. What is allowed is `syscalls`.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

from bottega.errors import SandboxError
from bottega_plugins.sandbox.process.syscalls import ALLOWED, ATTRIBUTES, NEWEST

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


def _fail(code: int) -> int:
    return 0x00050000 | code


_REFUSE = _fail(errno.EPERM)
_ABSENT = _fail(errno.ENOSYS)
_NO_SUCH_FAMILY = _fail(errno.EAFNOSUPPORT)

_NAMESPACES = 0x7E020000  # CLONE_NEW*: user, pid, net, mount, ipc, uts, cgroup
_AF_UNIX = 1
_IOCTLS = (
    0x5401,  # TCGETS: whether this is a terminal
    0x540F,  # TIOCGPGRP
    0x5413,  # TIOCGWINSZ
    0x541B,  # FIONREAD
    0x5421,  # FIONBIO
    0x5450,  # FIONCLEX
    0x5451,  # FIOCLEX
)
_PRCTLS = (
    1,  # PR_SET_PDEATHSIG
    3,  # PR_GET_DUMPABLE
    15,  # PR_SET_NAME
    16,  # PR_GET_NAME
    23,  # PR_CAPBSET_READ
    38,  # PR_SET_NO_NEW_PRIVS
    39,  # PR_GET_NO_NEW_PRIVS
    0x53564D41,  # PR_SET_VMA, by which allocators name their memory
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Machine:
    """What differs between processors."""

    audit: int
    """AUDIT_ARCH_* of linux/audit.h."""
    clone: int
    clone3: int
    socket: int
    socketpair: int
    ioctl: int
    prctl: int
    own: tuple[tuple[int, int], ...]
    """Calls on any process, and their argument that names it: 0 is the caller itself."""


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        socket=41,
        socketpair=53,
        ioctl=16,
        prctl=157,
        own=((302, 0), (203, 0), (141, 1)),  # prlimit64, sched_setaffinity, setpriority
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        socket=198,
        socketpair=199,
        ioctl=29,
        prctl=167,
        own=((261, 0), (122, 0), (140, 1)),
    ),
}


def assemble(machine: str = "", *, attributes: bool = True) -> bytes:
    """Return the program for this machine, or the one named, as `struct sock_filter[]`.

    Without `attributes` no file's mode, owner or times can be changed: Landlock lets that pass.
    Raises SandboxError for a machine that it is not written for.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        known = ", ".join(_MACHINES)
        raise SandboxError(f"no filter of system calls is written for {name}", hint=f"for: {known}")
    made = _MACHINES[name]
    program = _step(_LOAD, _ARCHITECTURE)
    program += _step(_EQUAL, made.audit, 1, 0) + _step(_RETURN, _KILL)
    program += _step(_LOAD, _NUMBER)
    for number in ALLOWED[name]:
        if attributes or number not in ATTRIBUTES[name]:
            program += _when(number, _step(_RETURN, _ALLOW))
    program += _when(made.clone3, _step(_RETURN, _ABSENT))  # its flags are out of a filter's reach
    program += _when(made.clone, _argument(0) + _step(_ANY_BIT, _NAMESPACES, 0, 1) + _refuse_or())
    program += _when(made.socket, _step(_RETURN, _NO_SUCH_FAMILY))
    program += _when(made.socketpair, _one_of(0, (_AF_UNIX,)))
    program += _when(made.ioctl, _one_of(1, _IOCTLS))
    program += _when(made.prctl, _one_of(0, _PRCTLS))
    for number, argument in made.own:
        program += _when(number, _one_of(argument, (0,)))
    program += _step(_GREATER, NEWEST, 0, 1) + _step(_RETURN, _ABSENT)
    return program + _step(_RETURN, _REFUSE)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _when(number: int, body: bytes) -> bytes:
    """Do this for that call only; the body must return."""
    return _step(_EQUAL, number, 0, len(body) // 8) + body


def _argument(index: int) -> bytes:
    """Load the lower half of an argument: all that the kernel looks at in those filtered here."""
    return _step(_LOAD, _ARGUMENTS + 8 * index)


def _refuse_or() -> bytes:
    return _step(_RETURN, _REFUSE) + _step(_RETURN, _ALLOW)


def _one_of(index: int, values: tuple[int, ...]) -> bytes:
    allowed = b"".join(_step(_EQUAL, value, 0, 1) + _step(_RETURN, _ALLOW) for value in values)
    return _argument(index) + allowed + _step(_RETURN, _REFUSE)

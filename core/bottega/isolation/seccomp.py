"""A seccomp filter for a worker without network or without processes: the kernel refuses the calls.

Written with ctypes, as nothing else may be needed. Refused calls fail with EACCES. Once it is set
it holds for the process and all that come from it, and nothing can take it off. See
https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from bottega.errors import SandboxError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000
"""The first number of x86's other set of calls."""
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Machine:
    """The numbers of a processor's system calls."""

    architecture: int
    network: tuple[int, ...]
    """`socket`, and `io_uring_setup`, by which sockets can be had too."""
    processes: tuple[int, ...]
    """Starting programs, looking into other processes and signalling them."""
    clone: int
    clone3: int = 435
    """Its flags are in memory, where a filter cannot look: glibc goes on with `clone`."""


_MACHINES = {
    "x86_64": _Machine(
        architecture=0xC000003E,
        network=(41, 425),
        processes=(57, 58, 59, 322, 101, 310, 311, 62, 424, 425),
        clone=56,
    ),
    "aarch64": _Machine(
        architecture=0xC00000B7,
        network=(198, 425),
        processes=(221, 281, 117, 270, 271, 129, 424, 425),
        clone=220,
    ),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def forbid(*, network: bool, processes: bool) -> None:
    """Let this process open no socket, start no process, or neither, from now on.

    Raises SandboxError where the kernel or the processor has no such filter.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise SandboxError(f"no filter of system calls is known for {platform.machine()}")
    code = _compile(machine, network=network, processes=processes)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(
        _SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0
    ):
        reason = os.strerror(ctypes.get_errno())
        hint = "run on a kernel with seccomp, or without `allow` on the node"
        raise SandboxError(f"system calls cannot be filtered here: {reason}", hint=hint)


def _compile(machine: _Machine, *, network: bool, processes: bool) -> bytes:
    """Write the filter, each instruction a code, two jumps and a value."""
    numbers = (machine.network if network else ()) + (machine.processes if processes else ())
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _FAIL | errno.EACCES),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _FAIL | errno.EACCES),
    ]
    for number in sorted(set(numbers)):
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | errno.EACCES)]
    if processes:
        lines += [
            (_EQUAL, 0, 1, machine.clone3),
            (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
            (_EQUAL, 0, 3, machine.clone),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_ANY_BIT, 1, 0, _CLONE_THREAD),  # threads are no processes
            (_RETURN, 0, 0, _FAIL | errno.EACCES),
        ]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)

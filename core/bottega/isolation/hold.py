"""Holding a worker to its permissions by the kernel: no network, no processes, no other files.

What the kernel cannot tell apart (hosts, programs, and files where it has no Landlock) is held by
Python in the worker, as in `bottega.confinement`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from bottega.errors import SandboxError
from bottega.isolation import landlock, seccomp

if TYPE_CHECKING:
    from bottega.permissions import Permissions

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/run/systemd/resolve", "/etc/ld.so.cache")


def hold(allowed: Permissions, keep: int) -> None:
    """Hold this process from now on; of its descriptors above 2 only `keep` stays open.

    Raises SandboxError where the kernel cannot do what is needed.
    """
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
    _hold_files(allowed)
    network, processes = not allowed.has("network"), not allowed.has("process")
    if network or processes:
        seccomp.forbid(network=network, processes=processes)


def _hold_files(allowed: Permissions) -> None:
    read, write = allowed.scopes("files:read"), allowed.scopes("files:write")
    if (read is None and write is None) or not landlock.version():
        return
    from bottega.audit_event import READABLE

    always = (*READABLE, *_SYSTEM, *(path for path in sys.path if path))
    program = allowed.has("process")
    try:
        landlock.restrict(
            read=None if read is None else (*read, *(write or ()), *always),
            write=None if write is None else (*write, os.devnull),
            execute=program,
        )
    except OSError as error:
        raise SandboxError(f"files cannot be held by the kernel: {error.strerror}") from error

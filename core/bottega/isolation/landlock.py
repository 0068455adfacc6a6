"""Landlock: the kernel opens no file for this process but those that are named.

Written with ctypes. What is set holds for the process and all that come from it, and nothing can
take it off. See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

EXECUTE, READ_FILE, READ_FOLDER, TRUNCATE = 1 << 0, 1 << 2, 1 << 3, 1 << 14
READ = READ_FILE | READ_FOLDER
_OF_FILES = EXECUTE | READ_FILE | (1 << 1) | TRUNCATE
"""Rights that mean something for what is no folder."""
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""All rights that there are, by the version of the interface."""


def version() -> int:
    """Return the version of the kernel's Landlock; 0 where there is none."""
    return max(0, _call(_CREATE, None, 0, _VERSION_FLAG))


def restrict(*, read: Iterable[str] | None, write: Iterable[str] | None, execute: bool) -> None:
    """Let this process read and write only in these files and folders, None for all.

    What is not there is left out. Raises OSError where the kernel refuses.
    """
    every = _RIGHTS[min(version(), max(_RIGHTS))]
    reading = READ | EXECUTE
    writing = every & ~reading
    handled = (0 if read is None else reading) | (0 if write is None else writing)
    ruleset = _checked(_call(_CREATE, struct.pack("Q", handled), 8, 0))
    try:
        for path in read or ():
            _allow(ruleset, path, handled & (READ | (EXECUTE if execute else 0)))
        for path in write or ():
            _allow(ruleset, path, handled & writing)
        _checked(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_call(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rights &= ~0 if Path(path).is_dir() else _OF_FILES
            if rights:
                rule = struct.pack("=Qi", rights, descriptor)
                _checked(_call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
        finally:
            os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer

"""Opening what lies beneath a folder, whatever links and races would lead out of it.

The kernel resolves the whole path in one call, `openat2` with RESOLVE_BENEATH, and refuses a way
that leaves the folder at any moment: nothing is checked first and opened later. Where there is no
openat2, folders are opened one after the other. No symbolic link is followed either way. Which
paths are well formed is `bottega_tools.files.path`.

Source: openat2(2), https://man7.org/linux/man-pages/man2/openat2.2.html
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from functools import cache

_OPENAT2 = 437
"""Its number on every architecture but Alpha."""
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES = 64
"""A rename somewhere on the way makes the kernel give up (EAGAIN); it is asked anew so often."""
_NO_SUCH_CALL = (errno.ENOSYS, errno.EPERM)
"""Sandboxes that filter system calls answer either way."""


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(root: int, parts: Sequence[str], flags: int) -> int:
    """Open `parts` beneath the folder open as `root`. Raises OSError, EXDEV for a way out of it."""
    flags |= os.O_CLOEXEC
    if not parts:
        return os.open(".", flags, dir_fd=root)
    if has_openat2():
        return _openat2(root, os.fsencode("/".join(parts)), flags)
    return _walk(root, parts, flags)


@cache
def has_openat2() -> bool:
    """Whether the kernel resolves paths beneath a folder by itself (Linux 5.6)."""
    if not hasattr(os, "O_PATH"):
        return False
    try:
        os.close(_openat2(-100, b".", os.O_PATH | os.O_CLOEXEC))  # AT_FDCWD
    except OSError as error:
        return error.errno not in _NO_SUCH_CALL
    return True


def _openat2(root: int, path: bytes, flags: int) -> int:
    how = _OpenHow(flags, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    call = _syscall()
    for _ in range(_TRIES):
        fd: int = call(_OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            raise OSError(number, os.strerror(number), os.fsdecode(path))
    raise OSError(errno.EAGAIN, "folders on the way keep being renamed", os.fsdecode(path))


@cache
def _syscall() -> ctypes._NamedFuncPointer:  # pyright: ignore[reportPrivateUsage]  # its only name
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    call.argtypes = (
        *(ctypes.c_long, ctypes.c_int, ctypes.c_char_p),
        *(ctypes.POINTER(_OpenHow), ctypes.c_size_t),
    )
    return call


def _walk(root: int, parts: Sequence[str], flags: int) -> int:
    """Open one folder after the other, each without following a link."""
    above = os.dup(root)
    for part in parts[:-1]:
        try:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
        above = below
    try:
        return os.open(parts[-1], flags | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)

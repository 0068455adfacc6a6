"""Putting a file in its place, whole or not at all.

The bytes go to a new file in the same folder, on to the disk, and then take the name. A full disk
or a crash leaves the old file as it was.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
from contextlib import suppress

from bottega_tools.files.path import TEMPORARY

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_NOREPLACE = 1
_NO_SUCH_CALL = (errno.ENOSYS, errno.EINVAL)
"""A system or a disk without such renaming."""


def replace_file(folder: int, name: str, data: bytes, *, mode: int, new: bool = False) -> None:
    """Make `name` in the open folder hold the data. Raises OSError; then nothing has changed.

    `new` raises FileExistsError where the name is taken.
    """
    temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
    fd = os.open(temporary, _NEW, 0o600, dir_fd=folder)
    try:
        try:
            _write(fd, data, mode)
        finally:
            os.close(fd)
        if new:
            _rename_new(folder, temporary, name)
        else:
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
    os.fsync(folder)


def _rename_new(folder: int, name: str, to: str) -> None:
    """Rename unless the new name is taken: a link would leave two names where a process dies."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    given = (folder, os.fsencode(name), folder, os.fsencode(to), _NOREPLACE)
    if rename is not None and rename(*given) == 0:
        return
    number = errno.ENOSYS if rename is None else ctypes.get_errno()
    if number not in _NO_SUCH_CALL:
        raise OSError(number, os.strerror(number), to)
    os.link(name, to, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def _write(fd: int, data: bytes, mode: int) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.fchmod(fd, mode)
    os.fsync(fd)

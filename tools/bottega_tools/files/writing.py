"""Putting a file in its place, whole or not at all.

The bytes go to a new file in the same folder, on to the disk, and then take the name. A full disk
or a crash leaves the old file as it was.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from bottega_tools.files.path import TEMPORARY

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


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
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        else:
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
    os.fsync(folder)


def _write(fd: int, data: bytes, mode: int) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.fchmod(fd, mode)
    os.fsync(fd)

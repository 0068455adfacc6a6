"""The folder that file tools work in, and the only one: everything is opened through it.

Each operation opens the folder, then what lies beneath it, and goes on with the descriptor that it
got: a path is never checked first and opened later. Reading is of regular files alone; a device or
a pipe is not even opened. Files with a second name (hard links) are left alone, for the other name
may be outside.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bottega.errors import InputError, ToolError
from bottega.escape import one_line
from bottega_tools.files.beneath import open_beneath
from bottega_tools.files.path import parts_of
from bottega_tools.files.problem import told
from bottega_tools.files.writing import replace_file

DEFAULT_ROOT = "workspace"
"""The folder beside the graph that is used where none is named."""
_FORBIDDEN = ("/proc", "/sys", "/dev")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_LOOK = getattr(os, "O_PATH", _READ)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A folder; it is made when something is first written."""

    root: Path
    most: int = 10_000_000
    """Bytes of a file that is written or changed; what is only read may be of any size."""

    @classmethod
    def beside(cls, folder: Path, root: str = "") -> Workspace:
        """Return the workspace of graphs in that folder. Raises InputError for a root that is none.

        A relative root begins at the folder.
        """
        path = Path(os.path.abspath(folder / Path(root or DEFAULT_ROOT).expanduser()))  # noqa: PTH100  # links stay
        real = path.resolve()
        if real == Path(real.anchor) or str(real).startswith(_FORBIDDEN):
            raise InputError(f"{root!r} cannot be a workspace", hint="name a folder of its own")
        if path.exists() and not path.is_dir():
            raise InputError(f"{root!r} cannot be a workspace: it is no folder")
        return cls(root=real)

    @property
    def to_read(self) -> str:
        """The permission that reading in it takes."""
        return f"files:read:{self.root}"

    @property
    def to_write(self) -> str:
        """The permission that writing in it takes."""
        return f"files:write:{self.root}"

    def place(self, path: str) -> Path:
        """Return where on the machine the path leads. Raises ToolError for what is no path."""
        return self.root.joinpath(*parts_of(path))

    @contextmanager
    def reading(self, path: str) -> Generator[BinaryIO, None, None]:
        """Open a regular file for reading. Raises ToolError saying why it cannot be read."""
        parts = parts_of(path)
        with told(path), self._opened() as root:
            fd = _open_regular(root, parts, path)
            with open(fd, "rb") as file:  # noqa: PTH123  # a descriptor
                yield file

    def differs(self, path: str, data: bytes) -> bool:
        """Say whether there is something else than a file with that data. Raises ToolError."""
        parts = parts_of(path)
        with told(path), self._opened() as root:
            try:
                os.close(open_beneath(root, parts, _LOOK))
            except FileNotFoundError:
                return False
        with self.reading(path) as file:
            return file.read(len(data) + 1) != data

    @contextmanager
    def folder(self, path: str) -> Generator[int, None, None]:
        """Open a folder; yields its descriptor. Raises ToolError."""
        parts = parts_of(path)
        with told(path), self._opened() as root:
            fd = open_beneath(root, parts, _FOLDER)
            try:
                yield fd
            finally:
                os.close(fd)

    def write(
        self, path: str, data: bytes, *, new: bool = False, over: os.stat_result | None = None
    ) -> None:
        """Write a whole file or nothing, making folders on the way. Raises ToolError.

        `new` refuses to replace a file, `over` to replace another than was looked at before. A file
        that was there keeps its mode.
        """
        parts = parts_of(path)
        if not parts:
            raise ToolError("the workspace itself is no file")
        if len(data) > self.most:
            raise ToolError(f"{len(data):,} bytes are too many for a file; at most {self.most:,}")
        with told(path), self._opened(make=True) as root:
            folder = _made(root, parts[:-1])
            try:
                mode = _replaceable(folder, parts[-1], path, over)
                replace_file(folder, parts[-1], data, mode=mode, new=new)
            finally:
                os.close(folder)

    @contextmanager
    def _opened(self, *, make: bool = False) -> Generator[int, None, None]:
        if make:
            self.root.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            fd = os.open(self.root, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ToolError(
                "the workspace is empty: nothing has been written to it",
                hint=f"it is the folder {self.root.name!r} beside the graph",
            ) from None
        try:
            yield fd
        finally:
            os.close(fd)


def _open_regular(root: int, parts: tuple[str, ...], path: str) -> int:
    """Open a regular file for reading; anything else is looked at only."""
    looked = open_beneath(root, parts, _LOOK)
    try:
        _regular(os.fstat(looked), path)
    finally:
        os.close(looked)
    fd = open_beneath(root, parts, _READ)
    try:
        _regular(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _regular(found: os.stat_result, path: str) -> os.stat_result:
    shown = repr(one_line(path or ".", 120))
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{shown} is a folder", hint="list_files shows what is in it")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{shown} is no regular file")
    if found.st_nlink > 1:
        raise ToolError(f"{shown} is a hard link: it has another name, perhaps outside")
    return found


def _replaceable(folder: int, name: str, path: str, over: os.stat_result | None) -> int:
    """Return the mode for the new file. Raises ToolError for what must not be replaced."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        if over is not None:
            raise
        return 0o644
    if over is not None and _state(found) != _state(over):
        raise ToolError(
            f"{one_line(path, 120)!r} has been changed by somebody else", hint="read it anew"
        )
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link")
    return stat.S_IMODE(_regular(found, path).st_mode) & 0o777


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _made(root: int, parts: tuple[str, ...]) -> int:
    """Open a folder, making what is missing on the way."""
    fd = open_beneath(root, (), _FOLDER)
    for part in parts:
        try:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=fd)
            below = open_beneath(fd, (part,), _FOLDER)
        finally:
            os.close(fd)
        fd = below
    return fd

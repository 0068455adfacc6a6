"""What the operating system says of a path, as one clear line for a model."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

from bottega.errors import ToolError
from bottega.escape import one_line

_OUTSIDE = "leads out of the workspace"
_SAID = {
    errno.ENOENT: "does not exist",
    errno.EEXIST: "exists already",
    errno.ENOTDIR: "leads through something that is no folder",
    errno.EISDIR: "is a folder",
    errno.EXDEV: _OUTSIDE,
    errno.ELOOP: "is or leads through a symbolic link, and none is followed",
    errno.EACCES: "may not be opened by this user",
    errno.EPERM: "may not be changed",
    errno.EROFS: "lies on a disk that cannot be written to",
    errno.ENOSPC: "could not be written: the disk is full",
    errno.EDQUOT: "could not be written: the quota of this user is used up",
    errno.EFBIG: "could not be written: files may not become that large here",
    errno.ENAMETOOLONG: "has a name that is too long",
    errno.ENXIO: "is no regular file",
    errno.EMFILE: "could not be opened: too many files are open",
    errno.ENFILE: "could not be opened: too many files are open",
}
_HINTS = {
    errno.ENOENT: "list_files shows what there is",
    errno.ENOTDIR: "list_files shows what there is",
}


@contextmanager
def told(path: str) -> Generator[None, None, None]:
    """Turn every OSError of the block into a ToolError about the path."""
    try:
        yield
    except OSError as error:
        raise problem(path, error) from error


def problem(path: str, error: OSError) -> ToolError:
    """Return what to tell the model: no path of the machine is in it."""
    number = error.errno or 0
    said = _SAID.get(number) or f"cannot be used: {error.strerror or type(error).__name__}"
    hint = _HINTS.get(number, "")
    return ToolError(f"{one_line(path or '.', 120)!r} {said}", hint=hint)

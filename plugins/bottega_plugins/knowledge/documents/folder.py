"""The files of a folder: which to read, which to leave out and why. Not what is in them.

Hidden files and folders (a leading dot) are left out without a word; everything else that is not
read is named with its reason.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bottega_plugins.knowledge.documents.skipped import Skipped, SkippedError

MOST_BYTES = 20_000_000
"""Larger files are left out."""


def files(folder: Path, leave_out: Path | None = None) -> Iterator[tuple[str, Path | Skipped]]:
    """Yield every file by its path relative to the folder, in a stable order.

    A file that cannot be a document comes as `Skipped`. `leave_out` is a folder not to enter: that
    of the index itself.
    """
    failures: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=failures.append):
        here = Path(root)
        folders[:] = sorted(n for n in folders if n[0] != "." and here / n != leave_out)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*links, *(n for n in names if n[0] != ".")]):
            path = here / name
            source = path.relative_to(folder).as_posix()
            reason = _reason(path, folder)
            yield source, Skipped(source=_shown(source), reason=reason) if reason else path
    for failure in failures:
        source = _shown(Path(failure.filename).relative_to(folder).as_posix())
        yield source, Skipped(source=source, reason=_said(failure))


def read(path: Path) -> bytes:
    """Return the file's bytes. Raises SkippedError when it is empty, too large or not readable."""
    try:
        # it may have become a link or a pipe since it was listed: not to be followed or waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SkippedError("not a regular file")
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SkippedError(_said(error)) from None
    if not data:
        raise SkippedError("empty")
    if len(data) > MOST_BYTES:
        raise SkippedError(f"larger than {MOST_BYTES // 1_000_000} MB")
    return data


def _reason(path: Path, folder: Path) -> str:
    if _shown(path.name) != path.name:
        return "its name is not valid UTF-8"
    if path.is_symlink():
        return _link_reason(path, folder)
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return _said(error)
    return "" if stat.S_ISREG(mode) else "not a regular file"


def _link_reason(path: Path, folder: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return "a link that leads nowhere"
    if target.is_relative_to(folder.resolve()):
        return "a link to a place in the same folder"
    return "a link that leaves the folder"


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")

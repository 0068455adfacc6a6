"""The hash of a distribution's files as they are now, whatever was recorded when it was installed.

Python's caches and pip's own notes are left out. Of an editable install the packages themselves are
read: what its `RECORD` names is a pointer to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from bottega.errors import PluginError
from bottega.plugin.entry import GROUP

_NOTES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_CHUNK = 1 << 20


@lru_cache(maxsize=256)
def fingerprint(name: str, version: str) -> str:
    """Return `sha256:...` over the names and contents of the files; worked out once a process.

    Raises PluginError when they cannot be read.
    """
    try:
        files = sorted(set(_files(distribution(name))))
        total = hashlib.sha256(f"{name} {version}\0".encode())
        for label, file in files:
            total.update(f"{label}\0{_of_file(file)}\0".encode())
    except (PackageNotFoundError, OSError, UnicodeError) as error:
        raise PluginError(f"the files of {name} {version} cannot be read: {error}") from error
    return f"sha256:{total.hexdigest()}"


def _files(installed: Distribution) -> Iterator[tuple[str, Path]]:
    """Yield each file with the name under which it counts."""
    for each in installed.files or ():
        path = Path(str(installed.locate_file(each)))
        if each.suffix != ".pyc" and each.name not in _NOTES and path.is_file():
            yield str(each), path
    for point in installed.entry_points:
        if point.group == GROUP:
            yield from _package(point.module.partition(".")[0])


def _package(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of the package, or the module, that has the plugin."""
    spec = find_spec(name)
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{name}/{path.relative_to(folder)}", path
    if spec and spec.origin and not spec.submodule_search_locations:
        yield f"{name}.py", Path(spec.origin)


def _of_file(file: Path) -> str:
    total = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()

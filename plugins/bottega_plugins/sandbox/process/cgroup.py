"""Control groups: limits on what all processes of a sandbox use together, of version 1 or 2.

A group is made inside the one this process is in, so that its limits hold too; under version 2,
where a group with processes in it cannot have limited groups below, beside it. Without the right to
make groups there are none, and `watch` does what can be done from outside. See cgroups(7).
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "bottega-"
_NEEDED = ("memory", "pids")
_OWN = 3
"""Processes of the sandbox itself: bubblewrap twice, and the runner, which is the code's."""
_PATIENCE = 1.0
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where groups can be made."""

    memory: Path
    pids: Path
    unified: bool
    """Version 2: both are one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The group of one sandbox."""

    folders: tuple[Path, ...]
    """One, or one for each controller."""
    unified: bool

    @classmethod
    def make(cls, places: Places, *, memory: int, processes: int) -> Group:
        """Make a group with these limits. Raises OSError."""
        name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        parents = dict.fromkeys((places.memory, places.pids))
        group = cls(folders=tuple(parent / name for parent in parents), unified=places.unified)
        try:
            for folder in group.folders:
                folder.mkdir()
            group._limit(memory, processes + _OWN - 1)
        except OSError:
            group.remove()
            raise
        return group

    def _limit(self, memory: int, pids: int) -> None:
        first, last = self.folders[0], self.folders[-1]
        (last / "pids.max").write_text(str(pids))
        if self.unified:
            (first / "memory.max").write_text(str(memory))
            for file, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
                with suppress(FileNotFoundError):
                    (first / file).write_text(value)
        else:
            (first / "memory.limit_in_bytes").write_text(str(memory))
            with suppress(OSError):  # kernels without accounting of swap
                (first / "memory.memsw.limit_in_bytes").write_text(str(memory))

    @property
    def doors(self) -> tuple[str, ...]:
        """Files that take in the process that writes `0` there."""
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    def members(self) -> set[int]:
        """Return the processes in it, as the host numbers them."""
        with suppress(OSError):
            return {int(line) for line in (self.folders[-1] / "cgroup.procs").read_text().split()}
        return set()

    def out_of_memory(self) -> bool:
        """Say whether the kernel has ended a process for want of memory."""
        file = "memory.events" if self.unified else "memory.oom_control"
        with suppress(OSError):
            lines = (self.folders[0] / file).read_text().splitlines()
            return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)
        return False

    def remove(self) -> None:
        """Remove it, once its processes have ended. What cannot be removed is swept up later."""
        give_up = time.monotonic() + _PATIENCE
        for folder in self.folders:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > give_up:
                        return
                    time.sleep(0.002)


def find_places() -> Places | None:
    """Find where this process may make groups with limits of memory and processes; None: nowhere.

    Removes what hosts that have died left there.
    """
    places = _first_version() or _second_version()
    if places is not None:
        for parent in {places.memory, places.pids}:
            _sweep(parent)
    return places


def _first_version() -> Places | None:
    mounted = {
        name: Path(where)
        for kind, where, options in _mounts()
        if kind == "cgroup"
        for name in options.split(",")
        if name in _NEEDED
    }
    own = _memberships()
    found: dict[str, Path] = {}
    for name, root in mounted.items():
        candidates = (root / own.get(name, "").lstrip("/"), root)
        usable = next((each for each in candidates if _may_make(each)), None)
        if usable is not None:
            found[name] = usable
    if len(found) < len(_NEEDED):
        return None
    return Places(memory=found["memory"], pids=found["pids"], unified=False)


def _second_version() -> Places | None:
    roots = [Path(where) for kind, where, _ in _mounts() if kind == "cgroup2"]
    own = _memberships().get("", "/").lstrip("/")
    for root in roots:
        mine = root / own
        for folder in (mine, mine.parent):
            if folder.is_relative_to(root) and _limits_below(folder) and _may_make(folder):
                return Places(memory=folder, pids=folder, unified=True)
    return None


def _limits_below(folder: Path) -> bool:
    with suppress(OSError):
        given = (folder / "cgroup.subtree_control").read_text().split()
        return all(name in given for name in _NEEDED)
    return False


def _may_make(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _mounts() -> Iterator[tuple[str, str, str]]:
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, where, kind, options, *_ = line.split()
            yield kind, where, options


def _memberships() -> dict[str, str]:
    """Return this process's group under each controller; under "" that of version 2."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            found.update(dict.fromkeys(names.split(","), path))
    return found


def _sweep(parent: Path) -> None:
    """Remove the groups of hosts that are no more, with whatever is left in them."""
    for folder in parent.glob(f"{_PREFIX}*"):
        host = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if host.isdigit() and not Path(f"/proc/{host}").exists():
            with suppress(OSError, ValueError):
                left = {int(line) for line in (folder / "cgroup.procs").read_text().split()}
                if 0 in left:  # in another namespace of processes; and 0 would be all of ours
                    continue
                for process in left:
                    os.kill(process, signal.SIGKILL)
            with suppress(OSError):
                folder.rmdir()

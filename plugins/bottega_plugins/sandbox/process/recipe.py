"""How a sandbox is made: the command line of bubblewrap, and what of the host is mounted in it.

That is a Python (interpreter and standard library, read-only, at /python), the shared libraries it
needs, four devices, and one folder in memory to write to. Programs and site-packages come in only
where they are asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bottega.errors import SandboxError

PYTHON = "/python"
FOLDER = "/tmp"  # noqa: S108  # in the sandbox's own mount namespace
PACKAGES = "/packages"
WORKSPACE = "/workspace"
_RUNNER = "/runner.py"
_SHARED_PREFIXES = ("/", "/usr", "/usr/local")
"""Prefixes that hold more than a Python: of these only its parts are mounted."""
_MASKED = ("cmdline", "config.gz", "kallsyms", "kcore", "keys", "kmsg", "latency_stats", "modules")
"""Files of a /proc that tell of the machine, and not of the sandbox."""
_FILES = 256
"""Open files of a process."""
_ROOM = 512 << 20
"""Bytes of address space beyond twice the memory: libraries and the stacks of threads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a sandbox is made with. Equal recipes make sandboxes that can stand for one another."""

    memory: int
    processes: int
    disk: int
    walls: Literal["bubblewrap", "sandlock"] = "bubblewrap"
    """Who builds them."""
    packages: bool = False
    """Mount the site-packages of this environment, read-only."""
    programs: bool = False
    """Mount the host's programs, read-only: /usr, and a /proc of the sandbox's own."""
    workspace: Path | None = None
    """A folder of the host, mounted at /workspace."""
    writable: bool = False
    """Whether the workspace may be written to."""

    def limits(self, user: int, *, grouped: bool) -> str:
        """Return what the runner is told to give up, as JSON.

        Without a control group each process has less address space, and the kernel counts the
        processes of the user.
        """
        room = 2 * self.memory + _ROOM if grouped else self.memory + _ROOM // 4
        resources = {"AS": room, "CORE": 0, "NOFILE": _FILES, "MEMLOCK": 0, "MSGQUEUE": 0}
        if not grouped:
            resources["NPROC"] = self.processes
        packages = [PACKAGES] if self.packages else []
        return json.dumps({"resources": resources, "user": user, "packages": packages})

    def command(self, bubblewrap: str, *, root: bool, seccomp: int) -> list[str]:
        """Return the command line up to the runner's own arguments. Raises SandboxError."""
        return [
            bubblewrap,
            *_namespaces(root=root),
            *_variables(),
            *self._mounts(),
            *("--seccomp", str(seccomp), "--chdir", WORKSPACE if self.workspace else FOLDER),
            *("--", f"{PYTHON}/bin/{_interpreter().name}", "-I", "-S", "-B", "-X", "utf8", _RUNNER),
        ]

    def _mounts(self) -> Iterator[str]:
        for folder in ("/dev", "/etc", "/usr", "/usr/lib", PYTHON, f"{PYTHON}/lib"):
            yield from ("--perms", "0755", "--dir", folder)  # what mounts make is root's alone
        yield from _programs() if self.programs else _libraries()
        yield from _python()
        yield from ("--ro-bind", str(Path(__file__).with_name("runner.py")), _RUNNER)
        if self.packages:
            yield from ("--ro-bind", sysconfig.get_path("purelib"), PACKAGES)
        for device in ("null", "zero", "random", "urandom"):
            yield from ("--dev-bind", f"/dev/{device}", f"/dev/{device}")
        yield from ("--symlink", FOLDER, "/dev/shm")  # noqa: S108  # in the sandbox
        yield from ("--perms", "1777", "--size", str(self.disk), "--tmpfs", FOLDER)
        if self.workspace is not None:
            how = "--bind" if self.writable else "--ro-bind"
            yield from (how, str(self.workspace), WORKSPACE)
        yield from ("--remount-ro", "/")


def find_bubblewrap() -> str:
    """Return the path of the program. Raises SandboxError where it is not installed."""
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(
            "the sandbox 'process' needs bubblewrap, which is not installed",
            hint="apt install bubblewrap, or your system's way to the package of that name",
        )
    return found


def _namespaces(*, root: bool) -> list[str]:
    """Leave every namespace. Root needs none of users: the runner becomes another user itself."""
    others = ["ipc", "pid", "net", "uts", "cgroup-try"]
    wanted = others if root else ["user", *others]
    kept = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else []
    return [
        *(f"--unshare-{name}" for name in wanted),
        *([] if root else ["--uid", "1000", "--gid", "1000"]),
        *("--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"),
        *kept,
    ]


def _variables() -> Iterator[str]:
    yield "--clearenv"
    for name, value in {
        "HOME": FOLDER,
        "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": f"{PYTHON}/lib",
        "MALLOC_ARENA_MAX": "2",  # each arena takes 64 MB of address space
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": FOLDER,
    }.items():
        yield from ("--setenv", name, value)


def _interpreter() -> Path:
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _python() -> Iterator[str]:
    prefix = Path(sys.base_prefix).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    inside = f"{PYTHON}/lib/{library.name}"
    if str(prefix) in _SHARED_PREFIXES:
        yield from ("--ro-bind", str(_interpreter()), f"{PYTHON}/bin/{_interpreter().name}")
        yield from ("--ro-bind", str(library), inside)
        shared = Path(sysconfig.get_config_var("LIBDIR") or "") / str(
            sysconfig.get_config_var("INSTSONAME")
        )
        if shared.suffix != ".a" and shared.is_file():
            yield from ("--ro-bind", str(shared), f"{PYTHON}/lib/{shared.name}")
    else:
        yield from ("--ro-bind", str(prefix), PYTHON)
    for other in ("site-packages", "dist-packages"):
        if (library / other).is_dir():
            yield from ("--tmpfs", f"{inside}/{other}", "--remount-ro", f"{inside}/{other}")


def _libraries() -> Iterator[str]:
    """Mount the folders of shared libraries as they lie on the host, and nothing beside them."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    named = [f"/usr/lib/{multiarch}", "/usr/lib64"] if multiarch else ["/usr/lib", "/usr/lib64"]
    for folder in named:
        if os.path.isdir(folder) and not os.path.islink(folder):  # noqa: PTH112, PTH114
            yield from ("--ro-bind", folder, folder)
    for folder in ("/lib", "/lib64"):
        yield from _top(folder, f"{folder}/{multiarch}" if folder == "/lib" and multiarch else "")


def _programs() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for folder in ("/bin", "/sbin", "/lib", "/lib64"):
        yield from _top(folder)
    for file in ("/etc/alternatives", "/etc/ld.so.cache"):
        yield from ("--ro-bind-try", file, file)
    yield from ("--proc", "/proc")
    for name in _MASKED:
        if os.path.exists(f"/proc/{name}"):  # noqa: PTH110  # beside the words that follow
            yield from ("--ro-bind", "/dev/null", f"/proc/{name}")
    yield from ("--symlink", "/proc/self/fd", "/dev/fd")


def _top(folder: str, part: str = "") -> Iterator[str]:
    """Mount a top-level folder, or a part of it; or make it the link that it is on the host."""
    path = Path(folder)
    if path.is_symlink():
        yield from ("--symlink", str(path.readlink()), folder)
    elif path.is_dir():
        yield from ("--ro-bind-try", part or folder, part or folder)

"""A sandbox made by sandlock, where namespaces cannot be had: Landlock and a filter of calls.

What differs from `cell`: the folder for files is one of the host's, removed at the end; processes
are found by their descent; and nothing but the watch limits what all of them hold together.
See https://github.com/multikernel/sandlock.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

from bottega_plugins.sandbox.process.cell import Cell, Inhabitants
from bottega_plugins.sandbox.process.family import parent_of
from bottega_plugins.sandbox.process.recipe import Recipe
from bottega_plugins.sandbox.process.seccomp import assemble
from bottega_plugins.sandbox.process.supervisor import descendants, end_descendants

_DEVICES = ("null", "zero", "random", "urandom")
_HERE = Path(__file__).parent


class LockCell(Cell):
    """A sandbox of sandlock's."""

    hint = "it needs Landlock: see `bottega doctor`; or use 'process' or 'monty'"

    def __init__(self, recipe: Recipe) -> None:
        """Start it, without waiting. Raises OSError."""
        self._folder = Path(tempfile.mkdtemp(prefix="bottega-sandlock-")).resolve()
        try:
            super().__init__(recipe, None)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @staticmethod
    def _choose_user(recipe: Recipe) -> int:
        return 0  # another one could read no Python of this user's

    def _start(self, theirs: socket.socket, output: int) -> subprocess.Popen[bytes]:
        policy = json.dumps({**self._policy(), "command": self._command()})
        return subprocess.Popen(  # noqa: S603  # our own words
            [sys.executable, "-I", str(_HERE / "supervisor.py"), policy],
            stdin=theirs.fileno(),
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env={"HOME": str(self._folder)},
        )

    def _policy(self) -> dict[str, object]:
        """Return what sandlock's `Sandbox` takes."""
        multiarch = sysconfig.get_config_var("MULTIARCH") or ""
        places = [sys.base_prefix, f"/usr/lib/{multiarch}", f"/lib/{multiarch}", "/lib64"]
        readable = [*places, str(_HERE / "runner.py"), *(f"/dev/{name}" for name in _DEVICES)]
        return {
            "path": [_home_of("sandlock")],
            "fs_readable": [each for each in readable if Path(each).exists()],
            "fs_writable": [str(self._folder)],
            "cwd": str(self._folder),
            "clean_env": True,
            "env": {"HOME": str(self._folder), "TMPDIR": str(self._folder)},
            "max_memory": self.recipe.memory,
            "max_processes": self.recipe.processes,
            "no_coredump": True,
        }

    def _command(self) -> list[str]:
        python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
        limits = json.loads(self.recipe.limits(0, grouped=False))
        limits["resources"]["FSIZE"] = self.recipe.disk
        limits["resources"].pop("NPROC")  # counts what else its user runs: sandlock counts itself
        limits["filter"] = b64encode(assemble(attributes=False)).decode("ascii")
        runner = [str(_HERE / "runner.py"), "0", json.dumps(limits)]
        return [str(python), "-I", "-S", "-B", "-X", "utf8", *runner]

    def _find(self, runner: int) -> Inhabitants:
        runner_fd = os.pidfd_open(runner)
        return Inhabitants(
            monitor=self._process.pid,
            init=parent_of(runner),
            runner=runner,
            init_fd=os.dup(runner_fd),
            runner_fd=runner_fd,
        )

    def family(self) -> set[int]:
        return {self._process.pid, *descendants(self._process.pid)}

    def spent(self) -> tuple[int, int]:
        held = files = 0
        for folder, _, names in os.walk(self._folder):
            files += len(names) + 1
            for name in names:
                with suppress(OSError):
                    held += (Path(folder) / name).lstat().st_blocks * 512
        return held, files

    def kill(self) -> None:
        while self._process.poll() is None and end_descendants(self._process.pid):
            pass
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        super().end()
        shutil.rmtree(self._folder, ignore_errors=True)


def _home_of(package: str) -> str:
    """Return the folder from which a package is imported."""
    found = importlib.util.find_spec(package)
    return str(Path(found.origin).parents[1]) if found and found.origin else ""

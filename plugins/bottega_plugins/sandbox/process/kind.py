"""The kind of sandbox named `process`: full Python behind the kernel's own walls."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bottega.errors import SandboxError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits
from bottega_plugins.sandbox.process.recipe import Recipe, find_bubblewrap
from bottega_plugins.sandbox.process.seccomp import assemble
from bottega_plugins.sandbox.process.session import ProcessSession

LEAST_MEMORY = 32 << 20
"""Bytes in which a Python can start and do something."""
LEAST_DISK = 64 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSandbox:
    """bubblewrap's namespaces, a filter of system calls, control groups, and a user of its own."""

    packages: bool = False
    """Whether the code may import what is installed beside Bottega, read-only."""
    programs: bool = False
    """Whether it sees the host's programs (/usr), read-only."""
    workspace: Path | None = None
    """A folder of the host that it sees as /workspace."""
    writable: bool = False
    """Whether it may write there."""

    @property
    def name(self) -> str:
        """`process`."""
        return "process"

    @property
    def boundary(self) -> bool:
        """It holds hostile code."""
        return True

    def check(self) -> None:
        """Start one. Raises SandboxError where the machine cannot give it."""
        self._check_machine()
        from bottega_plugins.sandbox.process import pool

        pool.try_out(self._recipe(CodeLimits()))

    async def open(
        self, tools: Sequence[ToolSpec] = (), limits: CodeLimits | None = None
    ) -> ProcessSession:
        """Open a session. Raises SandboxError where the machine cannot give the isolation."""
        self._check_machine()
        from bottega_plugins.sandbox.process import pool

        given = limits or CodeLimits()
        check_limits(given, self.name)
        return ProcessSession(await pool.take(self._recipe(given)), tools, given)

    def _check_machine(self) -> None:
        if sys.platform != "linux":
            raise SandboxError(
                "the sandbox 'process' needs Linux", hint="use 'monty', or run in a container"
            )
        find_bubblewrap()
        assemble()
        if self.workspace is not None:
            _check_workspace(self.workspace, writable=self.writable)

    def _recipe(self, limits: CodeLimits) -> Recipe:
        return Recipe(
            memory=limits.memory,
            processes=limits.processes,
            disk=limits.disk,
            packages=self.packages,
            programs=self.programs,
            workspace=self.workspace,
            writable=self.writable,
        )


def check_limits(limits: CodeLimits, name: str) -> None:
    """Raise SandboxError for limits in which no sandbox can be made."""
    if limits.memory < LEAST_MEMORY or limits.disk < LEAST_DISK or limits.processes < 1:
        raise SandboxError(
            f"the sandbox {name!r} cannot be made so small",
            hint=f"memory: {LEAST_MEMORY >> 20} MiB at least; disk: {LEAST_DISK >> 10} KiB; "
            "processes: 1",
        )


def _check_workspace(folder: Path, *, writable: bool) -> None:
    if not folder.is_dir():
        raise SandboxError(f"the workspace {folder} is no folder")
    if writable and os.geteuid() == 0 and folder.stat().st_uid == 0:
        raise SandboxError(
            f"the workspace {folder} belongs to root, and nothing in the sandbox is root",
            hint="chown it, with all that is in it, to another user",
        )

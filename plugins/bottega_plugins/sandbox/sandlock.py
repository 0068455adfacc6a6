"""The kind of sandbox named `sandlock`: full Python behind Landlock, where namespaces are absent.

It holds less than `process`: code runs as the host's own user and has a folder on the host's disk.
How it works is `bottega_plugins.sandbox.process`, whose runner, protocol and pool it shares;
sandlock itself is https://github.com/multikernel/sandlock (Apache-2.0).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bottega.errors import SandboxError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits
from bottega_plugins.sandbox.process.kind import check_limits
from bottega_plugins.sandbox.process.recipe import Recipe
from bottega_plugins.sandbox.process.session import ProcessSession


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandlock:
    """Landlock for files, network and signals; sandlock's filter of system calls; a watch."""

    @property
    def name(self) -> str:
        """`sandlock`."""
        return "sandlock"

    @property
    def boundary(self) -> bool:
        """It holds hostile code."""
        return True

    def check(self) -> None:
        """Start one. Raises SandboxError where the machine cannot give it."""
        _check_machine()
        from bottega_plugins.sandbox.process import pool

        pool.try_out(_recipe(CodeLimits()))

    async def open(
        self, tools: Sequence[ToolSpec] = (), limits: CodeLimits | None = None
    ) -> ProcessSession:
        """Open a session. Raises SandboxError where the machine cannot give the isolation."""
        _check_machine()
        from bottega_plugins.sandbox.process import pool

        given = limits or CodeLimits()
        check_limits(given, "sandlock")
        return ProcessSession(await pool.take(_recipe(given)), tools, given)


def _recipe(limits: CodeLimits) -> Recipe:
    return Recipe(
        memory=limits.memory, processes=limits.processes, disk=limits.disk, walls="sandlock"
    )


def _check_machine() -> None:
    if sys.platform != "linux":
        raise SandboxError("the sandbox 'sandlock' needs Linux", hint="use 'monty'")
    try:
        import sandlock  # type: ignore[import-untyped]  # it has no py.typed
    except ImportError as error:
        raise SandboxError(
            "sandlock is not installed", hint="pip install 'bottega[sandlock]'"
        ) from error
    has, needs = sandlock.landlock_abi_version(), sandlock.min_landlock_abi()
    if has < needs:
        raise SandboxError(
            f"the sandbox 'sandlock' needs Landlock {needs}, and this kernel has {max(has, 0)}",
            hint="Linux 6.12 or newer with Landlock switched on; or use 'process' or 'monty'",
        )

"""The tool `shell`: a command line in the sandbox `process`, and nowhere else.

    tools: [{shell: {workspace: project, writable: true, seconds: 30}}]

Each call has a sandbox of its own: the host's programs read-only, an empty home in memory, no
network. Nothing of it lasts but what is written to the workspace, where one is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError, ToolError
from bottega.messages import Json
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox
from bottega.tools import Output, Tool

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext

SANDBOX = "process"
MOST_CHARACTERS = 30_000
"""Of a command line, and of what is shown of its output."""
_SLACK = 15.0
"""Seconds that a call may take beyond its command: a sandbox is made for it, and ended."""
_CODE = """
import os, subprocess
shell = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
given = dict.fromkeys(("HOME", "LANG", "PATH", "PWD", "TMPDIR"), "") | dict(TERM="dumb")
given.update((name, os.environ[name]) for name in given if name in os.environ)
subprocess.run([shell, "-c", {command!r}], stdin=subprocess.DEVNULL, env=given).returncode
"""
_STOPPED = {
    "seconds": "it ran longer than {seconds:g} s",
    "memory": "it took more than {memory} MiB of memory",
    "processes": "it had more than {processes} processes at once",
    "disk": "it wrote more than {disk} MiB outside of the workspace",
    "died": "its process ended",
}


class Shell(Tool):
    """Runs command lines that a model wrote."""

    name = "shell"
    permissions = frozenset({"process"})

    def __init__(self, sandbox: Sandbox, limits: CodeLimits, *, lasting: bool = False) -> None:
        """Take the sandbox, and whether what is done in it lasts."""
        self._sandbox = sandbox
        self._limits = limits
        self.effects = "once" if lasting else "none"
        self.timeout = limits.seconds + _SLACK

    async def run(self, command: str) -> Output:
        """Run a command line in a sandbox without network, and show what it prints.

        Every call begins anew: in an empty home folder, or in /workspace where there is one. Only
        files in /workspace last.

        Args:
            command: for example `sort data.csv | uniq -c | tail -3`.
        """
        if not command.strip():
            raise ToolError("the command line is empty")
        if "\0" in command or len(command) > MOST_CHARACTERS:
            told = f"a command line has no null characters, and at most {MOST_CHARACTERS:,} others"
            raise ToolError(told)
        session = await self._sandbox.open((), self._limits)
        try:
            outcome = await session.run(_CODE.format(command=command), _no_tools)
        finally:
            await session.aclose()
        return self._output(outcome)

    def _output(self, outcome: CodeOutcome) -> Output:
        """Return what the model reads. Raises ToolError where the command was stopped."""
        printed = outcome.printed.rstrip("\n")
        if outcome.dropped:
            printed += f"\n[{outcome.dropped:,} more characters were printed and are dropped]"
        if outcome.stopped or outcome.error:
            before = f"\nPrinted before that:\n{printed}" if printed else ""
            raise ToolError(f"{self._ended(outcome)}{before}")
        if outcome.value != "0":
            printed += f"\n[exit status {outcome.value}]"
        return Output(content=printed.strip("\n") or "Done: exit status 0, nothing was printed.")

    def _ended(self, outcome: CodeOutcome) -> str:
        limits = self._limits
        said = _STOPPED.get(outcome.stopped)
        if said is None:
            return outcome.error.rpartition("\n")[2]
        what = said.format(
            seconds=limits.seconds,
            memory=limits.memory >> 20,
            processes=limits.processes,
            disk=limits.disk >> 20,
        )
        return f"the command was stopped: {what}"


def shell(
    context: FactoryContext,
    *,
    workspace: str = "",
    writable: bool = False,
    seconds: float = 30.0,
    memory: int = 512,
) -> Shell:
    """Make the tool; `memory` is in MiB, `workspace` a folder beside the graph.

    Raises SandboxError where the machine cannot give the sandbox.
    """
    if seconds <= 0 or memory < 32:
        raise InputError("shell needs `seconds` above 0, and `memory` of at least 32 MiB")
    if writable and not workspace:
        raise InputError("shell has nothing to write to", hint="give it a `workspace`")
    sandbox: Sandbox = context.make(
        "sandbox", SANDBOX, programs=True, workspace=workspace, writable=writable
    )
    sandbox.check()
    limits = CodeLimits(seconds=seconds, memory=memory << 20, processes=64, output=MOST_CHARACTERS)
    made = Shell(sandbox, limits, lasting=writable)
    made.permissions = _needed(context.folder / workspace if workspace else None, writable)
    return made


def _needed(workspace: Path | None, writable: bool) -> frozenset[str]:
    if workspace is None:
        return frozenset({"process"})
    files = ("files:read", "files:write") if writable else ("files:read",)
    return frozenset({"process", *(f"{each}:{workspace.resolve()}" for each in files)})


async def _no_tools(name: str, arguments: Mapping[str, Json]) -> Json:
    raise ToolError(f"there is no tool {name!r} here")

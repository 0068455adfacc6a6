"""The seam behind which code runs that a model wrote.

A sandbox opens sessions; a session runs one step of code after the other and keeps what they
define. Tools are functions there: each call comes back to the host, which makes it as it makes any
other call. How a model is told to write code, and how its code is read, is the dialect's business.

What every sandbox keeps to:
- The tools' names are Python identifiers already; a step begins with every one of them bound to its
  tool again, whatever an earlier step made of the name.
- Arguments by position take the names of `ToolSpec.parameters["properties"]` in order: `bind` does
  it, and says what does not fit. Values cross as JSON; one that is none is an error in the code.
- Nothing that comes out of a sandbox is unpickled or evaluated, and all of it is bounded.
- `CodeOutcome.value` is written by the code's own Python, within the step's limits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bottega.errors import ToolError
from bottega.messages import Json
from bottega.model import ToolSpec

ToolCaller = Callable[[str, Mapping[str, Json]], Awaitable[Json]]
"""Make the call of a tool that the code asks for, by name and arguments; return what it comes to.

A ToolError is raised in the code, as an exception with its message that `except Exception`
catches. Anything else ends the step and passes through `SandboxSession.run`, after the code has
been stopped. Calls are made one after the other, also where the code has threads."""

Stopped = Literal["", "seconds", "memory", "processes", "disk", "calls", "died"]
"""Which limit ended a step; `died` where its process ended by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeLimits:
    """What one step of code may use."""

    seconds: float = 10.0
    """Wall time, without that spent in tools."""
    memory: int = 256 << 20
    """Bytes of the whole session."""
    processes: int = 32
    """Processes and threads at once."""
    disk: int = 64 << 20
    """Bytes in the session's own folder, which is memory, too."""
    output: int = 50_000
    """Characters of what is printed; the rest is dropped, and counted."""
    calls: int = 100
    """Calls of tools."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeOutcome:
    """What came of one step of code."""

    printed: str = ""
    dropped: int = 0
    """Characters that were printed beyond the limit."""
    value: str = ""
    """The `repr` of the last expression's value, cut; empty for None or no expression."""
    error: str = ""
    """What Python says of an exception that nobody caught, or why the code could not be run."""
    stopped: Stopped = ""
    """Empty where the step ended by itself. The session goes on after a stop; `lost` says how."""
    lost: bool = False
    """What earlier steps defined is gone: the process that had it was ended."""
    lacking: str = ""
    """What this sandbox's Python has not got and another's has; empty where nothing is lacking."""


@runtime_checkable
class SandboxSession(Protocol):
    """One agent's code at work: what a step defines, the next one has."""

    async def run(self, code: str, call: ToolCaller) -> CodeOutcome:
        """Run a step. Never raises on what the code does; cancelling it stops the code at once."""
        ...

    async def aclose(self) -> None:
        """End whatever is left of it: processes, files, memory."""
        ...


@runtime_checkable
class Sandbox(Protocol):
    """A kind of sandbox, as `bottega_sandboxes` offers it."""

    @property
    def name(self) -> str:
        """How users name it, such as `monty`."""
        ...

    @property
    def boundary(self) -> bool:
        """Whether it holds hostile code; False where only trusted code may run in it."""
        ...

    def check(self) -> None:
        """Raise SandboxError where this machine cannot give the isolation, with what to install."""
        ...

    async def open(
        self, tools: Sequence[ToolSpec] = (), limits: CodeLimits | None = None
    ) -> SandboxSession:
        """Open a session with these tools as functions. Raises SandboxError."""
        ...


def bind(tool: ToolSpec, positional: Sequence[Json], named: Mapping[str, Json]) -> dict[str, Json]:
    """Return the arguments of a call by name, as Python binds them.

    Whether they are of the right kind is the tool's to judge. Raises ToolError for too many of
    them, and for one that is given twice.
    """
    names = list(tool.parameters.get("properties", ()))
    if len(positional) > len(names):
        raise ToolError(
            f"{tool.name}() takes {len(names)} arguments but {len(positional)} were given",
            hint=f"its arguments: {', '.join(names) or 'none'}",
        )
    given = dict(zip(names, positional, strict=False))
    twice = [name for name in named if name in given]
    if twice:
        raise ToolError(f"{tool.name}() got several values for argument {twice[0]!r}")
    return {**given, **named}

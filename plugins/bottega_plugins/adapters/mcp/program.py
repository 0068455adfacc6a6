"""A server as a child process that speaks over its standard input and output.

What the SDK's own transport leaves open is bounded here: the length of a message, how much comes
unasked, what is kept of standard error, which variables the program gets; and it ends with us, its
children too, however we end. Line by line as https://modelcontextprotocol.io has it (stdio).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError
from bottega.escape import mask, one_line

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

LONGEST_MESSAGE = 8 << 20
"""Bytes of one message."""
MOST_UNASKED = 16 << 20
"""Bytes that a server may write between two messages of ours."""
MOST_GARBAGE = 50
"""Lines that are no messages; some servers greet on standard output."""
_KEPT_OF_STDERR = 2_000
_GRACE = 1.0
"""Seconds that a program has to end when its input is closed, and again when it is told to."""
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")

_LAUNCH = (
    "import ctypes,os,sys\n"
    "ctypes.CDLL(None).prctl(1,9)\n"  # PR_SET_PDEATHSIG: no orphan, even after kill -9
    "os.getppid()==int(sys.argv[1]) or sys.exit(1)\n"
    "os.execv(sys.argv[2],sys.argv[3:])"
)


class Program:
    """One start of a program."""

    def __init__(self, command: Sequence[str], names: Sequence[str], folder: Path) -> None:
        self._command = list(command)
        self._environment = environment(names)
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = b""
        self._unasked = self._garbage = 0
        self._fault = ""
        self.ended = False
        """Whether it has said its last."""

    @asynccontextmanager
    async def transport(self, over: Callable[[], None]) -> AsyncGenerator[Any]:
        """Start the program and yield the streams of its messages; end it on the way out.

        `over` is called when it says no more. Raises InputError where it cannot be started.
        """
        import anyio

        process = self._process = await self._start()
        arriving, incoming = anyio.create_memory_object_stream[Any](0)
        outgoing, leaving = anyio.create_memory_object_stream[Any](0)

        async def read() -> None:
            async with arriving:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    async for message in self._messages(process):
                        await arriving.send(message)
                self.ended = True
                if not self._fault:
                    await _is_over(process)  # so that its exit code can be told
            over()

        async def write() -> None:
            async with leaving:
                with suppress(OSError):
                    async for message in leaving:
                        await self._write(process, message)

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(read)
                group.start_soon(write)
                group.start_soon(self._drain, process)
                try:
                    yield incoming, outgoing
                finally:
                    with anyio.CancelScope(shield=True):
                        await self._stop(process)
                    group.cancel_scope.cancel()
        finally:
            for stream in (arriving, incoming, outgoing, leaving):
                stream.close()
            _kill(process)

    def ending(self) -> str:
        """Say how it ended, with the last that it wrote to standard error."""
        code = None if self._process is None else self._process.returncode
        how = self._fault or ("stopped answering" if code is None else _ended(code))
        last = one_line(mask(self._stderr.decode("utf-8", "replace").strip()[-400:]), 400)
        return f"{how}; it wrote: {last}" if last else how

    async def _start(self) -> asyncio.subprocess.Process:
        program = find_program(self._command[0], self._folder, self._environment)
        command = [program, *self._command[1:]]
        if sys.platform == "linux":
            own = str(os.getpid())
            command = [sys.executable, "-I", "-S", "-c", _LAUNCH, own, program, *self._command]
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                cwd=self._folder,
                limit=LONGEST_MESSAGE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{self._command[0]} cannot be started: {error}") from error

    async def _messages(self, process: asyncio.subprocess.Process) -> AsyncIterator[SessionMessage]:
        assert process.stdout is not None
        while not self._fault:
            try:
                line = await process.stdout.readline()
            except ValueError:
                self._fault = f"sent a message of more than {LONGEST_MESSAGE >> 20} MB"
                return
            if not line:
                return
            self._unasked += len(line)
            if self._unasked > MOST_UNASKED:
                self._fault = f"sent more than {MOST_UNASKED >> 20} MB that nobody asked for"
                return
            message = self._parsed(line)
            if message is not None:
                yield message

    def _parsed(self, line: bytes) -> SessionMessage | None:
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter

        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            self._garbage += bool(line.strip())
            if self._garbage > MOST_GARBAGE:
                shown = one_line(mask(line[:200].decode("utf-8", "replace")), 80)
                self._fault = f"writes what is not MCP to its standard output: {shown!r}"
            return None

    async def _write(self, process: asyncio.subprocess.Process, message: SessionMessage) -> None:
        assert process.stdin is not None
        self._unasked = 0
        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
        process.stdin.write(text.encode() + b"\n")
        await process.stdin.drain()

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        """Read standard error, so that the program never waits for us to, and keep its end."""
        assert process.stderr is not None
        while data := await process.stderr.read(65_536):
            self._stderr = (self._stderr + data)[-_KEPT_OF_STDERR:]

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """Close its input, wait, tell it to end, wait, end it."""
        assert process.stdin is not None
        if process.returncode is None and not self._fault:
            process.stdin.close()
            if not await _is_over(process):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGTERM)
                await _is_over(process)
        _kill(process)
        await _is_over(process)


def environment(names: Sequence[str]) -> dict[str, str]:
    """Return what every program gets and the variables named. Raises InputError for a missing one.

    Nothing else of ours goes along: keys in the environment are not a stranger's business.
    """
    for name in names:
        if name not in os.environ:
            raise InputError(f"the variable {name} is not set", hint=f"export {name}=...")
    wanted = (*_INHERITED, *names)
    return {name: os.environ[name] for name in wanted if name in os.environ}


def find_program(name: str, folder: Path, variables: Mapping[str, str]) -> str:
    """Return the path of the program. Raises InputError where there is none."""
    path = str(folder / name) if "/" in name else name
    found = shutil.which(path, path=variables.get("PATH", os.defpath))
    if found is None:
        raise InputError(f"there is no program {name!r} to start", hint="install it, or its path?")
    return str(Path(found).absolute())


async def _is_over(process: asyncio.subprocess.Process) -> bool:
    """Wait a little for its end; not for its pipes, which a child of its may hold."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _GRACE
    while process.returncode is None and loop.time() < end:  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.01)
    return process.returncode is not None


def _kill(process: asyncio.subprocess.Process) -> None:
    """End what is left of its process group, and let go of its pipes."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    transport: Any = getattr(process, "_transport", None)  # asyncio offers no other way to it
    if transport is not None:
        transport.close()


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code}"
    return f"ended with exit code {code}"

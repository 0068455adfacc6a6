"""One sandbox at work: its processes, its control group, and the two ways out of it.

        host ── sh ══ bubblewrap (monitor)          sh takes its place in the control group
                          └─ bubblewrap (init)      process 1 of the namespace: dead, all in it is
                               └─ runner            process 2, another user, stopped between steps

Nothing of what the runner says is needed to end it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import signal
import socket
import struct
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from bottega.errors import SandboxError
from bottega_plugins.sandbox.process.cgroup import Group, Places
from bottega_plugins.sandbox.process.family import descendants, end_family, parent_of
from bottega_plugins.sandbox.process.recipe import FOLDER, Recipe, find_bubblewrap
from bottega_plugins.sandbox.process.seccomp import assemble
from bottega_plugins.sandbox.process.wire import ProtocolError, Ready, take

START_SECONDS = 10.0
"""How long a sandbox may take until it is ready: a machine under load is slow."""
_END_SECONDS = 2.0
_TIDY_SECONDS = 0.1
_LARGEST_PIPE = 1 << 20
_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group
_FIRST_USER = 0x70000000  # far above what systems give to people, services and containers
_users = itertools.count(os.getpid() * 64)

_ENTER = """
doors=$1; shift
while [ "$doors" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; doors=$((doors - 1)); done
exec "$@"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inhabitants:
    """The processes of a cell that has nothing left in it, as the host numbers them."""

    monitor: int
    init: int
    runner: int
    init_fd: int
    runner_fd: int

    def known(self) -> set[int]:
        return {self.monitor, self.init, self.runner}


class Cell:
    """A sandbox: made by `start`, of use after `ready`, and gone after `end`."""

    hint = "it needs namespaces: run as root, or allow them (sysctl user.max_user_namespaces)"
    """What to do where it does not start."""

    def __init__(self, recipe: Recipe, places: Places | None) -> None:
        """Start it, without waiting. Raises SandboxError and OSError."""
        self.recipe = recipe
        self._user = self._choose_user(recipe)
        self._inhabitants: Inhabitants | None = None
        self._group = (
            Group.make(places, memory=recipe.memory, processes=recipe.processes) if places else None
        )
        self.line, theirs = socket.socketpair()
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.line.setblocking(False)
        self.printed, output = os.pipe()
        os.set_blocking(self.printed, False)
        try:
            self._process = self._start(theirs, output)
        except BaseException:
            self.line.close()
            os.close(self.printed)
            if self._group is not None:
                self._group.remove()
            raise
        finally:
            theirs.close()
            os.close(output)

    def _start(self, theirs: socket.socket, output: int) -> subprocess.Popen[bytes]:
        doors = self._group.doors if self._group else ()
        filter_fd = os.memfd_create("filter", os.MFD_CLOEXEC)
        try:
            os.pwrite(filter_fd, assemble(), 0)
            command = self.recipe.command(
                find_bubblewrap(), root=bool(self._user), seccomp=filter_fd
            )
            told = [str(theirs.fileno()), self.recipe.limits(self._user, grouped=bool(doors))]
            return subprocess.Popen(  # noqa: S603  # our own words
                [*("/bin/sh", "-c", _ENTER, "sh", str(len(doors))), *doors, *command, *told],
                pass_fds=[theirs.fileno(), filter_fd],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                env={},
            )
        finally:
            os.close(filter_fd)

    @staticmethod
    def _choose_user(recipe: Recipe) -> int:
        """Return the user that the runner becomes: nobody's, or the workspace's owner; 0: none.

        Only root can make it another than the host's own user.
        """
        if os.geteuid() != 0:
            return 0
        if recipe.writable and recipe.workspace is not None:
            return recipe.workspace.stat().st_uid
        return _FIRST_USER + next(_users) % 0x0FFFFFFF

    @property
    def is_ready(self) -> bool:
        """Whether the runner has reported, and is who it should be."""
        return self._inhabitants is not None

    @property
    def is_alive(self) -> bool:
        """Whether its first process still runs."""
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait, blocking, until it is ready. Raises SandboxError."""
        select.select([self.line], [], [], START_SECONDS)
        self._greet()

    async def ready(self) -> None:
        """Wait until it is ready. Raises SandboxError."""
        loop = asyncio.get_running_loop()
        come = asyncio.Event()
        loop.add_reader(self.line, come.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    await come.wait()
        finally:
            loop.remove_reader(self.line)
        self._greet()

    def _greet(self) -> None:
        """Read who reports: the kernel says which process of which user it is."""
        try:
            data, ancillary, _, _ = self.line.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
            first = take(bytearray(data))
        except (OSError, ProtocolError):
            data, ancillary, first = b"", [], None
        if not isinstance(first, Ready) or not ancillary:
            raise SandboxError(f"the sandbox did not start: {self._last_words()}", hint=self.hint)
        runner, user, _ = _CREDENTIALS.unpack(ancillary[0][2][: _CREDENTIALS.size])
        if self._user and user != self._user:
            raise SandboxError("the sandbox did not start: its runner kept its user")
        self._inhabitants = self._find(runner)

    def _find(self, runner: int) -> Inhabitants:
        try:
            runner_fd = os.pidfd_open(runner)
            init = parent_of(runner)
            init_fd = os.pidfd_open(init)
            if parent_of(runner) != init or parent_of(init) != self._process.pid:
                raise SandboxError("the sandbox did not start: it is in no namespace of its own")
        except OSError as error:
            raise SandboxError(f"the sandbox did not start: {error}") from None
        return Inhabitants(
            monitor=self._process.pid,
            init=init,
            runner=runner,
            init_fd=init_fd,
            runner_fd=runner_fd,
        )

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        with suppress(OSError):
            words = os.read(self.printed, 4096).decode("utf-8", "replace").strip()
            if words:
                return words[-500:]
        return "it said nothing"

    def interrupt(self) -> None:
        """Ask the code to stop, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def stop(self) -> None:
        """Let nothing in it run until `go`."""
        self._signal(signal.SIGSTOP)

    def go(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self._inhabitants is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inhabitants.runner_fd, which)

    async def is_tidy(self) -> bool:
        """Say whether nothing but the runner is left in it; what is just ending may end."""
        give_up = time.monotonic() + _TIDY_SECONDS
        while not self._only_known():
            if time.monotonic() > give_up:
                return False
            await asyncio.sleep(0.002)
        return True

    def _only_known(self) -> bool:
        if self._inhabitants is None:
            return False
        return self.family() <= self._inhabitants.known()

    def out_of_memory(self) -> bool:
        """Say whether the kernel has ended something in it for want of memory."""
        return self._group is not None and self._group.out_of_memory()

    @property
    def is_limited(self) -> bool:
        """Whether a control group limits what all of it uses together; else `watch` must."""
        return self._group is not None

    def family(self) -> set[int]:
        """Return its processes, as the host numbers them."""
        return self._group.members() if self._group else descendants(self._process.pid)

    def spent(self) -> tuple[int, int]:
        """Return what its folder holds, in bytes (0 where they are limited) and files."""
        init = self._inhabitants.init if self._inhabitants else 0
        with suppress(OSError):
            found = os.statvfs(f"/proc/{init}/root{FOLDER}")
            return 0, found.f_files - found.f_ffree
        return 0, 0

    def kill(self) -> None:
        """Kill every process in it, whatever state they are in. Does not wait."""
        if self._inhabitants is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inhabitants.init_fd, signal.SIGKILL)
        elif self._process.poll() is None:
            # a monitor that is killed alone while it starts leaves a child that waits for it
            end_family(self._process.pid)

    def end(self) -> None:
        """Kill every process in it, wait until they are gone, and give back what it had."""
        self.kill()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its init dies with it
            self._process.wait()
        if self._inhabitants is not None:
            os.close(self._inhabitants.init_fd)
            os.close(self._inhabitants.runner_fd)
            self._inhabitants = None
        self.line.close()
        os.close(self.printed)
        if self._group is not None:
            self._group.remove()

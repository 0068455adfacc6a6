"""Things of the host that hostile code goes for, and a look at each of them afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

_SECRET = "the-canary-sings-4711"
_VARIABLE = "BOTTEGA_CANARY"


class Canaries:
    """A file, a folder, a process, a variable, and sockets that nobody may reach."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "nest"
        self._folder.mkdir()
        self._file = self._folder / "secret"
        self._file.write_text(_SECRET)
        self._abstract = f"canary-{os.getpid()}-{time.monotonic_ns()}"
        self._path = str(self._folder / "socket")
        if len(self._path) > 100:  # the kernel takes no longer names
            self._path = f"/tmp/{self._abstract}"
        self._before = self._machine()

    def __enter__(self) -> Canaries:
        os.environ[_VARIABLE] = _SECRET
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import time\nwhile True: time.sleep(1)"]
        )
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(self._tcp.getsockname())
        self._unix = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for each, address in zip(self._unix, (f"\0{self._abstract}", self._path), strict=True):
            each.bind(address)
            each.listen()
        Path(self._path).chmod(0o777)
        self._sockets = [self._tcp, self._udp, *self._unix]
        for each in self._sockets:
            each.setblocking(False)
        self._marks = self._marked()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del os.environ[_VARIABLE]
        self._process.kill()
        self._process.wait()
        for each in self._sockets:
            each.close()
        Path(self._path).unlink()

    def aim(self, code: str) -> str:
        """Return the code with the names of the canaries in it."""
        for word, value in {
            "CANARY_FILE": str(self._file),
            "CANARY_FOLDER": str(self._folder),
            "CANARY_PROCESS": self._process.pid,
            "CANARY_HOST": os.getpid(),
            "CANARY_PORT": self._tcp.getsockname()[1],
            "CANARY_ABSTRACT": self._abstract,
            "CANARY_SOCKET": self._path,
            "CANARY_VARIABLE": _VARIABLE,
        }.items():
            code = code.replace(word, repr(value))
        return code.replace("'ESCAPED'", "'ESC' 'APED'")  # a traceback that quotes it says nothing

    def harmed(self, said: str) -> list[str]:
        """Return what has happened to them, and whether anything of them is in what was said."""
        wrong: list[str] = []
        if _SECRET in said:
            wrong.append("the secret was told")
        if "ESCAPED" in said:
            wrong.append("it got what it must not get")
        if self._file.read_text() != _SECRET or len(list(self._folder.iterdir())) > 2:
            wrong.append("the files were changed")
        if self._marked() != self._marks:
            wrong.append("modes, owners or times were changed")
        state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if self._process.poll() is not None or state == "T":
            wrong.append("the process was ended or stopped")
        if self._machine() != self._before:
            wrong.append("the machine was changed")
        return wrong + [f"{each.getsockname()!r} was reached" for each in self._reached()]

    def _reached(self) -> list[socket.socket]:
        found: list[socket.socket] = []
        for each in self._sockets:
            try:
                if each is self._udp:
                    each.recv(100)
                else:
                    each.accept()[0].close()
            except BlockingIOError:
                continue
            found.append(each)
        return found

    def _marked(self) -> list[tuple[int, int, int, int]]:
        each = [self._file.stat(), self._folder.stat()]
        return [(one.st_mode, one.st_uid, one.st_gid, one.st_mtime_ns) for one in each]

    @staticmethod
    def _machine() -> tuple[str, ...]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        aimed_at = [line for line in lines if line.split()[1] in ("/", "/tmp", "/python")]
        pattern = Path("/proc/sys/kernel/core_pattern").read_text()
        return (socket.gethostname(), pattern, *aimed_at)

"""A PostgreSQL server of our own, on a free port of 127.0.0.1, as long as the process lasts.

Tests that use it belong to one group, so that they share one server: `pytestmark = postgres`.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

PASSWORD = "open-sesame-7"
USER = "bottega"
_DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Return the folder of the server's programs; None where it is not installed."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    return Path(program).resolve().parent if program else None


postgres = [
    pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server here"),
    pytest.mark.xdist_group("postgres"),
]
_names = itertools.count()


@cache
def shared_server() -> Server:
    """Return the server of this process; it is stopped when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="bottega-postgres-"))
    server = Server(folder).start()

    def end() -> None:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server


def new_store() -> str:
    """Make a database of its own on the shared server and return its address."""
    return shared_server().database(f"test{next(_names)}")


class Server:
    """One server; it may be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._bin = binaries()
        self._data = folder / "data"
        self._log = folder / "log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        self._make(folder)

    def _make(self, folder: Path) -> None:
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:  # the server refuses to run as root
            for part in (folder, secret):
                shutil.chown(part, "nobody")
        self._run(
            *("initdb", "-U", USER, "-A", "scram-sha-256", "--pwfile", secret, "-N"),
            *("--no-instructions", "--locale=C.UTF-8", "-D", self._data),
        )
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"port={self.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\n"
                "max_connections=60\nshared_buffers=32MB\nfsync=off\n"
            )

    def _run(self, program: str, *arguments: object) -> None:
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        as_user = user if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self._bin / program), *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            **as_user,
        )

    def start(self) -> Server:
        """Start, and wait until it answers."""
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-w", "-t", "60", "start")
        return self

    def stop(self, how: str = "fast") -> None:
        """Stop: `fast` cuts connections, `immediate` is a crash."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")

    def restart(self, how: str = "immediate", pause: float = 0.0) -> None:
        """Crash, and come back after a while."""
        self.stop(how)
        time.sleep(pause)
        self.start()

    def database(self, name: str) -> str:
        """Make a database of that name and return its address."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url.rpartition("/")[0] + f"/{name}"

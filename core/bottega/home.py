"""Where state lives: `BOTTEGA_HOME`, or `.bottega` beside the graph; for runs `BOTTEGA_STORE`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

STATE_FOLDER = ".bottega"
DATABASE = "bottega.db"
"""The file for runs in the state folder."""


def state_folder(beside: Path) -> Path:
    """Return the folder for checkpoints, journals, runs and indexes; it may not exist yet."""
    home = os.environ.get("BOTTEGA_HOME", "")
    return Path(home).expanduser() if home else beside / STATE_FOLDER


def store_address(folder: Path, chosen: str | Path | None = None) -> str | Path:
    """Return where graphs in that folder keep their runs: a URL, or the path of a SQLite file."""
    address = chosen or os.environ.get("BOTTEGA_STORE", "") or state_folder(folder) / DATABASE
    return address if "://" in str(address) else Path(address).expanduser()


def scheme(address: str | Path) -> str:
    """Return the name of the checkpointer for that address: `sqlite`, `postgresql`."""
    name = address.partition("://")[0] if isinstance(address, str) and "://" in address else ""
    return {"": "sqlite", "postgres": "postgresql"}.get(name, name)


def make_private(file: Path) -> None:
    """Make a file, and the folder that it lies in, where they are missing: for their owner alone.

    What is there already keeps its mode. Raises OSError.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # it is not opened then: that would let go of SQLite's locks
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

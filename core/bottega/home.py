"""Where state lives: `BOTTEGA_HOME`, or `.bottega` beside the graph; for runs `BOTTEGA_STORE`."""

from __future__ import annotations

import os
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

"""Where state lives on disk: `BOTTEGA_HOME`, or `.bottega` beside the graph."""

from __future__ import annotations

import os
from pathlib import Path

STATE_FOLDER = ".bottega"


def state_folder(beside: Path) -> Path:
    """Return the folder for checkpoints, journals, runs and indexes; it may not exist yet."""
    home = os.environ.get("BOTTEGA_HOME", "")
    return Path(home).expanduser() if home else beside / STATE_FOLDER

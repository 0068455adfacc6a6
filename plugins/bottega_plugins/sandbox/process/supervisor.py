"""The process between the host and a sandlock: it keeps the walls, and ends what outlives them.

Started by path as `supervisor.py POLICY`, with the line to the host as standard input. sandlock's
own supervisor works in threads of the process that starts the code; here it is none of the host's.
Ends all that descends from it when the host ends, or tells it to by SIGTERM.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import sys
import threading
import time
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Start the code behind its walls, and wait for its end or the host's."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    policy: dict[str, Any] = json.loads(sys.argv[1])
    sys.path[:0] = policy.pop("path")
    command: list[str] = policy.pop("command")
    from sandlock import Sandbox  # type: ignore[import-untyped]  # it has no py.typed

    code: Any = Sandbox(**policy).popen(command)
    waiting = threading.Thread(target=code.wait, daemon=True)
    waiting.start()
    while waiting.is_alive() and signal.sigtimedwait({signal.SIGTERM}, 0.1) is None:
        pass
    while end_descendants(os.getpid()):
        time.sleep(0.002)
    shutil.rmtree(policy["cwd"], ignore_errors=True)
    os._exit(0)


def end_descendants(root: int) -> bool:
    """Stop all of them, so that none makes another, then kill them; say whether there were any."""
    found = descendants(root)
    for which in (signal.SIGSTOP, signal.SIGKILL):
        for process in found:
            try:
                os.kill(process, which)
            except ProcessLookupError:
                continue
    return bool(found)


def descendants(root: int) -> set[int]:
    """Return the processes that descend from one, without those that have ended."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # pathlib takes as long to import as the rest
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="latin-1") as file:  # noqa: PTH123  # as above
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(name)] = int(parent)
    found: set[int] = {root}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


if __name__ == "__main__":
    main()

"""Who descends from whom, as /proc tells: where no control group holds a sandbox together."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_STOP_SECONDS = 0.5


def parent_of(process: int) -> int:
    """Return the parent of a process. Raises OSError where it has ended."""
    # the name, in parentheses, may hold spaces and parentheses
    return int(Path(f"/proc/{process}/stat").read_text("latin-1").rpartition(")")[2].split()[1])


def descendants(process: int) -> set[int]:
    """Return the process and all that descend from it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                children[parent_of(int(entry.name))].append(int(entry.name))
    found: set[int] = set()
    waiting = [process]
    while waiting:
        each = waiting.pop()
        found.add(each)
        waiting += children[each]
    return found


def end_family(process: int) -> None:
    """Kill a process with all that descends from it, also where it is just making more of them."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGSTOP)
        give_up = time.monotonic() + _STOP_SECONDS
        while _state_of(process) not in "TZX" and time.monotonic() < give_up:
            time.sleep(0.0005)
        for each in descendants(process) - {process}:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        os.kill(process, signal.SIGKILL)


def _state_of(process: int) -> str:
    with suppress(OSError):
        stat = Path(f"/proc/{process}/stat").read_text("latin-1")
        return stat.rpartition(")")[2].split()[0]
    return "X"


def memory_of(processes: set[int]) -> int:
    """Return the bytes of memory that these processes hold, what they share counted for each."""
    pages = 0
    for process in processes:
        with suppress(OSError, IndexError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

"""Well-known functions that a plugin replaced while it was imported.

Cheap and far from complete: a plugin is trusted code. It catches the accident, a library that
patches `json` or `socket` for everybody, and names who did it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

_WATCHED: Mapping[str, tuple[str, ...]] = {
    "asyncio": ("run", "sleep", "create_task", "wait_for"),
    "builtins": ("__import__", "open", "print", "eval", "exec", "isinstance"),
    "json": ("dumps", "loads", "dump", "load"),
    "os": ("_exit", "environ", "kill", "open", "remove", "system"),
    "pickle": ("loads", "dumps"),
    "socket": ("socket", "create_connection", "getaddrinfo"),
    "sqlite3": ("connect",),
    "ssl": ("SSLContext", "create_default_context"),
    "subprocess": ("Popen", "run"),
    "threading": ("Thread", "excepthook"),
    "time": ("monotonic", "sleep", "time"),
}


class Patches:
    """What the watched functions were when this object was made."""

    def __init__(self) -> None:
        self._before = _snapshot()

    def found(self) -> tuple[str, ...]:
        """Return the names of what has been replaced since."""
        now = _snapshot()
        return tuple(name for name, value in self._before.items() if now.get(name) is not value)


def _snapshot() -> dict[str, object]:
    values: dict[str, object] = {}
    for module_name, names in _WATCHED.items():
        module = sys.modules.get(module_name)  # what nobody has imported nobody has patched
        if module is not None:
            for name in names:
                values[f"{module_name}.{name}"] = getattr(module, name, None)
    return values

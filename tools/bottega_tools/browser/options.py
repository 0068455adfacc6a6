"""How the browser is set up, and the Chromium that it is."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bottega.destinations import Allowed
from bottega.errors import InputError
from bottega.guard import Guard, Lookup, look_up

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-domain-reliability",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--deny-permission-prompts",
    "--disable-notifications",
    "--disable-file-system",
    "--js-flags=--max-old-space-size=512",
)
"""Beside Playwright's own, which keep Chromium from talking to its maker: nothing goes round the
gate, nobody is asked for a permission, and a page has no more than so much memory."""

BARE = ("--no-zygote",)
"""Without its sandbox: processes that nobody forks ahead of time are nobody's to reap, either."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a graph may say of its browser."""

    allowed: Allowed = Allowed()
    """What may be reached although it is not of the public internet."""
    seconds: float = 20.0
    """Time for a page to come, and for whatever else is asked of one."""
    most: int = 50 << 20
    """Bytes that one page may load."""
    idle: float = 300.0
    """Seconds after which a page that nobody looks at is closed."""
    width: int = 1280
    height: int = 800
    executable: str = ""
    """Where Chromium is; found on the path if empty."""
    sandbox: bool | None = None
    """Chromium's own sandbox; None for wherever it can be had, which is not for root."""
    lookup: Lookup = look_up
    """Who is asked what a name stands for."""

    @property
    def guard(self) -> Guard:
        """Who says what may be reached."""
        return Guard(self.allowed, self.lookup)

    @property
    def sandboxed(self) -> bool:
        """Whether Chromium's own sandbox is on. Raises InputError where it is asked for in vain."""
        root = os.geteuid() == 0
        if self.sandbox and root:
            raise InputError(
                "Chromium has no sandbox of its own when it is run by root",
                hint="run Bottega as another user, or leave `sandbox` out",
            )
        return not root if self.sandbox is None else self.sandbox


def find_chromium(given: str = "") -> str:
    """Return the path of the system's Chromium. Raises InputError saying how to get one."""
    if given:
        if not os.access(given, os.X_OK) or Path(given).is_dir():
            raise InputError(f"executable: {given!r} is no program", hint="name Chromium's path")
        return given
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise InputError(
        "no Chromium is found on this machine", hint="apt-get install chromium, or Google Chrome"
    )

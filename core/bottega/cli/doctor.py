"""`bottega doctor`: what works on this machine, and how to get the rest."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from bottega.cli.options import as_json
from bottega.cli.screen import show, show_json

_MARKS = {"ok": "ok     ", "missing": "missing", "broken": "BROKEN ", "note": "note   "}


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Say what works on this machine, and how to get the rest.

    Exits with 1 when something is broken that was promised; what is merely not installed is not.
    """
    from bottega.cli.checkup import check_all
    from bottega.plugin.manager import default_plugins

    checks = list(check_all(default_plugins(), Path.cwd()))
    broken = sum(check.state == "broken" for check in checks)
    if as_json:
        show_json({"ok": not broken, "checks": [asdict(check) for check in checks]})
        sys.exit(1 if broken else 0)
    for check in checks:
        show(f"{_MARKS[check.state]}  {check.area:<10}  {check.name}: {check.text}")
        if check.hint:
            show(f"{'':21}{check.hint}")
    show(f"{broken} broken" if broken else "everything that was promised works")
    sys.exit(1 if broken else 0)

"""Plugin distributions written to a folder, as pip would have left them there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from bottega.plugin.manager import PluginManager

HEAD = """
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl
"""


def write_distribution(
    folder: Path,
    name: str,
    source: str,
    *,
    version: str = "1.0",
    entries: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> str:
    """Write a distribution whose plugin is a module of the same name; return the module's name."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\n"
    )
    points = entries if entries is not None else {module: module}
    lines = [f"{plugin} = {value}" for plugin, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[bottega]", *lines]), "utf-8")
    (folder / f"{module}.py").write_text(HEAD + dedent(source), "utf-8")
    for file, text in (files or {}).items():
        (folder / file).write_text(text)
    record = [f"{module}.py,,", *(f"{file},," for file in files or {})]
    (info / "RECORD").write_text("\n".join(record))
    return module


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Put the folder on the path, as if it were installed; forget its modules afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            home = getattr(sys.modules[name], "__file__", None) or ""
            if home.startswith(str(folder)):
                del sys.modules[name]


def discovered(folder: Path) -> PluginManager:
    """Return a manager that found what is in the folder, beside Bottega's own plugins."""
    with on_path(folder):
        manager = PluginManager.discover()
        assert manager.plugins  # all hooks are called while the folder is there
        return manager


def errors_of(manager: PluginManager, plugin: str) -> list[str]:
    """Return what is wrong with one plugin, each with its hint."""
    return [f"{each.error}; {each.hint}" for each in manager.failures if each.plugin == plugin]

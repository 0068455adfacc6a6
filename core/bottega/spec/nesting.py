"""Graph files within graph files: where they may lie, and that there is an end to it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.spec.findings import clip

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega.spec.model import GraphSpec

MOST_DEPTH = 8
"""Graphs within each other."""

_OPEN: ContextVar[tuple[Path, ...]] = ContextVar("bottega_open_graphs", default=())
"""The files under check, the outermost first."""


@contextmanager
def opened(path: Path) -> Generator[None, None, None]:
    """Note that the file is under check while the block lasts."""
    token = _OPEN.set((*_OPEN.get(), path.resolve()))
    try:
        yield
    finally:
        _OPEN.reset(token)


def inner_path(folder: Path, file: str) -> Path:
    """Return where an inner graph lies. Raises InputError when it is not inside the folder."""
    try:
        path = (folder / file).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{clip(file)} is no path: {error}") from error
    if not inside:
        raise InputError(
            f"{clip(file)} is outside the graph's folder", hint="put the file beside the graph"
        )
    return path


def inner_graph(file: str, context: FactoryContext) -> GraphSpec:
    """Return a graph that another one names, checked.

    Raises GraphError with every finding in it, InputError where it may not be used at all.
    """
    from bottega.spec.check import load_graph

    path = inner_path(context.folder, file)
    files = _OPEN.get()
    if path in files:
        circle = " -> ".join(one.name for one in (*files[files.index(path) :], path))
        raise InputError(f"graphs hold each other in a circle: {circle}", hint="break it up")
    if len(files) >= MOST_DEPTH:
        raise InputError(f"graphs are nested deeper than {MOST_DEPTH}", hint="make them flatter")
    return load_graph(_shown(path), context.plugins)


def _shown(path: Path) -> Path:
    """Return the path as a person here would write it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") else Path(relative)

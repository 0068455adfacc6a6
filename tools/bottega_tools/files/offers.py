"""The file tools as offers; each is imported when it is first named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.tools import Tool

_TOOLS = {
    "read_file": ("ReadFile", "Read a text file of the workspace, or look at a picture."),
    "write_file": ("WriteFile", "Write a text file into the workspace."),
    "edit_file": ("EditFile", "Replace a text in a file of the workspace."),
    "unpack_archive": ("UnpackArchive", "Unpack a ZIP or tar archive within the workspace."),
    "list_files": ("ListFiles", "List files of the workspace."),
    "search_files": ("SearchFiles", "Find lines of files in the workspace."),
}


def offers() -> Sequence[Offer]:
    """Return an offer for each."""
    return [
        Offer(name=name, summary=summary, factory=_factory(name, kind))
        for name, (kind, summary) in _TOOLS.items()
    ]


def _factory(name: str, kind: str) -> Callable[..., Tool]:
    def make(context: FactoryContext, *, root: object = "") -> Tool:
        from bottega_tools.files.workspace import Workspace

        if not isinstance(root, str):
            raise InputError(f"{name}: root must be the path of a folder, got {root!r}")
        made = getattr(import_module(f"bottega_tools.files.{name}"), kind)
        tool: Tool = made(Workspace.beside(context.folder, root))
        return tool

    return make

"""The tool that lists what is in a folder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bottega.escape import one_line, plain
from bottega.tools import Tool, ToolContext
from bottega_tools.files.pattern import Pattern
from bottega_tools.files.tree import Entry, Walk
from bottega_tools.files.workspace import Workspace


class ListFiles(Tool):
    """Lists files of a workspace."""

    name = "list_files"
    effects = "none"
    timeout = 30.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_read})

    def run(  # noqa: D417  # the context is not the model's to give
        self,
        path: str = ".",
        pattern: str = "",
        depth: Annotated[int, Field(ge=1, le=50)] = 3,
        limit: Annotated[int, Field(ge=1, le=2_000)] = 200,
        *,
        context: ToolContext,
    ) -> str:
        """List files and folders of the workspace, with their sizes in bytes.

        Args:
            path: the folder to begin in; `.` is the workspace.
            pattern: only files that fit, such as `*.py` or `src/**/*.md`.
            depth: how many folders deep to look.
            limit: how many to list at most.
        """
        context.allowed.check_read(self._workspace.place(path))
        fits = Pattern.of(pattern)
        found: list[str] = []
        with self._workspace.folder(path) as fd:
            walk = Walk(depth=depth)
            for entry in walk.over(fd):
                if (entry.is_folder and pattern) or not fits(entry.path):
                    continue
                if len(found) == limit:
                    return "\n".join([*found, f"[there are more than {limit:,}]"])
                found.append(_shown(entry))
        if not found:
            fitting = f" that fits {one_line(pattern, 120)!r}" if pattern else ""
            found.append(f"[nothing{fitting} in {one_line(path, 120)!r}, {depth} folders deep]")
        if walk.full:
            found.append("[there is too much to look at everything: begin in a folder within]")
        return "\n".join(found)


def _shown(entry: Entry) -> str:
    name = plain(entry.path).replace("\n", "\\n").replace("\t", "\\t")
    if entry.is_folder:
        return f"{name}/"
    return f"{name}  {entry.size:,}" if entry.is_file else f"{name}  ({entry.kind})"

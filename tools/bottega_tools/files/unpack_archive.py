"""The tool that unpacks an archive of the workspace into the workspace."""

from __future__ import annotations

import os

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.tools import Tool, ToolContext
from bottega_tools.files.archive import members
from bottega_tools.files.path import parts_of
from bottega_tools.files.workspace import Workspace

_SHOWN = 50
"""Names that are listed."""


class UnpackArchive(Tool):
    """Unpacks archives of a workspace."""

    name = "unpack_archive"
    effects = "idempotent"
    timeout = 120.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_read, workspace.to_write})

    def run(  # noqa: D417  # the context is not the model's to give
        self, path: str, into: str, overwrite: bool = False, *, context: ToolContext
    ) -> str:
        """Unpack a ZIP or tar archive of the workspace into a folder of it.

        Args:
            path: the archive, from the workspace on.
            into: the folder to unpack into; it is made where it is missing.
            overwrite: replace files that are there already.
        """
        context.allowed.check_read(self._workspace.place(path))
        context.allowed.check_write(self._workspace.place(into))
        self._look_through(path, into, overwrite=overwrite)
        names: list[str] = []
        with self._workspace.reading(path) as file:
            for member in members(file, os.fstat(file.fileno()).st_size):
                name = "/".join((*parts_of(into), *parts_of(member.name)))
                self._workspace.write(name, member.data)
                names.append(f"{one_line(name, 120)}  {len(member.data):,}")
        more = [f"[{len(names) - _SHOWN:,} more]"] if len(names) > _SHOWN else []
        return "\n".join([f"{len(names):,} files unpacked", *names[:_SHOWN], *more])

    def _look_through(self, path: str, into: str, *, overwrite: bool) -> None:
        """Raise ToolError for an archive that will not unpack whole: nothing is written yet."""
        most = self._workspace.most
        with self._workspace.reading(path) as file:
            for member in members(file, os.fstat(file.fileno()).st_size):
                if len(member.data) > most:
                    raise ToolError(
                        f"the archive holds {one_line(member.name, 120)!r} with "
                        f"{len(member.data):,} bytes; at most {most:,}"
                    )
                name = "/".join((*parts_of(into), *parts_of(member.name)))
                if not overwrite and self._workspace.differs(name, member.data):
                    raise ToolError(
                        f"{one_line(name, 120)!r} exists already", hint="overwrite=true replaces it"
                    )

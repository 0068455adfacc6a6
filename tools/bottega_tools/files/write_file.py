"""The tool that writes a whole file."""

from __future__ import annotations

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.tools import Tool, ToolContext
from bottega_tools.files.workspace import Workspace


class WriteFile(Tool):
    """Writes files of a workspace."""

    name = "write_file"
    effects = "idempotent"
    timeout = 30.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_write})

    def run(  # noqa: D417  # the context is not the model's to give
        self, path: str, text: str, overwrite: bool = False, *, context: ToolContext
    ) -> str:
        """Write a text file into the workspace, as a whole. Folders on the way are made.

        Args:
            path: from the workspace on, such as `notes/plan.md`.
            text: all that the file is to hold.
            overwrite: replace the file if there is one. To change a part of it, use edit_file.
        """
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise ToolError(f"character {error.start + 1} of the text is not Unicode") from None
        context.allowed.check_write(self._workspace.place(path))
        try:
            self._workspace.write(path, data, new=not overwrite)
        except ToolError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            if self._workspace.differs(path, data):  # a call that is made again has done its work
                raise ToolError(error.message, hint="overwrite=true replaces it") from None
        return f"{one_line(path, 120)} holds {len(data):,} bytes"

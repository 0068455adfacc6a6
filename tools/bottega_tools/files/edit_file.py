"""The tool that changes a part of a file, by exact replacement."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.tools import Tool, ToolContext
from bottega_tools.files.encoding import SAMPLE, encoding_of
from bottega_tools.files.replacement import diff, replaced
from bottega_tools.files.workspace import Workspace


class EditFile(Tool):
    """Changes files of a workspace."""

    name = "edit_file"
    effects = "once"
    timeout = 30.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_read, workspace.to_write})

    def run(  # noqa: D417  # the context is not the model's to give
        self,
        path: str,
        old: str,
        new: str,
        count: Annotated[int, Field(ge=1, le=10_000)] = 1,
        *,
        context: ToolContext,
    ) -> str:
        """Replace a text in a file of the workspace by another; returns what has changed.

        Args:
            path: from the workspace on, such as `notes/plan.md`.
            old: exactly what stands there, without line numbers; empty to add `new` at the end.
            new: what is to stand there instead.
            count: how often `old` stands there; each is replaced.
        """
        if old == new:
            raise ToolError("`old` and `new` are the same: nothing would change")
        context.allowed.check_read(self._workspace.place(path))
        context.allowed.check_write(self._workspace.place(path))
        data, state = self._read(path)
        encoding = encoding_of(data[:SAMPLE])
        if encoding is None:
            raise ToolError(f"{one_line(path, 120)!r} is no text")
        text = _decoded(data, encoding, path)
        if "\r\n" in text:  # models write line feeds; the file keeps its own line ends
            old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
        after = replaced(text, old, new, count) if old else text + new
        self._workspace.write(path, _encoded(after, encoding, data), over=state)
        return diff(text, after, one_line(path, 120))

    def _read(self, path: str) -> tuple[bytes, os.stat_result]:
        most = self._workspace.most
        with self._workspace.reading(path) as file:
            state = os.fstat(file.fileno())
            data = file.read(most + 1)
        if len(data) > most:
            raise ToolError(f"the file has more than {most:,} bytes: too large to be edited")
        return data, state


def _decoded(data: bytes, encoding: str, path: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ToolError(
            f"{one_line(path, 120)!r} is broken {encoding} at byte {error.start:,}",
            hint="a file that cannot be read as a whole is not changed",
        ) from None


def _encoded(text: str, encoding: str, before: bytes) -> bytes:
    """Encode as the file was, with the byte order that its mark says."""
    mark = b""
    if encoding in ("utf-16", "utf-32"):
        little = before.startswith(b"\xff\xfe")
        mark = before[: 2 if encoding == "utf-16" else 4]
        encoding = f"{encoding}-{'le' if little else 'be'}"
    try:
        return mark + text.encode(encoding)
    except UnicodeEncodeError as error:
        raise ToolError(
            f"{text[error.start]!a} cannot be written in the file's encoding, {encoding}"
        ) from None

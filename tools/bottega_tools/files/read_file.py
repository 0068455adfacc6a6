"""The tool that reads a file, page by page; pictures are shown as pictures."""

from __future__ import annotations

import io
import os
from typing import Annotated, BinaryIO

from pydantic import Field

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.messages import Image
from bottega.tools import Output, Tool, ToolContext
from bottega_tools.files.encoding import SAMPLE, encoding_of, kind_of
from bottega_tools.files.page import MOST_CHARACTERS, MOST_LINES, lines_of, show
from bottega_tools.files.picture import LARGEST, media_type
from bottega_tools.files.workspace import Workspace


class ReadFile(Tool):
    """Reads files of a workspace."""

    name = "read_file"
    effects = "none"
    timeout = 30.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_read})

    def run(  # noqa: D417  # the context is not the model's to give
        self,
        path: str,
        line: Annotated[int, Field(ge=1)] = 1,
        lines: Annotated[int, Field(ge=1, le=MOST_LINES)] = 200,
        column: Annotated[int, Field(ge=1)] = 1,
        *,
        context: ToolContext,
    ) -> Output:
        """Read a text file of the workspace, with line numbers; or look at a picture.

        Args:
            path: from the workspace on, such as `notes/plan.md`.
            line: the first line to read.
            lines: how many lines to read.
            column: the first character of each line, to go on in a line that was cut.
        """
        context.allowed.check_read(self._workspace.place(path))
        with self._workspace.reading(path) as file:
            sample = file.read(SAMPLE)
            kind = media_type(sample)
            if kind:
                return _picture(file, sample, kind, path)
            encoding = encoding_of(sample)
            if encoding is None:
                raise ToolError(
                    f"{one_line(path, 120)!r} is no text but {kind_of(sample)} "
                    f"({os.fstat(file.fileno()).st_size:,} bytes)"
                )
            file.seek(0)
            text = io.TextIOWrapper(file, encoding=encoding, errors="replace")
            return Output(content=_page(text, line, lines, column))


def _page(text: io.TextIOWrapper, first: int, count: int, column: int) -> str:
    shown: list[str] = []
    room = MOST_CHARACTERS
    for line in lines_of(text, first=first, count=count, column=column):
        shown.append(show(line))
        room -= len(shown[-1]) + 1
        if room < 0:
            break
    if not shown:
        return "[the file is empty]" if first == 1 else f"[the file ends before line {first:,}]"
    if text.read(1):
        shown.append(f"[there is more: go on with line={first + len(shown)}]")
    elif text.encoding not in ("utf-8", "utf-8-sig"):
        shown.append(f"[end of file; it is in {text.encoding}]")
    return "\n".join(shown)


def _picture(file: BinaryIO, sample: bytes, kind: str, path: str) -> Output:
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST:
        raise ToolError(f"the picture has {size:,} bytes; at most {LARGEST:,} can be shown")
    data = sample + file.read(LARGEST)
    told = f"[{kind}, {len(data):,} bytes: {one_line(path, 120)}]"
    return Output(content=told, images=(Image(media_type=kind, data=data),))

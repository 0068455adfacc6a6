"""The tool that searches files for a text or a regular expression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from bottega.errors import ToolError
from bottega.escape import plain
from bottega.tools import Tool, ToolContext
from bottega_tools.files.encoding import SAMPLE, encoding_of
from bottega_tools.files.matching import Matching, matching
from bottega_tools.files.pattern import Pattern
from bottega_tools.files.tree import Walk
from bottega_tools.files.workspace import Workspace

_LARGEST = 20_000_000
"""Bytes of a file that is searched."""
_MOST_BYTES = 200_000_000
"""Of all files together."""
_LIMIT = 100
"""Lines that are found at most."""
_SECONDS = 20.0
_WIDTH = 300
"""Characters of a line that are shown."""


class SearchFiles(Tool):
    """Searches files of a workspace."""

    name = "search_files"
    effects = "none"
    timeout = 30.0

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.permissions = frozenset({workspace.to_read})

    def run(  # noqa: PLR0913, D417  # the context is not the model's to give
        self,
        text: str,
        path: str = ".",
        files: str = "",
        regex: bool = False,
        ignore_case: bool = False,
        around: Annotated[int, Field(ge=0, le=20)] = 0,
        *,
        context: ToolContext,
    ) -> str:
        """Find the lines of files in the workspace that hold a text.

        Args:
            text: what to search for, within one line.
            path: the folder to begin in; `.` is the workspace.
            files: only files that fit, such as `*.py` or `src/**/*.md`.
            regex: take the text as a regular expression of Python's.
            ignore_case: take capitals and small letters as the same.
            around: how many lines to show before and after each.
        """
        context.allowed.check_read(self._workspace.place(path))
        search = _Search(workspace=self._workspace, around=around)
        fits, before = Pattern.of(files), "" if path.strip("./") == "" else f"{path.rstrip('/')}/"
        given = {"regex": regex, "ignore_case": ignore_case}
        with (
            matching(text, seconds=_SECONDS, **given) as match,
            self._workspace.folder(path) as fd,
        ):
            walk = Walk()
            for entry in walk.over(fd):
                if entry.is_file and fits(entry.path):
                    search.look(before + entry.path, entry.size, match)
                if search.over:
                    break
        return search.told(full=walk.full)


@dataclass(kw_only=True)
class _Search:
    workspace: Workspace
    around: int
    shown: list[str] = field(default_factory=list[str])
    found: int = 0
    searched: int = 0
    passed_over: int = 0
    _bytes: int = 0

    @property
    def over(self) -> bool:
        return self.found > _LIMIT or self._bytes > _MOST_BYTES

    def look(self, path: str, size: int, match: Matching) -> None:
        text = self._text(path) if size <= _LARGEST else None
        if text is None:
            self.passed_over += 1
            return
        self.searched += 1
        self._bytes += size
        numbers = match(text)
        if numbers:
            self._show(path, text.split("\n"), numbers)

    def _text(self, path: str) -> str | None:
        """Return the file's text; None for what is none, or may not be read."""
        try:
            with self.workspace.reading(path) as file:
                data = file.read(_LARGEST)
        except ToolError:
            return None
        encoding = encoding_of(data[:SAMPLE])
        return None if encoding is None else data.decode(encoding, "replace")

    def _show(self, path: str, lines: list[str], numbers: list[int]) -> None:
        hits, last = set(numbers), -2
        for number in numbers:
            self.found += 1
            if self.found > _LIMIT:
                return
            first = max(0, last + 1, number - self.around)
            if self.around and self.shown and first > last + 1:
                self.shown.append("--")
            for at in range(first, min(len(lines), number + self.around + 1)):
                self.shown.append(_line(path, at, lines[at], hit=at in hits))
                last = at

    def told(self, *, full: bool) -> str:
        """Return what was found, and what was not looked at."""
        notes: list[str] = []
        if not self.found:
            notes.append(f"[nothing found in {self.searched:,} files]")
        elif self.found > _LIMIT:
            notes.append(f"[there are more than {_LIMIT:,}]")
        if self.passed_over:
            notes.append(f"[{self.passed_over:,} files passed over: no text, too large, or links]")
        if full or self._bytes > _MOST_BYTES:
            notes.append("[there is too much to search it all: begin in a folder within]")
        return "\n".join([*self.shown, *notes])


def _line(path: str, at: int, line: str, *, hit: bool) -> str:
    cut = line.rstrip("\r")
    text = cut if len(cut) <= _WIDTH else f"{cut[:_WIDTH]}…"
    sign = ":" if hit else "-"
    return plain(f"{path}{sign}{at + 1}{sign} {text}").replace("\n", "\\n")

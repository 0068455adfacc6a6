"""Finding lines: a literal text here, a regular expression in a process that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, cast

from bottega.errors import ToolError
from bottega_tools.files import matcher

LONGEST = 1_000
"""Characters of what is searched for."""
_DIED = "the search was given up: the pattern takes too long on these files"


class Matching(Protocol):
    """Says which lines of a text fit."""

    def __call__(self, text: str) -> list[int]:
        """Return the numbers of the lines, counted from 0. Raises ToolError when it gives up."""
        ...


@contextmanager
def matching(
    wanted: str, *, regex: bool, ignore_case: bool, seconds: float
) -> Generator[Matching, None, None]:
    """Make what finds lines, for a while. Raises ToolError for what cannot be searched for."""
    if not wanted:
        raise ToolError("there is nothing to search for: the text is empty")
    if len(wanted) > LONGEST:
        raise ToolError(f"the text to search for has more than {LONGEST:,} characters")
    if regex:
        with _process(wanted, ignore_case, seconds) as found:
            yield found
    elif "\n" in wanted:
        raise ToolError("lines are searched one by one: the text may not have a line end")
    else:
        yield _Literal(wanted, ignore_case)


class _Literal:
    def __init__(self, wanted: str, ignore_case: bool) -> None:
        self._wanted = wanted.casefold() if ignore_case else wanted
        self._folds = ignore_case

    def __call__(self, text: str) -> list[int]:
        if not self._folds and self._wanted not in text:
            return []
        folded = text.casefold() if self._folds else text  # line feeds stay where they are
        lines = enumerate(folded.split("\n"))
        return [number for number, line in lines if self._wanted in line][: matcher.MOST_LINES]


@contextmanager
def _process(pattern: str, ignore_case: bool, seconds: float) -> Generator[Matching, None, None]:
    program = [sys.executable, "-I", "-S", str(Path(matcher.__file__))]
    with subprocess.Popen(  # noqa: S603  # our own file
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
    ) as process:
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            asked = _Asked(process)
            asked.begin(pattern, ignore_case)
            yield asked
        finally:
            timer.cancel()
            process.kill()


class _Asked:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._to = cast("IO[bytes]", process.stdin)
        self._from = cast("IO[bytes]", process.stdout)

    def begin(self, pattern: str, ignore_case: bool) -> None:
        wanted = {"pattern": pattern, "ignore_case": ignore_case}
        problem = self._ask(json.dumps(wanted).encode())
        if problem is not None:
            raise ToolError(f"no regular expression: {problem}")

    def __call__(self, text: str) -> list[int]:
        return cast("list[int]", self._ask(text.encode("utf-8", "replace")))

    def _ask(self, data: bytes) -> object:
        try:
            self._to.write(matcher.LENGTH.pack(len(data)) + data)
            self._to.flush()
            answer = self._from.readline()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            raise ToolError(_DIED, hint="search for a literal text, or in fewer files")
        return json.loads(answer)

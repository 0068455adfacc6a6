"""A process that matches a regular expression against texts it is sent, until it is killed.

`re` can take longer than the universe for a short line, and holds every thread of its process
meanwhile: so it works in this one. Only the standard library is imported. On standard input come
the pattern and its flags, then texts, each as a length and that many bytes; an answer is one line
of JSON: the numbers of the lines that match, counted from 0, or what is wrong with the pattern.
"""

from __future__ import annotations

import json
import re
import resource
import struct
import sys
from typing import BinaryIO

MEMORY = 512 << 20
MOST_LINES = 1_000
"""Matches of one text that are told."""
LENGTH = struct.Struct(">I")


def main() -> None:
    """Answer until nothing more comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    wanted = json.loads(_next(source) or b"{}")
    try:
        pattern = re.compile(wanted["pattern"], re.IGNORECASE if wanted["ignore_case"] else 0)
    except (re.error, RecursionError, OverflowError) as error:
        _tell(answers, str(error))
        return
    _tell(answers, None)
    while (data := _next(source)) is not None:
        _tell(answers, _matching(pattern, data.decode("utf-8", "replace")))


def _matching(pattern: re.Pattern[str], text: str) -> list[int]:
    found: list[int] = []
    for number, line in enumerate(text.split("\n")):
        if pattern.search(line):
            found.append(number)
            if len(found) == MOST_LINES:
                break
    return found


def _next(source: BinaryIO) -> bytes | None:
    header = source.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(header)[0])


def _tell(answers: BinaryIO, answer: object) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()

"""Checking an audit log: which line was changed, removed, moved or torn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bottega_plugins.guards.audit.chain import FIRST, Chain, digest, missing, read_line


@dataclass(kw_only=True)
class Report:
    """What the check of a log found."""

    lines: int = 0
    """Records in it."""
    problems: list[str] = field(default_factory=list[str])
    """What somebody did to it, each with the line."""
    notes: list[str] = field(default_factory=list[str])
    """What a crash left, which the log itself tells of."""
    head: str = FIRST
    """The hash of the last line."""

    @property
    def whole(self) -> bool:
        """Whether nothing was changed."""
        return not self.problems


def verify(file: Path) -> Report:
    """Check every line of the log. Raises InputError where there is none."""
    check = _Check()
    for number, line in enumerate(_lines(file), start=1):
        check.line(number, line)
    check.end(Chain(file).head_file)
    return check.report


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as source:
            yield from source
    except OSError as error:
        raise missing(file, error) from error


class _Check:
    def __init__(self) -> None:
        self.report = Report()
        self._seq = 0
        self._torn: list[tuple[int, bytes]] = []
        """Lines that are no records, since the last one that is."""
        self._seen: dict[int, str] = {}

    def line(self, number: int, line: bytes) -> None:
        record = read_line(line.removesuffix(b"\n"))  # a crash may have left out the line feed
        if record is None:
            self._torn.append((number, line))
            return
        self._check_torn(record)
        self._check_record(number, record)
        self.report.lines += 1

    def _check_torn(self, record: dict[str, Any]) -> None:
        told = record.get("torn")
        data = b"".join(line for _, line in self._torn).removesuffix(b"\n")
        if told is not None and hashlib.sha256(data).hexdigest() == told:
            first = self._torn[0][0]
            self.report.notes.append(f"line {first} was torn by a crash; the next record says so")
        elif self._torn:
            listed = ", ".join(str(number) for number, _ in self._torn)
            self.report.problems.append(f"line {listed}: changed: it is no record")
        elif told is not None:
            self.report.problems.append(f"a torn line before record {record['seq']} was removed")
        self._torn.clear()

    def _check_record(self, number: int, record: dict[str, Any]) -> None:
        seq, expected = record["seq"], self._seq + 1
        if digest(record) != record["hash"]:
            self.report.problems.append(f"line {number}: changed: its hash does not fit")
        elif seq > expected and record.get("prev") != self.report.head:
            gone = f"record {expected}" if seq == expected + 1 else f"records {expected}-{seq - 1}"
            self.report.problems.append(f"line {number}: {gone} before it is missing here")
        elif seq < expected:
            self.report.problems.append(f"line {number}: record {seq} is out of its order")
        elif record.get("prev") != self.report.head:
            problem = "it does not follow from the line before, which was changed or replaced"
            self.report.problems.append(f"line {number}: {problem}")
        self._seq = max(self._seq, seq) if seq < expected else seq
        self._seen[seq] = self.report.head = record["hash"]

    def end(self, head_file: Path) -> None:
        if self._torn:
            listed = ", ".join(str(number) for number, _ in self._torn)
            note = f"line {listed} is torn: a crash, or a cut; the next record will say so"
            self.report.notes.append(note)
        head = _head(head_file)
        if head is None:
            if self.report.lines:
                note = f"{head_file} is missing or damaged: a cut-off end could not be found"
                self.report.problems.append(note)
        elif head[0] > self._seq:
            gone = f"records {self._seq + 1}-{head[0]}" if head[0] > self._seq + 1 else ""
            gone = gone or f"record {head[0]}"
            self.report.problems.append(f"the end is cut off: {gone} is missing")
        elif self._seen.get(head[0], head[1]) != head[1]:
            self.report.problems.append(f"record {head[0]} is another than {head_file} tells")


def _head(file: Path) -> tuple[int, str] | None:
    try:
        kept: Any = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict):
        return None
    head = cast("dict[str, Any]", kept)
    if isinstance(head.get("seq"), int) and isinstance(head.get("hash"), str):
        return head["seq"], head["hash"]
    return None

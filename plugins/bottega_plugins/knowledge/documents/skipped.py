"""What is not read, and why: one document's failure, never that of all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A document that is not read."""

    source: str
    """Its name: for a file, its path relative to the folder, with `/`."""
    reason: str


class SkippedError(Exception):
    """This document is not read; the message says why."""

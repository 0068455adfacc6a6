"""What is in the folder of documents now, compared with what its index holds."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.documents import folder
from bottega_plugins.knowledge.documents.skipped import Skipped, SkippedError
from bottega_plugins.knowledge.index.progress import Progress, Report
from bottega_plugins.knowledge.index.seen import Seen, looks_of

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.snapshot import Snapshot

_FEW = 64
"""Files that are compared before progress is told."""


@dataclass(kw_only=True, slots=True)
class Survey:
    """What an update of an index has to do."""

    to_read: list[tuple[str, Path]] = field(default_factory=list[tuple[str, Path]])
    """New and changed files by their source."""
    gone: list[str] = field(default_factory=list[str])
    """Sources of documents that are no longer there."""
    unchanged: int = 0
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    seen: list[Seen] = field(default_factory=list[Seen])
    """What need not be read again."""


async def survey(
    docs: Path,
    known: Snapshot | None,
    seen: Mapping[str, Seen],
    *,
    leave_out: Path,
    report: Report,
) -> Survey:
    """Compare the folder with its index; files that look as they did are not read."""
    found = Survey()
    listed = await asyncio.to_thread(lambda: list(folder.files(docs, leave_out)))
    report(Progress(stage="read", done=0, total=len(listed)))
    for start in range(0, len(listed), _FEW):
        part = listed[start : start + _FEW]
        await asyncio.to_thread(_compare, found, part, known, seen)
        report(Progress(stage="read", done=start + len(part), total=len(listed)))
    if known is not None:
        stays = {source for source, path in listed if not isinstance(path, Skipped)}
        stays -= {each.source for each in found.skipped}
        found.gone = await asyncio.to_thread(_gone, known, stays)
    return found


def _compare(
    found: Survey,
    listed: list[tuple[str, Path | Skipped]],
    known: Snapshot | None,
    seen: Mapping[str, Seen],
) -> None:
    for source, path in listed:
        if isinstance(path, Skipped):
            found.skipped.append(path)
            continue
        try:
            before = _before(source, path, known, seen.get(source))
        except SkippedError as reason:
            found.skipped.append(Skipped(source=source, reason=str(reason)))
            continue
        if before is None:
            found.to_read.append((source, path))
            continue
        found.seen.append(before)
        if before.reason:
            found.skipped.append(Skipped(source=source, reason=before.reason))
        else:
            found.unchanged += 1


def _before(source: str, path: Path, known: Snapshot | None, seen: Seen | None) -> Seen | None:
    """Return what was seen of a file that has not changed since; None for another one."""
    document = known.find(source) if known else None
    digest = document[1].sha256 if document else ""
    looks = looks_of_file(path)
    if seen and looks and seen.looks == looks and (seen.reason or seen.sha256 == digest):
        return seen
    if digest and hashlib.sha256(folder.read(path)).hexdigest() == digest:
        return Seen(source=source, looks=looks, sha256=digest)
    return None


def looks_of_file(path: Path) -> str:
    """Return how a file looks now; empty when that cannot be told."""
    try:
        return looks_of(path.lstat())
    except OSError:
        return ""


def _gone(known: Snapshot, stays: set[str]) -> list[str]:
    return [
        source
        for segment in known.segments
        for source, span in segment.catalogue.sources("folder")
        if source not in stays and segment.is_live(span)
    ]

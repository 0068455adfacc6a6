"""Merging segments, so that they stay few and a passage is written anew only a few times.

The newest segments are merged while they have half as many passages as the one before: sizes then
grow geometrically, and each passage is rewritten a number of times that grows with the logarithm
of the index, as in Lucene (and O'Neil et al., 1996). Vectors and scores are copied, not computed.
A segment of an older format that lacks what searches would use is written anew in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.index.manifest import Manifest, SegmentInfo
from bottega_plugins.knowledge.index.segment_writer import SegmentWriter

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.snapshot import Snapshot
    from bottega_plugins.knowledge.index.store import Store

MOST_SEGMENTS = 8
_MOST_DEAD = 4
"""A segment is written anew when more than one passage in so many is deleted."""


def due(segments: Sequence[SegmentInfo]) -> range:
    """Return the places of the segments to merge next, oldest first; an empty range for none."""
    first = len(segments) - 1
    size = segments[-1].live_passages if segments else 0
    while first > 0 and (first >= MOST_SEGMENTS or 2 * size >= segments[first - 1].live_passages):
        first -= 1
        size += segments[first].live_passages
    if first < len(segments) - 1:
        return range(first, len(segments))
    for place, segment in enumerate(segments):
        dead = segment.passages - segment.live_passages
        if dead * _MOST_DEAD > segment.passages or segment.wants_codes:
            return range(place, place + 1)
    return range(0)


def merge(store: Store, snapshot: Snapshot, places: range) -> Manifest:
    """Put one segment in the place of several and switch to it, inside `Store.writing`."""
    old = snapshot.manifest
    writer = SegmentWriter(store.folder, old.dimension)
    try:
        for place in places:
            writer.adopt(snapshot.segments[place])
        merged = [writer.finish()] if writer.passages else []
        segments = (*old.segments[: places.start], *merged, *old.segments[places.stop :])
        manifest = replace(old, segments=segments)
        store.switch(manifest)
    finally:
        writer.close()
        store.tidy()
    return manifest

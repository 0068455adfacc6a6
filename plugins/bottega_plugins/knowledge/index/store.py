"""Where an index is, how its present state is opened, and how a new state takes its place."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega.home import STATE_FOLDER, state_folder
from bottega_plugins.knowledge.index import manifest as manifests
from bottega_plugins.knowledge.index import segment_writer, tombstones
from bottega_plugins.knowledge.index.disk import replace_synced, sync, write_synced
from bottega_plugins.knowledge.index.lock import writer_lock
from bottega_plugins.knowledge.index.manifest import Manifest, read_manifest
from bottega_plugins.knowledge.index.segment import Segment
from bottega_plugins.knowledge.index.snapshot import Snapshot

if TYPE_CHECKING:
    from bottega.embedder import Embedder

_SWITCHES = 20
"""How many states may pass by while one is being opened before that is an error."""
_SMALL = 32_000_000
"""Bytes of a segment up to which all of it is verified when it is opened."""
_SUSPECT = "suspect"
"""An empty file: damage was seen, so the next update compares every byte."""


def only_indexed(beside: Path, state: Path) -> Path | None:
    """Return the folder of documents that is indexed there, when there is just one."""
    names = [path.name for path in (state / "indexes").glob("*") if path.is_dir()]
    found = [beside / name for name in names if (beside / name).is_dir()]
    return found[0] if len(found) == 1 else None


def index_folder(docs: Path, home: Path | None = None) -> Path:
    """Return where the index of a folder of documents is kept; it may not exist yet."""
    beside = home or state_folder(docs.parent)
    name = docs.name or "root"
    if beside != docs.parent / STATE_FOLDER:  # shared by folders from anywhere
        name = f"{name}-{hashlib.sha256(os.fsencode(docs)).hexdigest()[:8]}"
    return beside.resolve() / "indexes" / name


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The index of one folder of documents, or one by itself."""

    docs: Path | None
    folder: Path

    @property
    def hint(self) -> str:
        """What to do about an index that cannot be used."""
        if self.docs is None:
            return "KnowledgeBase.repair() makes it anew from what is whole of it"
        return f"run: bottega index {shlex.quote(str(self.docs))}"

    def exists(self) -> bool:
        """Say whether an index has been made."""
        return (self.folder / manifests.NAME).exists()

    def holds_any(self) -> bool:
        """Say whether an index has been made here, even if its manifest is lost or damaged.

        A folder of somebody's documents may well have a `manifest.json` of its own.
        """
        names = (manifests.NAME, manifests.COPY)
        if any(manifests.is_ours(self.folder / name) for name in names):
            return True
        has_one = any((self.folder / name).exists() for name in names)
        return has_one and any(self.folder.glob(f"{segment_writer.PREFIX}*"))

    def stamp(self) -> tuple[int, int]:
        """Return something that changes with each switch. Raises StorageError without an index."""
        try:
            status = (self.folder / manifests.NAME).stat()
        except OSError as error:
            raise StorageError(
                f"no index at {self.folder}: {error.strerror}", hint=self.hint
            ) from None
        return status.st_mtime_ns, status.st_ino

    def load(self, before: Snapshot | None = None) -> Snapshot:
        """Open the present state; segments that are open already are used again.

        Raises StorageError for one that is damaged.
        """
        known = {each.info.name: each for each in before.segments} if before else {}
        with self.hinted():
            return self._load(known)

    def _load(self, known: Mapping[str, Segment]) -> Snapshot:
        for _ in range(_SWITCHES):
            manifest = read_manifest(self.folder)
            if manifest is None:
                raise StorageError(f"no index at {self.folder}: {manifests.NAME} is missing")
            try:
                return self._open(manifest, known)
            except StorageError:
                # a writer removes old segments once the new state is in place
                if read_manifest(self.folder) == manifest:
                    raise
        raise StorageError(f"the index {self.folder} changes faster than it can be read")

    def _open(self, manifest: Manifest, known: Mapping[str, Segment]) -> Snapshot:
        segments: list[Segment] = []
        for info in manifest.segments:
            if info.name in known:
                segments.append(known[info.name].with_deleted(info))
                continue
            segment = Segment(self.folder / info.name, info, manifest.dimension)
            segments.append(segment)
            if segment.bytes <= _SMALL:
                segment.verify()
        return Snapshot(manifest, segments)

    @property
    def is_suspect(self) -> bool:
        """Whether damage was seen since every byte was compared."""
        return (self.folder / _SUSPECT).exists()

    def suspect(self) -> None:
        """Remember that damage was seen, unless the disk refuses: then it is seen again."""
        if self.exists():
            with suppress(OSError):
                (self.folder / _SUSPECT).touch()

    def trust(self) -> None:
        """Forget that damage was seen; it has been looked for everywhere."""
        with suppress(OSError):
            (self.folder / _SUSPECT).unlink(missing_ok=True)

    def create(self, manifest: Manifest) -> None:
        """Make an index by itself, whole at once, so that its folder never passes for another."""
        if self.holds_any():
            return
        fresh = self.folder.with_name(f".{self.folder.name}.{os.urandom(6).hex()}")
        with self.disk_errors():
            fresh.mkdir(parents=True)
            try:
                write_synced(fresh / manifests.NAME, manifest.dumps().encode())
                fresh.rename(self.folder)
                sync(self.folder.parent)
            except OSError:
                if not self.exists():  # else another process was quicker
                    raise
            finally:
                shutil.rmtree(fresh, ignore_errors=True)

    @contextmanager
    def writing(self) -> Generator[None]:
        """Hold the index for writing. Raises StorageError when another process does."""
        with self.disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(self.folder):
            yield

    @contextmanager
    def hinted(self) -> Generator[None]:
        """Let an error for damage to the index say what to do about it, and remember it."""
        try:
            yield
        except StorageError as error:
            if error.hint or error.retryable:
                raise
            self.suspect()
            raise StorageError(error.message, hint=self.hint) from error

    @contextmanager
    def disk_errors(self) -> Generator[None]:
        """Raise StorageError for what the disk refuses."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise StorageError(
                f"the index {self.folder} cannot be written: {reason}",
                hint="BOTTEGA_HOME names another folder for state; what was indexed is as it was",
            ) from error

    def switch(self, manifest: Manifest) -> None:
        """Make a new state the present one, inside `writing`. Raises OSError."""
        data = manifest.dumps().encode()
        copy = self.folder / manifests.COPY
        copy.unlink(missing_ok=True)  # at no time is it that of another state
        sync(self.folder)
        replace_synced(self.folder / manifests.NAME, data)
        with suppress(OSError):  # the new state is in place all the same
            replace_synced(copy, data)
        self._tidy(manifest)

    def tidy(self) -> None:
        """Remove what a change has left that was not switched to, inside `writing`."""
        try:
            manifest = read_manifest(self.folder)
        except StorageError:
            return  # an update makes it anew, and tidies then
        if manifest is not None:
            self._tidy(manifest)

    def _tidy(self, manifest: Manifest) -> None:
        """Remove what is no part of a state; a reader in the middle of it starts again."""
        kept = {segment.name: segment for segment in manifest.segments}
        for folder in self.folder.glob(f"{segment_writer.PREFIX}*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            deleted = kept[folder.name].deleted
            for path in folder.glob(f"{tombstones.PREFIX}*"):
                if deleted is None or path.name != deleted.name:
                    path.unlink(missing_ok=True)
        for folder in self.folder.glob("generation-*"):  # of format 1
            shutil.rmtree(folder, ignore_errors=True)


def is_made_with(manifest: Manifest, embedder: Embedder) -> bool:
    """Say whether an index has this embedder's vectors."""
    return (manifest.embedder, manifest.dimension) == (embedder.name, embedder.dimension)


def require_embedder(store: Store, manifest: Manifest, embedder: Embedder) -> None:
    """Raise StorageError when an index was made with another embedder."""
    if not is_made_with(manifest, embedder):
        raise StorageError(
            f"the index {store.folder} was made with the embedder {manifest.embedder!r} "
            f"({manifest.dimension} dimensions), not with {embedder.name!r} "
            f"({embedder.dimension} dimensions)",
            hint=store.hint,
        )

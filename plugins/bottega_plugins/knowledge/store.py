"""An index on disk: where it is, how it is read, how a new generation replaces the old one.

    <state>/indexes/<name>/
        manifest.json       names the current generation and the sha256 of its files
        <generation>/       documents.jsonl, vectors.faiss, words/ (bm25s); no pickle anywhere
        pending.sqlite      vectors of an update that has not come to its end
        lock                held by the one writer

A new generation is written beside the old one; renaming the manifest is the switch. A process
killed at any point leaves the old index or the new one.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega.home import STATE_FOLDER, state_folder
from bottega_plugins.knowledge import manifest as manifests
from bottega_plugins.knowledge.disk import replace_synced, sync, write_synced
from bottega_plugins.knowledge.lexicon import Lexicon
from bottega_plugins.knowledge.lock import writer_lock
from bottega_plugins.knowledge.manifest import Manifest, read_manifest
from bottega_plugins.knowledge.snapshot import Snapshot, dump_entries, load_entries
from bottega_plugins.knowledge.vectors import Vectors

if TYPE_CHECKING:
    from bottega.embedder import Embedder

_ENTRIES = "documents.jsonl"
_VECTORS = "vectors.faiss"
_WORDS = "words"
_SWITCHES = 5
"""How many generations may pass by while one is being read before that is an error."""


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
    """The index of one folder of documents."""

    docs: Path
    folder: Path

    @property
    def hint(self) -> str:
        """What to do about an index that cannot be used."""
        return f"run: bottega index {shlex.quote(str(self.docs))}"

    def exists(self) -> bool:
        """Say whether an index has been made."""
        return (self.folder / manifests.NAME).exists()

    def stamp(self) -> tuple[int, int]:
        """Return something that changes with each switch. Raises StorageError without an index."""
        try:
            status = (self.folder / manifests.NAME).stat()
        except OSError as error:
            raise StorageError(
                f"no index at {self.folder}: {error.strerror}", hint=self.hint
            ) from None
        return status.st_mtime_ns, status.st_ino

    def load(self, embedder: Embedder) -> tuple[Manifest, Snapshot]:
        """Read the current generation, every file checked. Raises StorageError."""
        try:
            return self._load(embedder)
        except StorageError as error:
            raise StorageError(error.message, hint=self.hint) from error

    def _load(self, embedder: Embedder) -> tuple[Manifest, Snapshot]:
        for _ in range(_SWITCHES):
            manifest = read_manifest(self.folder)
            if manifest is None:
                raise StorageError(f"no index at {self.folder}")
            _require_embedder(self.folder, manifest, embedder)
            try:
                return manifest, _read_generation(self.folder / manifest.generation, manifest)
            except StorageError:
                # a writer removes the old generation once the new one is in place
                if read_manifest(self.folder) == manifest:
                    raise
        raise StorageError(f"the index {self.folder} changes faster than it can be read")

    @contextmanager
    def writing(self) -> Generator[None]:
        """Hold the index for writing. Raises StorageError when another process does."""
        with _disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(self.folder):
            yield

    def save(self, snapshot: Snapshot, embedder: Embedder, splitter: str) -> None:
        """Write a new generation and switch to it, inside `writing`. Raises StorageError."""
        with _disk_errors(self.folder):
            self._save(snapshot, embedder, splitter)

    def _save(self, snapshot: Snapshot, embedder: Embedder, splitter: str) -> None:
        generation = f"generation-{os.urandom(6).hex()}"
        files = _write_generation(self.folder / generation, snapshot)
        manifest = Manifest(
            generation=generation,
            embedder=embedder.name,
            dimension=embedder.dimension,
            splitter=splitter,
            documents=len(snapshot.entries),
            chunks=len(snapshot.passages),
            files=files,
        )
        sync(self.folder)
        replace_synced(self.folder / manifests.NAME, manifest.dumps().encode())
        self._tidy(keep=generation)

    def _tidy(self, *, keep: str) -> None:
        """Remove what earlier writers left; a reader in the middle of it starts again."""
        for path in self.folder.glob("generation-*"):
            if path.name != keep:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _disk_errors(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the index {folder} cannot be written: {error.strerror or error}",
            hint="BOTTEGA_HOME names another folder for state; what was indexed is as it was",
        ) from error


def _require_embedder(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    made = (manifest.embedder, manifest.dimension)
    asked = (embedder.name, embedder.dimension)
    if made != asked:
        raise StorageError(
            f"the index {folder} was made with the embedder {made[0]!r} ({made[1]} dimensions), "
            f"not with {asked[0]!r} ({asked[1]} dimensions)"
        )


def _write_generation(folder: Path, snapshot: Snapshot) -> dict[str, str]:
    """Write all files of a generation and return their digests by path."""
    folder.mkdir()
    write_synced(folder / _ENTRIES, dump_entries(snapshot.entries))
    write_synced(folder / _VECTORS, snapshot.vectors.to_bytes())
    snapshot.lexicon.save(folder / _WORDS)
    digests: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        sync(path)
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            digests[path.relative_to(folder).as_posix()] = digest
    sync(folder)
    return digests


def _read_generation(folder: Path, manifest: Manifest) -> Snapshot:
    data = {name: _verified(folder / name, digest) for name, digest in manifest.files.items()}
    try:
        entries = load_entries(data[_ENTRIES])
        vectors = Vectors.from_bytes(
            data[_VECTORS], count=manifest.chunks, dimension=manifest.dimension
        )
        lexicon = Lexicon.load(folder / _WORDS, manifest.chunks)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise StorageError(
            f"{folder} is not an index of format {manifest.format}: {error}"
        ) from error
    snapshot = Snapshot(entries=entries, vectors=vectors, lexicon=lexicon)
    if len(snapshot.passages) != manifest.chunks:
        raise StorageError(f"{folder} does not have the {manifest.chunks} passages of its manifest")
    return snapshot


def _verified(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StorageError(f"{path} is missing") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != digest:
        what = "its sha256 is not that of the manifest" if data else "it is empty"
        raise StorageError(f"{path} is damaged: {what}")
    return data

"""Where the weights of a named model lie, and which weights they are, without loading any."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from bottega.errors import InputError

_MATTERS = frozenset({".safetensors", ".json", ".txt", ".model"})
"""Endings of files that decide on a vector: weights, settings, vocabularies."""
_OTHER_FORMS = frozenset({"onnx", "openvino"})
"""Folders with the same model for other programs."""
_DIGITS = 12
_BLOCK = 1 << 20


class Weights(Protocol):
    """One model's files."""

    @property
    def label(self) -> str:
        """What the model is called in messages and in an index."""
        ...

    @property
    def place(self) -> str:
        """What the library loads: a folder, or a name on the hub."""
        ...

    @property
    def revision(self) -> str:
        """The commit on the hub; empty for a folder."""
        ...

    def version(self) -> str:
        """Return what changes with the weights. Raises InputError when they are not there."""
        ...


def find_weights(name: str, folder: Path, revision: str = "") -> Weights:
    """Return the weights in a folder of that path, else those of that name on the model hub.

    Relative paths begin at `folder`. Raises InputError for what can be neither.
    """
    path = folder / Path(name).expanduser()
    if path.is_dir():
        return FolderWeights(path.resolve())
    if path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise InputError(
            f"there is no folder with a model at {path}",
            hint="write sentence-transformers:FOLDER, or :NAME of a model on the model hub",
        )
    return HubWeights(name, revision)


class FolderWeights:
    """Weights in a folder."""

    revision = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def label(self) -> str:
        """The folder's name: the index of a model that was moved stays valid."""
        return self._folder.name

    @property
    def place(self) -> str:
        return str(self._folder)

    def version(self) -> str:
        """Return the start of the checksum over every file that decides on a vector."""
        digest = hashlib.sha256()
        try:
            for path in sorted(self._files()):
                name = path.relative_to(self._folder).as_posix()
                digest.update(f"{name}\0{path.stat().st_size}\0".encode())
                with path.open("rb") as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
        except OSError as error:
            raise InputError(f"the model in {self._folder} cannot be read: {error}") from error
        return digest.hexdigest()[:_DIGITS]

    def _files(self) -> Iterator[Path]:
        for path in self._folder.rglob("*"):
            parts = path.relative_to(self._folder).parts
            hidden = any(part.startswith(".") or part in _OTHER_FORMS for part in parts)
            if path.suffix in _MATTERS and path.is_file() and not hidden:
                yield path


class HubWeights:
    """Weights of a model on the model hub, held to one commit.

    A commit that is in the local cache is taken as it is; nobody is asked for a newer one.
    """

    def __init__(self, name: str, revision: str = "") -> None:
        self._name = name if "/" in name else f"sentence-transformers/{name}"
        self._wanted = revision

    @property
    def label(self) -> str:
        return self._name

    @property
    def place(self) -> str:
        return self._name

    def version(self) -> str:
        return self.revision[:_DIGITS]

    @property
    def revision(self) -> str:
        return self._commit

    @functools.cached_property
    def _commit(self) -> str:
        """The commit, read off the folder that the hub's library keeps it in."""
        hub: Any = import_module("huggingface_hub")
        reason: Exception | None = None
        for cached in (True, False):
            try:
                config: str = hub.hf_hub_download(
                    self._name,
                    "config.json",
                    revision=self._wanted or None,
                    local_files_only=cached,
                )
            except (OSError, ValueError) as error:
                reason = error
            else:
                return Path(config).parent.name
        said = str(reason).strip().partition("\n")[0][:200]
        raise InputError(
            f"the model {self._name!r} is no folder, and the model hub does not give it: {said}",
            hint="give the folder of a model, or see to the network",
        ) from reason

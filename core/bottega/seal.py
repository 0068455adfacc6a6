"""The seal on an approval in `bottega.lock`: who gave it, and in which folder.

A lock comes with a project, and a project may come from a stranger. What a person approves is
therefore sealed with a key that never leaves the person's own configuration: an approval counts
where it was given, for the person who gave it, and nobody else's counts. What was approved, and
whether it still is what it was then, is `consent`'s and the adapters' business.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import StorageError
from bottega.home import make_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bottega.lockfile import Lock
    from bottega.messages import Json

_KEY_BYTES = 32


def sealed(lock: Lock, section: str, name: str, said: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a person says, with the seal, to be written there. Raises StorageError."""
    return {**said, "seal": _seal(lock, section, name, said)}


def is_sealed(lock: Lock, section: str, name: str, entry: Any) -> bool:
    """Say whether this person has sealed the entry, for this place. Raises StorageError."""
    if not isinstance(entry, dict):
        return False
    said: dict[str, Json] = {**entry}
    seal = said.pop("seal", None)
    return isinstance(seal, str) and hmac.compare_digest(
        seal.encode("utf-8", "replace"), _seal(lock, section, name, said).encode()
    )


def _seal(lock: Lock, section: str, name: str, said: Mapping[str, Json]) -> str:
    folder = str(lock.file.parent.resolve())
    text = json.dumps([folder, section, name, said], sort_keys=True, ensure_ascii=True)
    return hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    """Return the person's own key, made at first use. Raises StorageError."""
    file = _configuration() / "bottega" / "consent.key"
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be used: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StorageError(f"{file} is damaged", hint="delete it, and approve what you use anew")
    return key


def _configuration() -> Path:
    """Return the person's folder for configuration. Raises StorageError where there is none.

    A relative one does not count, as the XDG Base Directory Specification says: it would lie in
    the project.
    """
    named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".config"
    except RuntimeError as error:
        raise StorageError(
            "there is no home folder to keep the key of approvals in",
            hint="set HOME, or XDG_CONFIG_HOME, to a folder of yours",
        ) from error


def _make_key(file: Path) -> None:
    """Write a key, whole, unless somebody else was quicker. Raises OSError."""
    new = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    make_private(new)
    try:
        new.write_bytes(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):
            os.link(new, file)
    finally:
        new.unlink()

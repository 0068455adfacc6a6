"""Facts and episodes as rows: what can be kept, and how it is read back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bottega import chance
from bottega.errors import InputError, StorageError
from bottega.escape import one_line
from bottega.memory import Episode, Fact
from bottega_plugins.memory.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_FACT = 2_000
LONGEST_SUBJECT = 200


def fact_of(row: Row, newer: str) -> Fact:
    """Read a fact back; `newer` is the id of what supersedes it. Raises StorageError."""
    try:
        data = {
            **json.loads(row.data),
            "id": row.id,
            "supersedes": row.supersedes,
            "superseded_by": newer,
        }
        return Fact.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(row, error) from error


def episode_of(row: Row) -> Episode:
    """Read an episode back. Raises StorageError."""
    try:
        return Episode.from_json(json.loads(row.data))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(row, error) from error


def _unreadable(row: Row, error: Exception) -> StorageError:
    return StorageError(
        f"memory entry {row.id!r} cannot be read: {one_line(str(error))}",
        hint=f"delete it: bottega memory forget --id {row.id}",
    )


def cleaned(fact: Fact) -> Fact:
    """Return the fact as it can be kept. Raises InputError."""
    text, subject = plain(fact.text).strip(), plain(fact.subject).strip()
    if not text:
        raise InputError("a fact without words is no fact")
    for what, given, most in (("fact", text, LONGEST_FACT), ("subject", subject, LONGEST_SUBJECT)):
        if len(given) > most:
            raise InputError(
                f"the {what} has {len(given):,} characters, at most {most:,} are kept",
                hint="remember it in parts" if what == "fact" else "name it in a few words",
            )
    if not 0 <= fact.confidence <= 1:
        raise InputError(f"confidence must be from 0 to 1, not {fact.confidence:g}")
    time = fact.time or chance.now()
    return replace(
        fact,
        text=text,
        subject=subject,
        time=time,
        id=fact.id or hashlib.sha256(chance.new_id().encode()).hexdigest()[:16],
        superseded_by="",
    )


def text_of(fact: Fact) -> str:
    """Return what is embedded and searched of a fact."""
    return f"{fact.subject}: {fact.text}" if fact.subject else fact.text


def plain(text: str) -> str:
    """Return the text as every database takes it: without NUL and halves of characters."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def packed(vector: NDArray[np.float32]) -> bytes:
    """Return a vector as it is kept."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()

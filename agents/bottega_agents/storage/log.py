"""The journal's own tables: one short row an entry, written where it is awaited.

    bottega_logs      one row a visit of a node: the thread, and LangGraph's id of the task
    bottega_journal   the entries of a log, by number

LangGraph's table of pending writes repeats thread, namespace, checkpoint, task and channel with
every row, twice over with its index: several hundred bytes an entry. Here an entry costs its text.
"""

from __future__ import annotations

import json
import zlib
from typing import NamedTuple

from bottega.database import Database
from bottega.errors import StorageError
from bottega.messages import Json
from bottega.register import Lease
from bottega_agents.storage.moment import moment

JOURNAL = """
CREATE TABLE IF NOT EXISTS bottega_logs (
    log {serial} PRIMARY KEY, thread TEXT NOT NULL, task TEXT NOT NULL,
    run TEXT NOT NULL DEFAULT '', visit TEXT NOT NULL DEFAULT '', UNIQUE (thread, task));
CREATE TABLE IF NOT EXISTS bottega_journal (
    log BIGINT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    at BIGINT NOT NULL DEFAULT 0, crc INTEGER, PRIMARY KEY (log, number)){clustered};
"""
"""The tables. `serial` is a number that the database gives, `clustered` what keeps rows in order.

`run` and `visit` say what a log tells of, for those who read it later. `at` is in milliseconds
since the epoch, never less than that of the entry which the same process wrote before it. `crc` is
a checksum of the rest; NULL in rows of older versions, which are not checked.
"""

_NEW = (
    "INSERT INTO bottega_logs (thread, task, run, visit) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (thread, task) DO UPDATE SET task = excluded.task RETURNING log"
)
_READ = "SELECT number, key, value, crc FROM bottega_journal WHERE log = ? ORDER BY number"
_FIND = "SELECT log FROM bottega_logs WHERE thread = ? AND task = ?"
_ENTRY = "INSERT INTO bottega_journal (log, number, key, value, at, crc) "
_ONCE = " ON CONFLICT (log, number) DO NOTHING"
_FREELY = f"{_ENTRY}VALUES (?, ?, ?, ?, ?, ?){_ONCE}"
_SAME = "SELECT key, value FROM bottega_journal WHERE log = ? AND number = ?"

_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def statements(script: str) -> list[str]:
    """Return the statements of a script, so that they can be part of one transaction."""
    return [part for part in map(str.strip, script.split(";")) if part]


def encode(value: Json) -> str:
    """Return the value as JSON that any database takes, half surrogate pairs included."""
    text = _plain(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _ascii(value)
    return text


class JournalLog:
    """One log, open for reading and writing. Every method raises StorageError."""

    def __init__(self, database: Database, thread: str, task: str, lease: Lease | None) -> None:
        """Take the lease of the run that writes; without one nobody else may write to the log."""
        self._database = database
        self._thread = thread
        self._task = task
        self._lease = lease
        self._leased = (
            f"{_ENTRY}SELECT CAST(? AS BIGINT), CAST(? AS INTEGER), ?, ?, CAST(? AS BIGINT), "  # noqa: S608  # constants
            f"CAST(? AS INTEGER) FROM bottega_runs WHERE run_id = ? AND epoch = ?"
            f"{database.share}{_ONCE}"
        )
        self._log: int | None = None
        self._number = 0
        self.visit = ""
        """Names the visit within its run, the same in a run that is told again."""

    async def read(self) -> dict[str, Json]:
        """Return the entries by key, in the order in which they were written."""
        found = await self._database.do(_FIND, self._thread, self._task)
        if not found:
            return {}
        self._log = int(found[0][0])
        rows = await self._database.do(_READ, self._log)
        self._number = rows[-1][0] if rows else 0
        return {row[1]: decode(Row(*row), self._thread) for row in rows}

    async def write(self, key: str, value: Json) -> None:
        """Add an entry; it is safe from kill -9 when this returns.

        Raises StorageError when the run was taken over: this process must not go on with it.
        """
        self._number += 1
        number = self._number
        if self._log is None:
            run = self._lease.run_id if self._lease else ""
            found = await self._database.do(_NEW, self._thread, self._task, run, self.visit)
            self._log = int(found[0][0])
        text = encode(value)
        row = (self._log, number, key, text, moment(), checksum(number, key, text))
        if self._lease is None:
            written = await self._database.change(_FREELY, *row)
        else:
            leased = (self._lease.run_id, self._lease.epoch)
            written = await self._database.change(self._leased, *row, *leased)
        if not written and not await self._is_there(row):
            raise (self._lease or Lease(run_id=self._thread, epoch=0)).lost()

    async def _is_there(self, row: tuple[int, int, str, str, int, int]) -> bool:
        """Say whether the entry came through after all, though the answer to it was lost."""
        log, number, key, value, *_ = row
        return await self._database.do(_SAME, log, number) == [(key, value)]


class Row(NamedTuple):
    """An entry as it lies in the table."""

    number: int
    key: str
    text: str
    crc: int | None


def checksum(number: int, key: str, text: str) -> int:
    """Return the CRC-32 of an entry, as a signed number of 32 bits.

    It tells bits that a disk has turned, and rows changed by hand; it keeps nobody out.
    """
    place = f"{number} {key} ".replace("\0", "\ufffd")  # as PostgreSQL is given it
    crc = zlib.crc32(text.encode(), zlib.crc32(place.encode(errors="surrogatepass")))
    return crc - (1 << 32) if crc >> 31 else crc


def decode(row: Row, thread: str) -> Json:
    """Read an entry. Raises StorageError when it is damaged."""
    if row.crc is not None and row.crc != checksum(row.number, row.key, row.text):
        raise _damaged(thread, row.key, "its checksum is another one")
    try:
        return json.loads(row.text)
    except (ValueError, RecursionError) as error:
        raise _damaged(thread, row.key, str(error)) from error


def _damaged(thread: str, key: str, why: str) -> StorageError:
    return StorageError(
        f"the journal of {thread} is damaged at entry {key!r}: {why}",
        hint="start the run anew; this one cannot go on",
    )

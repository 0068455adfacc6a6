"""Which database a graph means: a URL, a SQLite file, or the variable that holds one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bottega.errors import InputError

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_HINT = "give a URL, a SQLite file, or the name of an environment variable that holds one"


def address_of(database: str, folder: Path) -> URL:
    """Return the URL; the path of a SQLite file is absolute in it, a relative one from the folder.

    Raises InputError; what it says holds no password.
    """
    named = f"database {database!r}" if _VARIABLE.fullmatch(database) else "the database"
    text = os.environ.get(database, "") if _VARIABLE.fullmatch(database) else database
    if not text:
        raise InputError(f"{named} is not set" if database else "no database is named", hint=_HINT)
    if "://" not in text:
        text = f"sqlite:///{text}"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError(f"{named} is no URL that can be read", hint=_HINT) from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    return _file(url, folder) if url.get_backend_name() == "sqlite" else url


def _file(url: URL, folder: Path) -> URL:
    name = url.database or ""
    if url.query or url.host or name in ("", ":memory:") or name.startswith("file:"):
        raise InputError("a SQLite database is a file", hint="sqlite:///shop.db, or shop.db")
    return url.set(drivername="sqlite", database=str((folder / Path(name).expanduser()).resolve()))

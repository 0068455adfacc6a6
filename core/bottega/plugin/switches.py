"""Plugins that the user switched off: by `BOTTEGA_DISABLE`, or in a file of the current folder.

BOTTEGA_DISABLE=weather,maps bottega run team.yaml "..."

[tool.bottega]                 # pyproject.toml; in bottega.toml without this line
disable = ["weather", "maps"]
"""

from __future__ import annotations

import os
from pathlib import Path
from types import NoneType
from typing import Any, cast

from bottega.errors import InputError

VARIABLE = "BOTTEGA_DISABLE"


def switched_off(folder: Path | None = None) -> dict[str, str]:
    """Return the names of plugins that are switched off, each with where that is said.

    Raises InputError for a file that cannot be read.
    """
    names = dict.fromkeys(_split(os.environ.get(VARIABLE, "")), VARIABLE)
    here = folder or Path()
    for file_name, table in (("pyproject.toml", ("tool", "bottega")), ("bottega.toml", ())):
        for name in _read(here / file_name, table):
            names.setdefault(name, file_name)
    return names


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _read(path: Path, table: tuple[str, ...]) -> list[str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
    if b"bottega" not in data and table:
        return []  # most projects say nothing of Bottega: spare them the parser
    value: Any = _parse(path, data)
    for key in (*table, "disable"):
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    names: list[Any] = [] if value is None else value
    if not isinstance(value, (list, NoneType)) or not all(isinstance(each, str) for each in names):
        raise InputError(
            f"{path.name}: `disable` is not a list of names", hint='write disable = ["weather"]'
        )
    return names


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not valid TOML: {error}") from error

"""A cassette on disk: JSON Lines, one thing that happened a line, made to be read and compared.

    {"kind":"cassette","version":1,...}
    {"kind":"model","at":"1/1:writer","asked":{...},"came":{...},"sum":"…"}
    {"kind":"end","lines":12,"sum":"…"}

Each line carries a checksum of itself, the last one of all: a file that was cut short or changed by
hand is refused, with the line. Values of secret variables never reach the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from bottega.cassette.divergence import CassetteError
from bottega.escape import mask
from bottega.messages import Json

VERSION = 1
LONGEST = 256 << 20
"""Bytes of a cassette that is read at all."""
_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_ascii = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def save(file: Path, lines: Iterable[Mapping[str, Json]]) -> None:
    """Write a cassette; a file that is there is replaced once the new one is complete."""
    made = [_summed({"kind": "cassette", "version": VERSION})]
    made += [_summed(masked(line)) for line in lines]
    end = {"kind": "end", "lines": len(made) + 1, "sum": _sum(made)}
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        fresh.write_text("".join(f"{_encode(line)}\n" for line in [*made, end]), "utf-8")
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def load(file: Path) -> list[tuple[int, dict[str, Json]]]:
    """Return the lines between the first and the last, each with its number.

    Raises CassetteError naming the line that is damaged, and for another version.
    """
    lines = _decoded(file)
    first = lines[0] if lines else {}
    if first.get("kind") != "cassette":
        raise CassetteError(f"{file}:1: this is no cassette", hint="record it with --record")
    if first.get("version") != VERSION:
        raise CassetteError(
            f"{file}:1: the cassette has version {first.get('version')}; this Bottega reads "
            f"{VERSION}",
            hint="record it anew",
        )
    for number, line in enumerate(lines[:-1], 1):
        if line != _summed(line):
            raise CassetteError(
                f"{file}:{number}: the line was changed after it was recorded",
                hint="put it back as it was, or record the cassette anew",
            )
    last = lines[-1]
    if last.get("kind") != "end":
        raise CassetteError(
            f"{file}:{len(lines)}: the cassette was cut short: its last line is missing",
            hint="record it anew",
        )
    if last != {"kind": "end", "lines": len(lines), "sum": _sum(lines[:-1])}:
        raise CassetteError(
            f"{file}:{len(lines)}: lines were added, removed or moved: {last.get('lines')} were "
            f"recorded, {len(lines)} are there",
            hint="record the cassette anew",
        )
    return list(enumerate(lines[1:-1], 2))


def masked(value: Json) -> Json:
    """Return the value with secrets in its texts masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in cast("Mapping[str, Json]", value).items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in cast("Sequence[Json]", value)]
    return value


def digest(value: Json) -> str:
    """Return a short hash of a value, the same for the same value with its secrets masked."""
    return hashlib.sha256(_ascii(masked(value)).encode()).hexdigest()[:16]


def _decoded(file: Path) -> list[dict[str, Json]]:
    try:
        if file.stat().st_size > LONGEST:
            raise CassetteError(f"{file}: larger than {LONGEST >> 20} MB, which no cassette is")
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(f"{file}: cannot be read as a cassette: {error}") from error
    lines: list[dict[str, Json]] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CassetteError(
                f"{file}:{number}: the line is no JSON: it was cut short or changed ({error})",
                hint="record the cassette anew",
            ) from None
        lines.append(cast("dict[str, Json]", value) if isinstance(value, dict) else {})
    return lines


def _summed(line: Mapping[str, Json]) -> dict[str, Json]:
    told = {name: value for name, value in line.items() if name != "sum"}
    return {**told, "sum": hashlib.sha256(_ascii(told).encode()).hexdigest()[:8]}


def _sum(lines: Sequence[Mapping[str, Json]]) -> str:
    sums = "".join(str(line["sum"]) for line in lines)
    return hashlib.sha256(sums.encode()).hexdigest()[:16]


def _encode(line: Mapping[str, Json]) -> str:
    text = _plain(line)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(line, separators=(",", ":"))
    return text

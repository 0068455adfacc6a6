"""A graph file's bytes, and the text in them; nothing here knows YAML."""

from __future__ import annotations

import codecs
import re
import stat
from difflib import get_close_matches
from pathlib import Path

from bottega.spec.findings import Findings
from bottega.spec.model import Mark

MOST_BYTES = 1_000_000

_UTF16 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # https://yaml.org/spec/1.2.2/#51-character-set


def read_text(path: Path, findings: Findings) -> str | None:
    """Return the file's text, or None with the reason among the findings."""
    data = _read_bytes(path, findings)
    if data is None:
        return None
    if len(data) > MOST_BYTES:
        _too_large(findings)
        return None
    if data.startswith(_UTF16):
        findings.add(Mark(), "the file is UTF-16 or UTF-32", "save it as UTF-8")
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        findings.add(Mark(line=line, column=column), message, "save the file as UTF-8")
        return None


def check_text(text: str, findings: Findings) -> bool:
    """Say whether the text is small enough and has no forbidden characters."""
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        _too_large(findings)
        return False
    found = _FORBIDDEN.search(text)
    if found is None:
        return True
    before = text[: found.start()]
    mark = Mark(line=before.count("\n") + 1, column=found.start() - before.rfind("\n"))
    name = "NUL" if found[0] == "\0" else f"U+{ord(found[0]):04X}"
    findings.add(mark, f"the character {name} cannot stand in a graph file", "delete it")
    return False


def _too_large(findings: Findings) -> None:
    findings.add(
        Mark(),
        f"the file is larger than {MOST_BYTES:,} bytes",
        "a graph names things; keep data in files of its own",
    )


def _read_bytes(path: Path, findings: Findings) -> bytes | None:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            findings.add(Mark(), f"this is {what}", _near(path))
            return None
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        findings.add(Mark(), "there is no such file", _near(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        findings.add(Mark(), f"the file cannot be read: {reason}")
    return None


def _near(path: Path) -> str:
    """Name the YAML files beside the path that was asked for."""
    folder = path if path.is_dir() else path.parent
    try:
        names = sorted(one.name for one in folder.iterdir() if one.suffix in {".yaml", ".yml"})
    except OSError:
        return f"there is no folder {str(folder)!r} either"
    if not names:
        return f"there is no YAML file in {str(folder)!r}"
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {str(folder / close[0])!r}?"
    return f"YAML files there: {', '.join(names[:8])}" + (", ..." if len(names) > 8 else "")

"""Reading Google-style docstrings: what a function does, and what its parameters mean."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(
    r"^(args|arguments|parameters|params|keyword args|other parameters|returns?|yields?|raises?"
    r"|examples?|notes?|attributes|references|see also|todo|warnings?|warns)\s*:\s*$",
    re.IGNORECASE,
)
_ARGUMENTS = {"args", "arguments", "parameters", "params", "keyword args", "other parameters"}
_SHOWN = {"note", "notes", "example", "examples", "warning", "warnings"}
_PARAMETER = re.compile(r"^\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Docstring:
    """A docstring, taken apart."""

    description: str = ""
    """Everything but the sections on arguments, result and errors."""
    parameters: dict[str, str] = field(default_factory=dict)
    """What is said of each parameter, on one line."""


def parse_docstring(text: str | None) -> Docstring:
    """Take a docstring apart. Sections that a caller has no use for are left out."""
    if not text:
        return Docstring()
    kept: list[str] = []
    parameters: dict[str, str] = {}
    for title, lines in _sections(inspect.cleandoc(text).splitlines()):
        if title in _ARGUMENTS:
            parameters.update(_parameters(lines))
        elif not title:
            kept += lines
        elif title in _SHOWN:
            kept += [f"{title.capitalize()}:", *lines]
    return Docstring(description=_joined(kept), parameters=parameters)


def _sections(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Cut at section headings; a section ends where text stands at the margin again."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in lines:
        heading = _SECTION.match(line)
        if heading:
            sections.append((heading[1].lower(), []))
        elif line[:1].strip() and sections[-1][0]:
            sections.append(("", [line]))
        else:
            sections[-1][1].append(line)
    return sections


def _parameters(lines: list[str]) -> dict[str, str]:
    """Read `name: text` entries; lines indented deeper continue the entry above."""
    found: dict[str, list[str]] = {}
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    texts: list[str] = []
    for line in lines:
        entry = _PARAMETER.match(line.strip()) if _indent(line) == margin else None
        if entry:
            texts = found.setdefault(entry["name"], [])
            texts.append(entry["text"])
        elif line.strip():
            texts.append(line.strip())
    return {name: " ".join(texts).strip() for name, texts in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

"""What the YAML parser complains about, in words that help whoever wrote the file."""

from __future__ import annotations

import yaml

from bottega.spec.findings import clip
from bottega.spec.model import Mark

_COLON = "a colon stands where none can"
_COLON_HINT = "put text that contains ': ' in quotes, and give each key its own line"
_INDENT_HINT = "compare the indentation with the lines above, and look for an open quote or bracket"


def explain(error: yaml.YAMLError, text: str) -> tuple[Mark, str, str]:
    """Return where the file breaks, what is wrong there and what to do about it."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Mark(), f"the file is not YAML: {clip(str(error))}", "save it as plain UTF-8 text"
    where = error.problem_mark
    mark = Mark(line=where.line + 1, column=where.column + 1)
    line = _line(text, where.line)
    problem = str(error.problem or "")
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return mark, "a tab in the indentation", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return mark, _COLON, _COLON_HINT
    if "cannot start any token" in problem:
        character = line[where.column : where.column + 1]
        return mark, f"text cannot begin with {clip(character)}", "put it in quotes"
    since = error.context_mark
    opened = f" (what began on line {since.line + 1})" if since and since.line != where.line else ""
    return mark, f"the file is not YAML here: {problem}{opened}", _INDENT_HINT


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if number < len(lines) else ""

"""Reading `Key: value` lines: headers of documents, lists of properties, flat JSON objects.

Nothing is known here of any particular document or key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bottega_plugins.models.embedded.kinds import Kind, kind_of_value
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.schema import is_list, is_object
from bottega_plugins.models.embedded.words import fold, shown, terms, words

MOST_FIELDS = 60
_LINE = re.compile(
    r"[ \t]{0,3}(?:[-*+] )?:?\**([A-Za-z][A-Za-z0-9 _/()-]{0,39}?)\**[ \t]*:\**(?:[ \t]+(\S.*))?$"
)
_ROW = re.compile(r"\|([^|\n]{1,60})\|([^|\n]{1,300})\|[ \t]*$")
_MORE = re.compile(r"[ \t]{2,}\S|\t\S")
_ADDRESS = re.compile(r"\s*<[^<>]{1,200}>|\s*\([^()\s]{1,100}@[^()\s]{1,100}\)")
_RULES = " -|=:\t"
_TITLES = ("title", "subject", "name")
_MOST_KEY_WORDS = 4
_LONGEST_ALONE = 200
"""Characters from which the only line of a text is a paragraph, though it has a colon."""


@dataclass(frozen=True)
class Field:
    """A key and its value."""

    key: str
    value: str

    @property
    def shown_key(self) -> str:
        """The key as a sentence has it: `python version` for `python_version`."""
        return self.key.replace("_", " ")

    @property
    def kind(self) -> Kind:
        """What sort of thing the value is."""
        return kind_of_value(self.value)


@dataclass(frozen=True)
class Record:
    """The fields of one passage: what a document, or a result, says about itself."""

    passage: Passage
    fields: tuple[Field, ...]

    @property
    def identity(self) -> Field | None:
        """The first field, where its value is a number or a short code: `PEP: 557`.

        Only something that also has a title is known by a number.
        """
        first = self.fields[0]
        short = bool(self.title) and len(first.value) <= 20 and " " not in first.value
        return first if short and any(c.isdigit() for c in first.value) else None

    @property
    def title(self) -> str:
        """The value of `Title`, `Subject` or `Name`; empty without one."""
        values = {fold(field.key): field.value for field in self.fields}
        return next((values[name] for name in _TITLES if name in values), "")

    @property
    def label(self) -> str:
        """What a reader would call it: `PEP 557, "Data Classes"`."""
        identity = self.identity
        parts = [f"{identity.key} {identity.value}"] if identity else []
        parts += [f'"{self.title}"'] if self.title else []
        return ", ".join(parts) or shown(self.passage.heading or self.passage.source)

    def named_in(self, text: str) -> bool | None:
        """Say whether a text names this record by its identity; None when it names none so."""
        identity = self.identity
        if identity is None:
            return None
        key, value = words(identity.key), words(identity.value)
        said = words(text)
        follows = {
            tuple(_unpadded(word) for word in said[i + len(key) : i + len(key) + len(value)])
            for i in range(len(said) - len(key))
            if said[i : i + len(key)] == key
        }
        numbered = {found for found in follows if found and any(c.isdigit() for c in found[0])}
        return tuple(map(_unpadded, value)) in numbered if numbered else None


def record_of(passage: Passage) -> Record | None:
    """Return the fields at the head of a passage, or None where it does not begin with any."""
    fields = tuple(_json_fields(passage.text) or _line_fields(passage.text))[:MOST_FIELDS]
    return Record(passage, fields) if fields else None


def prose(passage: Passage) -> str:
    """Return what stands after the fields; the whole text where there are none."""
    text = passage.text.strip()
    if _json_fields(text):
        return ""
    fields, rest = _head(text.splitlines())
    return "\n".join(rest) if fields else text


def _line_fields(text: str) -> list[Field]:
    """Read the first block of field lines."""
    return _head(text.strip().splitlines())[0]


def _head(lines: list[str]) -> tuple[list[Field], list[str]]:
    """Return the fields that lines begin with, and the lines after; a field alone is but prose.

    One line of another kind may stand before them, such as the title of a table.
    """
    found: list[tuple[str, list[str]]] = []
    rest: list[str] = []
    for i, line in enumerate(lines):
        match = _LINE.match(line) or _ROW.match(line)
        if match and len(match[1].split()) <= _MOST_KEY_WORDS:
            found.append((shown(match[1]), [match[2] or ""]))
        elif found and _MORE.match(line):
            found[-1][1].append(line.strip())
        elif (found or i > 0) and (line.strip(_RULES) or not line.strip()):
            rest = lines[i:]
            break
    fields = [Field(key, _value(" ".join(values))) for key, values in found]
    fields = [field for field in fields if field.value]
    alone = len(lines) == 1 and all(len(field.value) <= _LONGEST_ALONE for field in fields)
    return (fields, rest) if len(fields) > 1 or alone else ([], lines)


def _json_fields(text: str) -> list[Field]:
    if not text.lstrip().startswith("{"):
        return []
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [Field(shown(key), shown(value)) for key, value in _flat(data) if value]


def _flat(data: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if is_object(data) and depth < _MOST_KEY_WORDS:
        for key, value in data.items():
            yield from _flat(value, f"{prefix} {key}".strip(), depth + 1)
    elif is_list(data) and all(isinstance(item, str | int | float) for item in data):
        yield prefix, ", ".join(map(str, data))
    elif isinstance(data, str | int | float):
        yield prefix, str(data)


def _value(text: str) -> str:
    return shown(_ADDRESS.sub("", text).strip().strip("|*"))


def _unpadded(word: str) -> str:
    return word.lstrip("0") or word


def key_terms(key: str) -> list[str]:
    """Return the stems of a key: `Python-Version` has two."""
    return terms(re.sub(r"[_-]", " ", key))

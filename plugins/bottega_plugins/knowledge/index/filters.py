"""Filters over the fields of documents and passages, as questions to a catalogue.

    {"lang": "en"}                       the field has this value, or a list that holds it
    {"kind": ["a", "b"]}                 one of these
    {"year": {"gte": 2020, "lt": 2025}}  all of these hold

A field and a value are always bound, never part of an SQL text: they may hold what they like.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from bottega.errors import InputError, suggest
from bottega.messages import Json
from bottega_plugins.knowledge.index.fields import storable

Filters = Mapping[str, Json]

_OF_FIELDS = "SELECT first, stop FROM fields WHERE key = ?"
_OF_DOCUMENTS = {
    "source": "SELECT first, stop FROM (SELECT first, stop, source AS value FROM documents)",
    "title": "SELECT first, stop FROM (SELECT first, stop, title AS value FROM documents)",
    "format": "SELECT first, stop FROM (SELECT first, stop, format AS value FROM documents)",
}
_NUMBER = "typeof(value) IN ('integer', 'real')"
_TEXT = "typeof(value) = 'text'"
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_ONE_OF = "value IN (SELECT value FROM json_each(?))"
OPERATORS = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "glob", "exists")
_LONGEST_GLOB = 1_000
_LARGEST = 2**63


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One thing that must hold for a passage."""

    key: str
    test: str
    """What must hold for a value of the field, in SQL; without any text of the caller's."""
    values: tuple[str | int | float, ...] = ()
    negated: bool = False
    """Whether the passage must have no such value; one without the field has none."""

    @property
    def query(self) -> tuple[str, tuple[str | int | float, ...]]:
        """What asks a catalogue for the spans of passages with such a value."""
        if self.key in _OF_DOCUMENTS:
            return f"{_OF_DOCUMENTS[self.key]} WHERE {self.test}", self.values
        return f"{_OF_FIELDS} AND {self.test}", (self.key, *self.values)


def conditions(filters: Filters) -> list[Condition]:
    """Return what must hold for a passage. Raises InputError for what is no filter."""
    if not isinstance(cast("object", filters), Mapping):
        hint = 'write them like {"lang": "en"}'
        kind = type(filters).__name__
        raise InputError(f"the filters must be a mapping of fields, not {kind}", hint=hint)
    return [each for key, wanted in filters.items() for each in _of_field(key, wanted)]


def _of_field(key: object, wanted: Json) -> Iterator[Condition]:
    if not isinstance(key, str):
        raise InputError(f"a filter is for the field {key!r}, which is no text")
    name = storable(key)
    if not isinstance(wanted, Mapping):
        yield _condition(name, "in" if isinstance(wanted, list | tuple) else "eq", wanted)
        return
    if not wanted:
        raise InputError(f"the filter for {key!r} is empty", hint=_known())
    for operator, operand in cast("Mapping[str, Json]", wanted).items():
        if operator not in OPERATORS:
            hint = f"{suggest(operator, OPERATORS)}; {_known()}"
            raise InputError(f"unknown operator {operator!r} in the filter for {key!r}", hint=hint)
        yield _condition(name, operator, operand)


def _condition(key: str, operator: str, operand: Json) -> Condition:
    if operator == "exists":
        if not isinstance(operand, bool):
            raise _unfit(key, operator, operand, "true or false")
        return Condition(key=key, test="1", negated=not operand)
    if operator == "in":
        if not isinstance(operand, list | tuple):
            raise _unfit(key, operator, operand, "a list")
        values = [_plain(key, operator, each) for each in cast("Sequence[Json]", operand)]
        return Condition(key=key, test=_ONE_OF, values=(json.dumps(values),))
    value = _plain(key, operator, operand)
    if operator in {"eq", "ne"}:
        return Condition(key=key, test="value = ?", values=(value,), negated=operator == "ne")
    if operator == "glob":
        if not isinstance(value, str) or len(value) > _LONGEST_GLOB:
            raise _unfit(key, operator, operand, "a text with * and ?")
        return Condition(key=key, test=f"{_TEXT} AND value GLOB ?", values=(value,))
    kind = _TEXT if isinstance(value, str) else _NUMBER
    return Condition(key=key, test=f"{kind} AND value {_COMPARISONS[operator]} ?", values=(value,))


def _plain(key: str, operator: str, operand: Json) -> str | int | float:
    if isinstance(operand, str):
        return storable(operand)
    if isinstance(operand, bool):
        return int(operand)
    if isinstance(operand, int | float) and math.isfinite(operand):
        return operand if abs(operand) < _LARGEST else float(operand)
    raise _unfit(key, operator, operand, "a text or a number")


def _unfit(key: str, operator: str, operand: Json, expected: str) -> InputError:
    shown = repr(operand)[:80]
    return InputError(f"the filter for {key!r}: {operator!r} takes {expected}, not {shown}")


def _known() -> str:
    return f"operators: {', '.join(OPERATORS)}"

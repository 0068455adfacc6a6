"""What a plain word of YAML means: the core schema of YAML 1.2, section 10.3.

https://yaml.org/spec/1.2.2/#103-core-schema. PyYAML resolves by YAML 1.1, where `no` is false and
`12:30` is a number; here only JSON's own words and numbers are more than text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Value = str | int | float | bool | None

LONGEST_NUMBER = 40
"""Characters; Python's own limit of 4,300 digits would be an exception, and more is no number."""

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.replace(".", "")),
    ),
)


def resolve(text: str) -> Value:
    """Return what an unquoted word means; a word that is no number, truth or null is text.

    Numbers that JSON cannot write come back as infinite or NaN floats.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    for pattern, read in _NUMBERS:
        if pattern.fullmatch(text):
            return read(text)
    return text

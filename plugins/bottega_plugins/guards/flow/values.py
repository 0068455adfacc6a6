"""Values and texts, compared as a reader would: letter case, spaces and look-alikes aside.

What is invisible is left out before anything is compared; numbers and dates are compared by what
they stand for. Which text may vouch for which value is `words` and `plan`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, cast

_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*(?:\.\d+)?(?![\w])")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d))?(?!\d)")
_MONTHS = "january february march april may june july august september october november december"
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS.split())
_MONTH_FIRST = re.compile(rf"\b({_MONTH})\.? (\d\d?)(?:st|nd|rd|th)?,? (\d{{4}})\b")
_DAY_FIRST = re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? ({_MONTH})\.?,? (\d{{4}})\b")

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that show nothing, and those that only say how others are shown.

Source: https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
"""
SHAPES: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "url": re.compile(r"(?:https?://|\bwww\.)[^\s<>\"'`)\]]+"),
    "iban": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b"),
    "date": re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?(?!\d)"),
}
"""What values of these shapes look like in a text."""


@lru_cache(maxsize=512)
def plain(text: str) -> str:
    """Return the text without what does not count."""
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(text.casefold().split())


def number(value: object) -> Decimal | None:
    """Return what a number, or a text that is one, stands for; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        return None
    return found.normalize() if found.is_finite() else None


def same(one: object, other: object) -> bool:
    """Say whether two values stand for the same."""
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other
    left, right = number(one), number(other)
    if left is not None and right is not None and (_is_count(one) or _is_count(other)):
        return left == right
    if isinstance(one, str) and isinstance(other, str):
        return plain(one) == plain(other)
    return one == other


def _is_count(value: object) -> bool:
    return isinstance(value, int | float)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in a value that holds no others, each with its path."""
    if isinstance(value, Mapping):
        for key, one in cast("Mapping[str, Any]", value).items():
            yield from leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(cast("Sequence[Any]", value)):
            yield from leaves(one, f"{path}[{index}]")
    else:
        yield path, value


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of all objects in a value, each with its path: a key says as much as a value.

    Those of the value itself are left out where no path is given: they are names of arguments.
    """
    if isinstance(value, Mapping):
        for key, one in cast("Mapping[str, Any]", value).items():
            inner = f"{path}.{key}" if path else str(key)
            if path:
                yield inner, str(key)
            yield from keys(one, inner)
    elif isinstance(value, list | tuple):
        for index, one in enumerate(cast("Sequence[Any]", value)):
            yield from keys(one, f"{path}[{index}]")


def declared(schema: Any) -> frozenset[str]:
    """Return the keys that a tool's schema names itself: these are the house's words."""
    found: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            known = cast("Mapping[str, Any]", each)
            named = known.get("properties")
            found |= (
                cast("Mapping[str, Any]", named).keys() if isinstance(named, Mapping) else set()
            )
            waiting += known.values()
        elif isinstance(each, list):
            waiting += cast("Sequence[Any]", each)
    return frozenset(found)


def occurs(value: object, text: str) -> bool:
    """Say whether a text holds the value as a whole: not as a part of a longer word or number."""
    if isinstance(value, int | float):
        return number(value) in numbers(text)
    sought = plain(str(value))
    return bool(sought) and (_holds(plain(text), sought) or _dated(sought, text))


def _holds(text: str, sought: str) -> bool:
    at = text.find(sought)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(sought) :][:1]
        inside = before.isalnum() and sought[0].isalnum()
        if not inside and not (after.isalnum() and sought[-1].isalnum()):
            return True
        at = text.find(sought, at + 1)
    return False


@lru_cache(maxsize=512)
def numbers(text: str) -> frozenset[Decimal]:
    """Return the numbers in a text."""
    found = (number(match[0].rstrip(",")) for match in _NUMBER.finditer(plain(text)))
    return frozenset(one for one in found if one is not None)


@lru_cache(maxsize=512)
def days(text: str) -> frozenset[str]:
    """Return the days that a text names with their years, as `2024-05-19`."""
    shown = plain(text)
    found = {f"{match[1]}-{match[2]}-{match[3]}" for match in _ISO.finditer(shown)}
    found |= {_day(m[3], m[1], m[2]) for m in _MONTH_FIRST.finditer(shown)}
    return frozenset(found | {_day(m[3], m[2], m[1]) for m in _DAY_FIRST.finditer(shown)})


def _day(year: str, month: str, day: str) -> str:
    names = [name[:3] for name in _MONTHS.split()]
    return f"{year}-{names.index(month[:3]) + 1:02}-{int(day):02}"


def _dated(sought: str, text: str) -> bool:
    """Say whether a text names the day of an ISO date, and its time where it has one."""
    found = _ISO.fullmatch(sought)
    if found is None or f"{found[1]}-{found[2]}-{found[3]}" not in days(text):
        return False
    return found[4] is None or _holds(plain(text), found[4])

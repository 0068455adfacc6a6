"""What sort of thing a question asks for, and whether a text holds such a thing.

English only, by the question's words; a question of no known sort asks for `any`.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["person", "date", "version", "number", "place", "reason", "any"]

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ -,]{{1,2}}\d{{4}}\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b{_MONTH} \d{{4}}\b"
    r"|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|\b1\d{3}s?\b|\b20\d\ds?\b"
    r"|\b\d{1,2}(?:st|nd|rd|th) century\b|\b\d+ ?(?:bc|ad|bce|ce)\b",
    re.IGNORECASE,
)
_FULL_DATE = re.compile(
    rf"\b(?:\d{{1,2}}[ -]{_MONTH}[ -]\d{{4}}|{_MONTH} \d{{1,2}}, \d{{4}}|\d{{4}}-\d\d-\d\d)\b",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\bv?\d+(?:\.\d+)+(?:[a-z]+\d*)?\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|"
    r"twenty|thirty|forty|fifty|hundred|thousand|million|billion|half|third|quarter|none|dozen)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![.!?] )(?<!^)\b[A-Z][\w'\u2019-]+|\b[A-Z]\w+ (?:[A-Z]\.? |[a-z]{2,3} )?[A-Z]\w+"
)
_NAMES = re.compile(r"[^\W\d_][\w.'\u2019-]*(?: [^\W\d_][\w.'\u2019-]*){0,4}(?:,|;| and |$)")
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order to|reason|caused?|to)\b", re.IGNORECASE
)

_ASKS: tuple[tuple[Kind, str], ...] = (
    ("version", r"\b(?:which|what)\b[^?]{0,40}\b(?:version|release)\b"),
    ("date", r"\b(?:what|which)\b[^?]{0,20}\b(?:date|day|year|month|century|decade)\b|\bwhen\b"),
    ("number", r"\bhow (?:many|much|old|long|far|large|big|tall|high|often)\b"),
    (
        "number",
        r"\b(?:what|which)\b[^?]{0,20}\b(?:number|percent\w*|amount|population|price|cost|size)\b",
    ),
    ("person", r"\bwho(?:m|se)?\b|\b(?:author|inventor|founder)s?\b|\bname of the (?:wo)?man\b"),
    (
        "place",
        r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:city|country|state|place|region|continent|town)\b",
    ),
    ("reason", r"\bwhy\b"),
)
_ASKED: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKS
)


def kind_of(question: str) -> Kind:
    """Say what the question asks for, by its earliest question word."""
    found: list[tuple[int, Kind]] = []
    for kind, asks in _ASKED:
        match = asks.search(question)
        if match:
            found.append((match.start(), kind))
    return min(found, key=lambda pair: pair[0])[1] if found else "any"


def holds(kind: Kind, text: str) -> bool:
    """Say whether a text holds something of the kind."""
    if kind == "any":
        return True
    pattern = {
        "person": _NAME,
        "date": _DATE,
        "version": _VERSION,
        "number": _NUMBER,
        "place": _NAME,
        "reason": _REASON,
    }[kind]
    return pattern.search(text) is not None


def kind_of_value(value: str) -> Kind:
    """Say what a whole value is, such as that of a header field; `any` for nothing special."""
    if _FULL_DATE.match(value):
        return "date"
    if re.fullmatch(r"[#\u2116]?\d[\d,]*", value):
        return "number"
    if _VERSION.match(value):
        return "version"
    return "person" if _is_person(value) else "any"


def _is_person(value: str) -> bool:
    """Say whether a value looks like names: short, and each begins and ends with a capital."""
    first = _NAMES.match(value)
    parts = first[0].strip(",; ").removesuffix(" and").split() if first else []
    return len(parts) > 1 and parts[0][0].isupper() and parts[-1][0].isupper()

"""Finding personal data: what has a form, checked by its own rules, and names that were given.

E-mail addresses, telephone numbers, IBANs (ISO 13616, checked mod 97), payment cards (ISO/IEC 7812,
checked by Luhn), IP addresses. Names have no form: only those that are given are found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bottega.errors import InputError, suggest


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A piece of personal data in a text."""

    start: int
    end: int
    kind: str
    """`EMAIL`, `PHONE`, `IBAN`, `CARD`, `IP` or `NAME`."""


# Each pattern begins where no character of its own stands before: else long runs take square time.
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![\w.+/-])(?<!\d )(?:\+\d{1,3}[ .-]?(?:\(0?\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}"
    r"|\(0?\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]?\d{2,5}){1,3}"
    r"|0\d{1,5}[ /.-]\d{2,5}(?:[ .-]?\d{2,5}){0,3}"
    r"|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-])"
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CARD = re.compile(r"(?<![\w.-])[2-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-])")
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:]|\.\d)"
)


def _is_phone(text: str) -> bool:
    return 7 <= sum(map(str.isdigit, text)) <= 15


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    digits = [int(sign) for sign in text if sign.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return any(sign.isdigit() for sign in text)


_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "email": (_EMAIL, lambda text: True),
    "iban": (_IBAN, _is_iban),
    "card": (_CARD, _is_card),
    "ip": (_IP, _is_ip),
    "phone": (_PHONE, _is_phone),
}
"""In the order in which they are believed, where two of them find the same text."""
KINDS = tuple(_KINDS)


class Finder:
    """Finds the kinds that are wanted, and the names that are given."""

    def __init__(self, kinds: Sequence[str] = KINDS, names: Sequence[str] = ()) -> None:
        unknown = [kind for kind in kinds if kind not in _KINDS]
        if unknown:
            problem = f"redaction: unknown kind {unknown[0]!r}"
            raise InputError(problem, hint=suggest(unknown[0], KINDS))
        self._kinds = [kind for kind in KINDS if kind in kinds]
        wanted = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
        listed = "|".join(map(re.escape, wanted))
        self._names = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE) if wanted else None

    def find(self, text: str) -> list[Found]:
        """Return what is found, in order; nothing overlaps."""
        taken: list[Found] = []
        for found in self._candidates(text):
            if all(found.end <= one.start or one.end <= found.start for one in taken):
                taken.append(found)
        return sorted(taken)

    def _candidates(self, text: str) -> Iterator[Found]:
        for kind in self._kinds:
            pattern, fits = _KINDS[kind]
            for match in pattern.finditer(text):
                if fits(match.group()):
                    yield Found(match.start(), match.end(), kind.upper())
        for match in self._names.finditer(text) if self._names else ():
            yield Found(match.start(), match.end(), "NAME")

"""The host of a URL: a name or an address, in the one spelling that every other stands for.

Follows the host parser of https://url.spec.whatwg.org: percent-encoding, Unicode letters, digits
and dots, and IPv4 addresses in all their forms. Whether one may go there is `bottega.destinations`.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import unquote_to_bytes

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")
_IGNORED = re.compile("[\u00ad\u034f\u180b-\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff]")
"""Characters that names are read without (UTS 46)."""
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_AS_THEY_ARE = "ßς\u200c\u200d"
"""Letters of their own since IDNA 2008, which folding would turn into others."""


class HostError(ValueError):
    """The text is no host; the message goes on from 'the URL ...'."""


def read_host(written: str) -> tuple[str, IPAddress | None]:
    """Return the host in ASCII, and the address where it is one. Raises HostError.

    A dot at the end is dropped: it is the same host.
    """
    if written.startswith("["):
        ip = _ipv6(written)
        return str(ip), ip
    try:
        name = unquote_to_bytes(written).decode("utf-8")
    except UnicodeDecodeError:
        raise HostError("names a host that is not text") from None
    name = _ascii(name)
    if _FORBIDDEN.search(name):
        raise HostError("names a host with a character that no host has")
    name = name.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = _ipv4(labels)
        return str(address), address
    if not all(0 < len(label) < 64 for label in labels) or len(name) > 253:
        raise HostError("names a host that is empty, too long or has an empty part")
    return name, None


def _ipv6(written: str) -> ipaddress.IPv6Address:
    if not written.endswith("]") or "%" in written:
        raise HostError("names an IPv6 address that cannot be read")
    try:
        return ipaddress.IPv6Address(written[1:-1])
    except ValueError:
        raise HostError("names an IPv6 address that cannot be read") from None


def _ascii(name: str) -> str:
    """Map and encode a name as UTS 46 does, without transitional letters."""
    if name.isascii():
        return name.lower()
    name = _IGNORED.sub("", unicodedata.normalize("NFKC", name).translate(_DOTS))
    folded = "".join(letter if letter in _AS_THEY_ARE else letter.casefold() for letter in name)
    folded = unicodedata.normalize("NFKC", folded)
    return ".".join(_label(label) for label in folded.split("."))


def _label(label: str) -> str:
    if label.isascii():
        return label
    if any(unicodedata.category(letter)[0] in "CZ" for letter in label):
        raise HostError("names a host with a character that no host has")
    return f"xn--{label.encode('punycode').decode('ascii')}"


def _ipv4(labels: list[str]) -> ipaddress.IPv4Address:
    """Read an address of one to four numbers, the last of which fills the bytes that are left."""
    if len(labels) > 4:
        raise HostError("names an IPv4 address that cannot be read")
    numbers = [_number(label) for label in labels]
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        raise HostError("names an IPv4 address that cannot be read")
    value = last + sum(number << (24 - 8 * place) for place, number in enumerate(first))
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise HostError("names an IPv4 address that cannot be read")
    if text[:2].lower() == "0x":
        return int(text[2:] or "0", 16)
    try:
        return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)
    except ValueError:
        raise HostError("names an IPv4 address that cannot be read") from None

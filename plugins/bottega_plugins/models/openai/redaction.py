"""Foreign text made fit for a message: secrets out, control characters escaped, cut short.

Every word of a server that reaches an error goes through here.
"""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "[redacted]"
LONGEST = 300
"""Characters of a server's text that an error shows."""
_SHORTEST = 6
"""A shorter value is no secret worth hiding: it would redact ordinary words."""


class Redactor:
    """Hide some secrets wherever they occur."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted(set(secrets), key=len, reverse=True)
        self._secrets = tuple(secret for secret in longest_first if len(secret) >= _SHORTEST)

    def hide(self, text: str) -> str:
        """Replace every secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def excerpt(self, text: str, limit: int = LONGEST) -> str:
        """Return one safe line of at most about `limit` characters."""
        line = " ".join(self.hide(text).split())
        cut = line if len(line) <= limit else f"{line[:limit]}..."
        return cut if cut.isprintable() else "".join(map(_visible, cut))

    def excerpt_bytes(self, data: bytes, limit: int = LONGEST) -> str:
        """Do the same with bytes; what is no UTF-8 is shown as escapes."""
        return self.excerpt(data[: 16 * limit].decode("utf-8", "backslashreplace"), limit)


def _visible(character: str) -> str:
    """Escape what a terminal would act on: controls, ANSI, bidirectional and invisible marks."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")

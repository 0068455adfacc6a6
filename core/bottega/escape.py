"""Text that a stranger wrote, made safe to show: nothing in it can steer a terminal or a reader.

Control characters, ANSI sequences, marks that turn the writing direction and characters that cannot
be seen are shown as escapes. What is secret in it is masked by `bottega.secrets`. Where text goes
from here is `bottega.cli.screen`.
"""

from __future__ import annotations

import re

from bottega.secrets import mask

__all__ = ["mask", "one_line", "plain"]

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed; C1, among them the 8-bit CSI
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # direction, separators, invisible
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # lone surrogates cannot be printed; tags cannot be seen
)
_HIDDEN = re.compile(
    _UNSAFE.pattern[:-1].replace("\x0b-\x1f", "\x0b\x0c\x0e-\x1f")  # a line may end in CR LF
    + "\u00ad\u034f\u115f\u1160\u180b-\u180f\u200c\u200d\u206a-\u206f\u3164\uffa0\ufff0-\ufffb]"
)


def plain(text: str) -> str:
    r"""Return the text with everything that is not plain text shown as `\xNN` or `\uNNNN`."""
    return _UNSAFE.sub(_shown, text)


def unhidden(text: str) -> tuple[str, int]:
    """Return the text without what cannot be seen or steers its reader, and how much that was."""
    return _HIDDEN.subn("", text)


def one_line(text: str, limit: int = 300) -> str:
    """Return the text on one line, safe to show, cut at the limit with an ellipsis."""
    line = " ".join(plain(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

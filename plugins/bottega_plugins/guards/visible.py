"""The middleware `visible`: a model reads what a person would see, and nothing beside it.

Characters that show nothing (tags, zero width, bidirectional controls, selectors) can spell what no
person notices. They are taken out of everything that the model is about to read, the descriptions
of tools as well, and where they were a note says so. Joiners and selectors stay where scripts and
emoji use them: single, behind a character that is no ASCII.

Source: https://www.unicode.org/reports/tr36/, https://embracethered.com/blog/ascii-smuggler.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from bottega.messages import Message, Part, Text, ToolResult
from bottega.middleware import Middleware, ModelHandler
from bottega.model import Delta, Request, ToolSpec

NOTE = "[{count} invisible characters were taken out of this text]\n"
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"
_HIDDEN = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_JOINED = "[\u200c\u200d\ufe00-\ufe0f]"
_PATTERN = re.compile(
    f"({_FLAG})|{_HIDDEN}|(?<=[^\x00-\x7f\u200c\u200d\ufe00-\ufe0f])(\ufe0f\u200d|{_JOINED})"
    f"(?!{_JOINED})|{_JOINED}"
)


class Visible(Middleware):
    """Take invisible characters out of what the model reads."""

    def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Pass the request on as a person would see it."""
        return next(
            replace(
                request,
                messages=tuple(map(_shown_message, request.messages)),
                tools=tuple(map(_shown_tool, request.tools)),
            )
        )


def shown(text: str) -> str:
    """Return the text without what is invisible, and with a note where there was anything."""
    if text.isascii():
        return text
    visible, count = _visible(text)
    return NOTE.format(count=count) + visible if count else text


def _visible(text: str) -> tuple[str, int]:
    """Return what can be seen of a text, and how many characters cannot."""
    visible = _PATTERN.sub(lambda match: match[1] or match[2] or "", text)
    return visible, len(text) - len(visible)


def _shown_message(message: Message) -> Message:
    parts: tuple[Part, ...] = tuple(map(_shown_part, message.parts))
    return message if parts == message.parts else replace(message, parts=parts)


def _shown_part(part: Part) -> Part:
    if isinstance(part, Text):
        return replace(part, text=shown(part.text))
    return replace(part, content=shown(part.content)) if isinstance(part, ToolResult) else part


def _shown_tool(tool: ToolSpec) -> ToolSpec:
    return replace(
        tool, description=shown(tool.description), parameters=_shown_json(tool.parameters)
    )


def _shown_json(value: Any) -> Any:
    """Return a schema with visible texts; no notes, which would not be a part of it."""
    if isinstance(value, str):
        return _visible(value)[0]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {key: _shown_json(one) for key, one in fields.items()}
    if isinstance(value, list):
        return [_shown_json(one) for one in cast("Sequence[Any]", value)]
    return value

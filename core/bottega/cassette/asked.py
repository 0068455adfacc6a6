"""What was asked, as a cassette keeps it: enough to know it again, and to see what differs.

A request repeats the whole conversation each time, so it is kept as digests: of each message, and
of everything else that the model gets to see. Of what is new in it the beginning is kept in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from bottega.cassette.file import digest, masked
from bottega.messages import Json, Message, message_to_json
from bottega.model import Request

EXCERPT = 400
"""Characters of a message."""


class Asked:
    """The requests of one place, one after the other."""

    def __init__(self) -> None:
        self._before: list[str] = []

    def told(self, model: str, request: Request) -> dict[str, Json]:
        """Return the request as a cassette keeps it."""
        digests = [digest(message_to_json(message)) for message in request.messages]
        kept = _common(self._before, digests)
        self._before = digests
        new = zip(request.messages[kept:], digests[kept:], strict=True)
        sampling = {name: value for name, value in asdict(request.sampling).items() if value}
        if request.tokens_left is not None:  # then it depends on what parallel branches have spent
            sampling.pop("max_tokens", None)
        return {
            "model": model,
            "same": kept,
            "new": [_line(message, name) for message, name in new],
            "tools": [f"{tool.name} {digest(asdict(tool))[:8]}" for tool in request.tools],
            "sampling": sampling,
            "schema": request.output_schema,
            "digest": digest([digests, [asdict(tool) for tool in request.tools], sampling]),
        }


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many items are the same from the beginning."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _line(message: Message, name: str) -> str:
    """Return a message on one line: who speaks, its digest, how it begins."""
    results = [f"{result.name} -> {result.content}" for result in message.results]
    calls = [f"{call.name}({_arguments(call.arguments)})" for call in message.calls]
    text = " ".join(part for part in (message.text, *calls, *results) if part)
    excerpt = text if len(text) <= EXCERPT else f"{text[:EXCERPT]} ..."
    return str(masked(f"{message.role} {name[:8]}: {excerpt}"))


def _arguments(arguments: object) -> str:
    return ", ".join(f"{k}={v!r}" for k, v in dict(arguments).items())  # type: ignore[call-overload]

"""Middleware by which a model sees `<EMAIL_1>` where an address stands.

What the model writes is turned back before anybody reads it, so that tools, the person and the
journal have the real values and only the model's server does not. With `reversible` off nothing is
turned back, and results of tools are redacted before they are kept. Pictures are not looked into.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import cast

from bottega.messages import Json, Message, Part, Text, ToolCall, ToolResult
from bottega.middleware import Invocation, Middleware, ModelHandler, ToolHandler
from bottega.model import CallDelta, Delta, Request, TextDelta, ThoughtDelta, collect
from bottega.tools import Output
from bottega_plugins.guards.redaction.personal import KINDS, Finder

_PLACEHOLDER = re.compile(r"<([A-Z]+_\d+)>")
_WRITTEN = re.compile(r"(?:<|\\u003[cC])([A-Z]+_\d+)(?:>|\\u003[eE])")
"""A placeholder as it may stand in JSON."""


class Redaction(Middleware):
    """Keep personal data from the model."""

    def __init__(
        self,
        *,
        kinds: Sequence[str] = KINDS,
        names: Sequence[str] = (),
        reversible: bool = True,
    ) -> None:
        """Take the kinds to look for and names. Raises InputError for an unknown kind."""
        self._finder = Finder(kinds, names)
        self._reversible = reversible

    async def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Send the request without personal data; turn the placeholders of the reply back."""
        pseudonyms = Pseudonyms(self._finder, numbered=self._reversible)
        pseudonyms.avoid(request.messages)
        redacted = tuple(_message(message, pseudonyms.hide) for message in request.messages)
        reply = await collect(next(replace(request, messages=redacted)))
        if reply.thought:
            yield ThoughtDelta(text=pseudonyms.show(reply.thought))
        if reply.text:
            yield TextDelta(text=pseudonyms.show(reply.text))
        for index, call in enumerate(reply.calls):
            arguments = pseudonyms.show_in_json(call.arguments)
            yield CallDelta(index=index, id=call.id, name=call.name, arguments=arguments)
        yield reply.end

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        """Redact what the tool returns, where nothing is to be turned back."""
        output = await next(invocation)
        if self._reversible:
            return output
        hide = Pseudonyms(self._finder, numbered=False).hide
        return replace(output, content=hide(output.content), printed=hide(output.printed))


class Pseudonyms:
    """The placeholders of one request: the first address of the conversation is `<EMAIL_1>`."""

    def __init__(self, finder: Finder, *, numbered: bool) -> None:
        self._finder = finder
        self._numbered = numbered
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._taken: set[str] = set()

    def avoid(self, messages: Sequence[Message]) -> None:
        """Leave out placeholders that stand in the conversation already: they are nobody's."""
        for message in messages:
            _message(message, self._note)

    def _note(self, text: str) -> str:
        self._taken.update(_PLACEHOLDER.findall(text))
        return text

    def hide(self, text: str) -> str:
        """Return the text with placeholders in the place of personal data."""
        parts: list[str] = []
        end = 0
        for found in self._finder.find(text):
            value = text[found.start : found.end]
            parts += [text[end : found.start], f"<{self._name(found.kind, value)}>"]
            end = found.end
        return "".join((*parts, text[end:])) if parts else text

    def _name(self, kind: str, value: str) -> str:
        if not self._numbered:
            return kind
        known = self._names.get((kind, value))
        if known is None:
            numbered = (f"{kind}_{number}" for number in count(1))
            known = next(name for name in numbered if name not in self._taken)
            self._taken.add(known)
            self._names[kind, value] = known
            self._values[known] = value
        return known

    def show(self, text: str) -> str:
        """Return the text with the real values in the place of placeholders."""
        return _PLACEHOLDER.sub(lambda found: self._values.get(found[1], found[0]), text)

    def show_in_json(self, text: str) -> str:
        """Do the same in text that is JSON, or was meant to be."""

        def shown(found: re.Match[str]) -> str:
            value = self._values.get(found[1])
            return found[0] if value is None else json.dumps(value)[1:-1]

        return _WRITTEN.sub(shown, text)


def _message(message: Message, hide: Callable[[str], str]) -> Message:
    return replace(message, parts=tuple(_part(part, hide) for part in message.parts))


def _part(part: Part, hide: Callable[[str], str]) -> Part:
    if isinstance(part, Text):
        return replace(part, text=hide(part.text))
    if isinstance(part, ToolResult):
        citations = tuple(replace(each, quote=hide(each.quote)) for each in part.citations)
        return replace(part, content=hide(part.content), citations=citations)
    if isinstance(part, ToolCall):
        return replace(part, arguments=cast("Mapping[str, Json]", _json(part.arguments, hide)))
    return part


def _json(value: Json, hide: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_json(item, hide) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Json]", value)
        return {name: _json(item, hide) for name, item in fields.items()}
    return value

"""What agents and models say to each other: messages and their parts.

Frozen data, no behaviour beyond the way to JSON and back. How a message looks on a provider's wire
is that model plugin's business; how a reply is read as an action is the dialect's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Trust = Literal["trusted", "untrusted", "derived"]
"""Whether a text may be taken as somebody's wish; one that is derived is worked out from what the
model wrote, as a sum is, and so as good as what the model had read."""
Json = Any
"""What `json.dumps` takes without help: str, int, float, bool, None, list or dict of such."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A run of text."""

    text: str
    trust: Trust = "trusted"
    """Whether what it says may be taken as somebody's wish: the words of the person and of the
    house are, what memory, documents or other agents say is not (see `bottega.labels`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A picture: its bytes, or the URL of it."""

    media_type: str = "image/png"
    data: bytes = b""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """An action that the model asks for; `arguments` are as it gave them, not yet validated."""

    id: str
    """Unique within the run; made by Bottega where the model gave none, or gave one twice."""
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """A passage that a tool returned and that an answer may point at."""

    key: str
    """How answers point at it, between square brackets: `pep-0557.rst:12-30`."""
    source: str
    """The document, as the reader would name it: a path relative to the folder that was indexed."""
    start: int
    """First character of the passage in the source."""
    end: int
    """One past the last character."""
    line: int = 0
    """First line, counted from 1; 0 where the source has no lines."""
    end_line: int = 0
    heading: str = ""
    quote: str = ""
    """The passage's own text."""
    score: float = 0.0
    """How well it fitted the query; comparable only within one search."""
    page: int = 0
    """First page, counted from 1; 0 where the source has no pages."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    """What is known of its document and of the passage: title, format, author, row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolResult:
    """What came of a call, as the model reads it."""

    call_id: str
    name: str
    content: str
    is_error: bool = False
    trust: Trust = "untrusted"
    citations: tuple[Citation, ...] = ()
    images: tuple[Image, ...] = ()
    secret: bool = False
    """Whether it must not leave the house."""


Part = Text | Image | ToolCall | ToolResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
    """Who speaks, where several share a role."""

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The actions asked for in this turn."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """The results reported in this turn."""
        return tuple(part for part in self.parts if isinstance(part, ToolResult))


def system(text: str) -> Message:
    """Make a system message."""
    return Message(role="system", parts=(Text(text=text),))


def user(text: str, *images: Image) -> Message:
    """Make a user message."""
    return Message(role="user", parts=(Text(text=text), *images))


def assistant(text: str = "", calls: Sequence[ToolCall] = ()) -> Message:
    """Make an assistant message; an empty text leaves no text part."""
    texts = (Text(text=text),) if text else ()
    return Message(role="assistant", parts=(*texts, *calls))


def tool_results(results: Sequence[ToolResult]) -> Message:
    """Make the message that reports results back to the model."""
    return Message(role="tool", parts=tuple(results))


_PARTS: dict[str, type[Part]] = {
    "text": Text,
    "image": Image,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
}
_PART_NAMES = {kind: name for name, kind in _PARTS.items()}


def citation_to_json(citation: Citation) -> dict[str, Json]:
    """Return the citation as a JSON object."""
    return {name: getattr(citation, name) for name in Citation.__slots__}


def image_to_json(image: Image) -> dict[str, Json]:
    """Return the image as a JSON object, its bytes in base64."""
    data = base64.b64encode(image.data).decode("ascii")
    return {"media_type": image.media_type, "data": data, "url": image.url}


def image_from_json(data: Mapping[str, Json]) -> Image:
    """Read what `image_to_json` wrote."""
    raw = base64.b64decode(data["data"])
    return Image(media_type=data["media_type"], data=raw, url=data["url"])


def part_to_json(part: Part) -> dict[str, Json]:
    """Return the part as a JSON object with its `type`."""
    kind = _PART_NAMES[type(part)]
    if isinstance(part, Text):
        return {"type": kind, "text": part.text, **_doubt(part)}
    if isinstance(part, Image):
        return {"type": kind, **image_to_json(part)}
    if isinstance(part, ToolCall):
        arguments = dict(part.arguments)
        return {"type": kind, "id": part.id, "name": part.name, "arguments": arguments}
    return {"type": kind, **result_to_json(part)}


def _doubt(text: Text) -> dict[str, Json]:
    return {} if text.trust == "trusted" else {"trust": text.trust}


def part_from_json(data: Mapping[str, Json]) -> Part:
    """Read what `part_to_json` wrote."""
    fields = {name: value for name, value in data.items() if name != "type"}
    kind = _PARTS[data["type"]]
    if kind is Image:
        return image_from_json(fields)
    if kind is ToolResult:
        return result_from_json(fields)
    return kind(**fields)


def result_to_json(result: ToolResult) -> dict[str, Json]:
    """Return the result as a JSON object."""
    return {
        "call_id": result.call_id,
        "name": result.name,
        "content": result.content,
        "is_error": result.is_error,
        "trust": result.trust,
        "citations": [citation_to_json(citation) for citation in result.citations],
        "images": [image_to_json(image) for image in result.images],
        **({"secret": True} if result.secret else {}),
    }


def result_from_json(data: Mapping[str, Json]) -> ToolResult:
    """Read what `result_to_json` wrote."""
    plain = {name: data[name] for name in ("call_id", "name", "content", "is_error", "trust")}
    citations = tuple(Citation(**item) for item in data["citations"])
    images = tuple(image_from_json(item) for item in data["images"])
    secret = data.get("secret", False)
    return ToolResult(**plain, citations=citations, images=images, secret=secret)


def message_to_json(message: Message) -> dict[str, Json]:
    """Return the message as a JSON object; `message_from_json` reads it back unchanged."""
    parts = [part_to_json(part) for part in message.parts]
    return {"role": message.role, "name": message.name, "parts": parts}


def message_from_json(data: Mapping[str, Json]) -> Message:
    """Read what `message_to_json` wrote."""
    parts = tuple(part_from_json(part) for part in data["parts"])
    return Message(role=data["role"], name=data["name"], parts=parts)

"""What a server answered, as the output of a tool: text, images, and a word on everything else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.messages import Image
from bottega.tools import Output

LARGEST_IMAGE = 5 << 20
"""Bytes; a larger one is left out, with a note."""
MOST_IMAGES = 16
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Reading:
    """Texts and images, gathered from the parts of an answer."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images: list[Image] = []

    def add(self, part: Any) -> None:
        """Take one content block of the protocol."""
        kind = part.type
        if kind == "text":
            self.texts.append(part.text)
        elif kind == "image":
            self.image(part.data, part.mime_type)
        elif kind == "resource":
            self.resource(part.resource)
        elif kind == "resource_link":
            about = f": {one_line(part.description, 200)}" if part.description else ""
            self.texts.append(f"[resource {one_line(part.name, 100)}, {part.uri}{about}]")
        else:
            self.texts.append(f"[{kind}, {getattr(part, 'mime_type', '')}: not shown]")

    def resource(self, resource: Any) -> None:
        """Take the contents of a resource: text, or bytes in base64."""
        text = getattr(resource, "text", None)
        if text is not None:
            self.texts.append(f"[{resource.uri}]\n{text}")
        elif resource.mime_type in _IMAGES:
            self.image(resource.blob, resource.mime_type)
        else:
            size = len(resource.blob) * 3 // 4
            kind = resource.mime_type or "unknown type"
            self.texts.append(f"[{resource.uri}: {kind}, about {size:,} bytes, not shown]")

    def image(self, data: str, media_type: str) -> None:
        """Take an image in base64."""
        if media_type not in _IMAGES:
            self.texts.append(f"[image of type {one_line(media_type, 50)}: not shown]")
        elif len(data) * 3 // 4 > LARGEST_IMAGE or len(self.images) >= MOST_IMAGES:
            self.texts.append(f"[image of about {len(data) * 3 // 4:,} bytes: not shown]")
        else:
            try:
                raw = base64.b64decode(data, validate=True)
            except binascii.Error:
                self.texts.append("[image that cannot be read]")
                return
            self.images.append(Image(media_type=media_type, data=raw))

    def output(self, printed: Iterable[str] = ()) -> Output:
        """Return all of it."""
        text = "\n".join(self.texts) or ("[image]" if self.images else "done")
        return Output(
            content=text, images=tuple(self.images), printed="".join(f"{p}\n" for p in printed)
        )


def result_output(result: Any, printed: Sequence[str]) -> Output:
    """Return a tool's result. Raises ToolError where the server says that it is an error."""
    reading = Reading()
    for part in result.content or ():
        reading.add(part)
    if not reading.texts and not reading.images and result.structured_content is not None:
        reading.texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    output = reading.output(printed)
    if result.is_error:
        raise ToolError(output.content)
    return output


def resource_output(result: Any, printed: Sequence[str] = ()) -> Output:
    """Return the contents of a resource."""
    reading = Reading()
    for part in result.contents:
        reading.resource(part)
    return reading.output(printed)


def prompt_output(result: Any, printed: Sequence[str] = ()) -> Output:
    """Return the messages of a prompt, each led by who speaks."""
    reading = Reading()
    for message in result.messages:
        reading.texts.append(f"{message.role}:")
        reading.add(message.content)
    return reading.output(printed)

"""What a program gives to be searched. What is made of it stands in `parsed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bottega.messages import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A text or a file's bytes under a name."""

    source: str
    """Its name, unique in an index: a relative path, a URL, an id. An ending such as `.md` tells
    the format."""
    content: str | bytes
    """A text, or bytes, which are read as files are."""
    title: str = ""
    """When empty, the title that is found in the content."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    """What filters can ask for, besides what is found in the content. `title` stands for the field
    of that name; `source`, `format`, `heading`, `page` and `line` are refused, being known of every
    passage without metadata."""
    format: str = ""
    """`markdown`, `pdf` and so on; when empty, told by the content and the name's ending."""

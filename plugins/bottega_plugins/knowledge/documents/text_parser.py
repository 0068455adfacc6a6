"""The parsers of text formats as one that `bottega.isolation` can call.

All are imported here, so that a process forked for one document has them already.
"""

from __future__ import annotations

from bottega_plugins.knowledge.documents import (
    markdown,
    markup,
    notebook,
    python_code,
    records,
    table,
)
from bottega_plugins.knowledge.documents.isolated import IsolatedParser
from bottega_plugins.knowledge.documents.parsed import Parsed
from bottega_plugins.knowledge.documents.text_formats import parse_text

PARSERS = (markdown, markup, notebook, python_code, records, table)


class TextParser(IsolatedParser):
    """Reads any text format."""

    def parse(self, data: bytes, form: str) -> Parsed:
        return parse_text(data.decode("utf-8"), form)

"""The reader of HTML and XML in a process of its own: pages can be made that take it hours."""

from __future__ import annotations

from bottega_plugins.knowledge.documents.isolated import IsolatedParser
from bottega_plugins.knowledge.documents.markup import parse_markup
from bottega_plugins.knowledge.documents.parsed import Parsed


class HtmlParser(IsolatedParser):
    """Reads the text of a page."""

    def parse(self, data: bytes, form: str) -> Parsed:
        return parse_markup(data.decode("utf-8"), form)

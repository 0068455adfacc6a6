"""HTML and XML: what a reader of the page would read, and where it stands in the file.

Scripts, styles, navigation, forms' controls and what an attribute or an inline style hides are left
out; style sheets are not applied. Entities of a document type are not expanded. The parser is that
of the standard library: it tells the place of every piece and takes broken pages; nothing here
recurses, however deep they nest.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser

from bottega_plugins.knowledge.documents.facts import facts
from bottega_plugins.knowledge.documents.outline import sections
from bottega_plugins.knowledge.documents.page import BLOCKS, Page
from bottega_plugins.knowledge.documents.parsed import Parsed

_Attributes = list[tuple[str, str | None]]

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
     "wbr")
)  # fmt: skip
_LEFT_OUT = frozenset(
    ("button", "canvas", "datalist", "dialog", "footer", "iframe", "math", "nav", "noscript",
     "object", "script", "select", "style", "svg", "template", "textarea")
)  # fmt: skip
_LEFT_OUT_ROLES = frozenset(("navigation", "search", "contentinfo", "menu", "dialog"))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CLOSES = {  # what an opening tag ends when it is open and innermost
    **dict.fromkeys(BLOCKS, ("p",)),
    "li": ("li", "p"),
    "dt": ("dt", "dd", "p"),
    "dd": ("dt", "dd", "p"),
    "tr": ("tr", "td", "th"),
    "td": ("td", "th"),
    "th": ("td", "th"),
}
_META = {
    "author": "author",
    "article:author": "author",
    "description": "description",
    "keywords": "keywords",
    "date": "date",
    "article:published_time": "date",
}
_DEEPEST = 2_000
"""Open elements that are remembered; those further in are text without structure."""
_WIDEST = 1_000


def parse_markup(text: str, form: str = "html") -> Parsed:
    """Read a page; `form` is `html` or `xml`."""
    reader = _Reader(text, is_html=form == "html")
    reader.feed(text)
    reader.close()
    page = reader.page
    written = page.draft.text()
    title = " ".join("".join(reader.title).split())
    if not title and page.headings:
        title = page.headings[0].title
    return Parsed(
        format=form,
        title=title,
        text=written,
        sections=list(sections(page.headings, written, 0, title, page.breaks)),
        metadata=facts(reader.facts),
        places=page.draft.places(),
    )


class _Reader(HTMLParser):
    """Tells a page what is in it."""

    def __init__(self, text: str, *, is_html: bool) -> None:
        super().__init__(convert_charrefs=False)
        read_cdata = getattr(self, "_set_support_cdata", None)  # off by default since Python 3.13.6
        if read_cdata is not None and not is_html:
            read_cdata(True)
        self.page = Page()
        self.title: list[str] = []
        self.facts: dict[str, object] = {}
        self._is_html = is_html
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._open: list[tuple[str, bool]] = []
        """Open elements, and whether each hides what is in it."""
        self._times: Counter[str] = Counter()
        self._hiding = 0

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if not self._is_html:
            self._push(tag, hides=False)
            self.page.begin("div")
            return
        while self._open and self._open[-1][0] in _CLOSES.get(tag, ()):
            self._pop()
        values = dict(attrs)
        self._note(tag, values)
        if tag not in _VOID:
            self._push(tag, hides=_hides(tag, values))
        if not self._hiding:
            self.page.begin(tag, _span(values) if tag in ("td", "th") else 1)

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:
        self.handle_starttag(tag, attrs)
        if not self._is_html:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._times[tag]:
            while self._pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        start = self._position()
        self._take(data, start, start + len(data))

    def handle_charref(self, name: str) -> None:
        self._refer(f"&#{name}")

    def handle_entityref(self, name: str) -> None:
        self._refer(f"&{name}")

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA[") and not self._is_html:
            start = self._position() + len("<![CDATA[")
            self._take(data[6:], start, start + len(data) - 6)

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip what is no marked section: the standard library fails on `<![if`."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            end = self.rawdata.find(">", i)
            return end + 1 if end >= 0 else -1

    def _position(self) -> int:
        line, offset = self.getpos()
        return self._lines[line - 1] + offset

    def _refer(self, reference: str) -> None:
        start = self._position()
        if self._text.startswith(";", start + len(reference)):
            reference += ";"
        known = self._is_html or reference[1] == "#" or reference[1:-1] in _OF_XML
        value = html.unescape(reference) if known else reference
        self._take(value.replace("\xa0", " "), start, start + len(reference))

    def _take(self, text: str, start: int, end: int) -> None:
        if self._hiding:
            return
        if self._is_html and self._open and self._open[-1][0] == "title":
            self.title.append(text)
        else:
            self.page.write(text, start, end, as_is=bool(self._times["pre"]))

    def _push(self, tag: str, *, hides: bool) -> None:
        if len(self._open) < _DEEPEST:
            self._open.append((tag, hides))
            self._times[tag] += 1
            self._hiding += hides

    def _pop(self) -> str:
        tag, hides = self._open.pop()
        self._times[tag] -= 1
        if not self._hiding:
            self.page.end(tag if self._is_html else "div")
        self._hiding -= hides
        return tag

    def _note(self, tag: str, values: dict[str, str | None]) -> None:
        """Keep what the page says of itself."""
        if tag == "html" and values.get("lang"):
            self.facts["lang"] = values["lang"]
        name = _META.get((values.get("name") or values.get("property") or "").lower(), "")
        content = values.get("content")
        if tag == "meta" and name and content:
            parts = [part.strip() for part in content.split(",")]
            self.facts[name] = parts if name == "keywords" else content


_OF_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))


def _hides(tag: str, values: dict[str, str | None]) -> bool:
    return (
        tag in _LEFT_OUT
        or "hidden" in values
        or (values.get("aria-hidden") or "").lower() == "true"
        or (values.get("role") or "").lower() in _LEFT_OUT_ROLES
        or bool(_HIDDEN.search(values.get("style") or ""))
    )


def _span(values: dict[str, str | None]) -> int:
    written = values.get("colspan") or ""
    return min(_WIDEST, max(1, int(written))) if written.isdecimal() and len(written) < 5 else 1

"""Elements of a page as Markdown: headings, lists, tables, code, links made absolute.

Which elements are written at all is decided in `content`. Nothing in the text is escaped: it is to
be read, not to be turned into a page again.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# lxml has no types.

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urljoin

from bottega.addresses import mask_query
from bottega_tools.web.visible import visible

_BLOCKS = frozenset(
    ("address", "article", "aside", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
     "header", "hr", "html", "legend", "li", "main", "ol", "p", "pre", "section", "summary",
     "blockquote", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul")
)  # fmt: skip
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_SPACES = re.compile("[ \t\n\f\xa0]+")
_LANGUAGE = re.compile(
    r"(?:^|[\s-])(?:language|lang|highlight-source|highlight|brush:?)[- ]?(\w[\w+#-]*)"
)
_MOST_COLUMNS = 50
_PERMALINKS = frozenset("#§¶🔗")
"""What headings show as links to themselves."""
_LONGEST_LINK = 500


def write_markdown(root: Any, base: str) -> list[str]:
    """Return what is in the element, a block each: paragraph, heading, list, table, code.

    `base` is what links are relative to.
    """
    return _Writer(root, base).blocks(root)


class _Writer:
    """Writes the elements of one page."""

    def __init__(self, root: Any, base: str) -> None:
        self._absolute = lru_cache(1_000)(partial(_absolute, base))
        self._around = _around_blocks(root)

    def blocks(self, element: Any) -> list[str]:
        """Return the blocks in the element."""
        found: list[str] = []
        line: list[str] = [_text(element.text)]
        for child in element:
            if child.tag in _BLOCKS:
                _flush(line, found)
                found += self._block(child)
            elif child in self._around:
                _flush(line, found)
                found += self.blocks(child)
            else:
                line.append(self._inline(child))
            line.append(_text(child.tail))
        _flush(line, found)
        return found

    def _block(self, element: Any) -> list[str]:
        tag = element.tag
        if tag[0] == "h" and tag[1:].isdecimal():
            text = self.line(element)
            return [f"{'#' * int(tag[1])} {text}"] if text else []
        if tag == "pre":
            return _code(element)
        if tag in ("ul", "ol"):
            return self._list(element)
        return self._table(element) if tag == "table" else self._other(element)

    def _other(self, element: Any) -> list[str]:
        tag, inside = element.tag, self.blocks(element)
        if tag == "hr":
            return ["---"]
        if tag == "blockquote" and inside:
            return [_indented("\n\n".join(inside), "> ", "> ")]
        if tag == "dt" and inside:
            return [f"**{inside[0]}**", *inside[1:]]
        return inside

    def line(self, element: Any) -> str:
        """Return what is in the element on one line."""
        return _SPACES.sub(" ", self._inline(element, bare=True)).strip()

    def _inline(self, element: Any, *, bare: bool = False) -> str:
        tag = element.tag
        if tag == "br":
            return "\n"
        if tag == "img":
            return self._image(element)
        if tag in ("code", "kbd", "samp", "tt") and not bare:
            text = _SPACES.sub(" ", _text("".join(element.itertext()))).strip()
            return f"`{text}`" if text and "`" not in text else text
        inside = _text(element.text) + "".join(
            self._inline(child) + _text(child.tail) for child in element
        )
        if bare or not inside.strip():
            return inside
        if tag == "a":
            return self._link(element, inside)
        mark = _MARKS.get(tag, "")
        return _around(inside, mark, mark) if mark else inside

    def _link(self, element: Any, inside: str) -> str:
        url = self._absolute(element.get("href"))
        if inside.strip() in _PERMALINKS:
            return ""
        if not url or url.startswith("#"):
            return inside
        return _around(_SPACES.sub(" ", inside), "[", f"]({url})")

    def _image(self, element: Any) -> str:
        text = " ".join(visible(element.get("alt") or "").split())
        url = self._absolute(element.get("src"))
        return f"![{text}]({url})" if text and url else ""

    def _list(self, element: Any) -> list[str]:
        start = element.get("start", "1")
        number = int(start) if start.isdecimal() and len(start) < 7 else 1
        lines: list[str] = []
        for child in element:
            inside = self.blocks(child)
            if child.tag in ("ul", "ol") and lines:  # a list in a list, without an item of its own
                inside = self._list(child)
                lines += [_indented(block, "  ", "  ") for block in inside]
                continue
            if not inside:
                continue
            mark = f"{number}. " if element.tag == "ol" else "- "
            number += 1
            lines.append(_indented("\n".join(inside), mark, " " * len(mark)))
        return ["\n".join(lines)] if lines else []

    def _table(self, element: Any) -> list[str]:
        """Write a table of values as one; a table that lays out the page as what is in it."""
        rows = [list(row.iterchildren("td", "th")) for row in element.iter("tr")]
        rows = [row for row in rows if row]
        width = max(map(len, rows), default=0)
        if next(element.iterdescendants("table"), None) is not None or width < 2 or len(rows) < 2:
            return self.blocks(element)
        cells = [[self._cell(cell) for cell in row[:_MOST_COLUMNS]] for row in rows]
        width = min(width, _MOST_COLUMNS)
        lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in cells]
        lines.insert(1, f"|{' --- |' * width}")
        caption = next(element.iterchildren("caption"), None)
        title = self.line(caption) if caption is not None else ""
        return [*([title] if title else []), "\n".join(lines)]

    def _cell(self, cell: Any) -> str:
        return " ".join(" ".join(self.blocks(cell)).split()).replace("|", "\\|")


def _absolute(base: str, link: str | None) -> str:
    """Return where a link leads; nothing for what is no place of the web."""
    written = "".join(visible(link or "").split())
    if not written or written.startswith("#"):
        return ""
    try:
        url = urljoin(base, written)
    except ValueError:
        return ""
    if not url.startswith(("http://", "https://", "mailto:")) or len(url) > _LONGEST_LINK:
        return ""
    return mask_query(url).replace("(", "%28").replace(")", "%29")


def _text(text: str | None) -> str:
    return _SPACES.sub(" ", visible(text)) if text else ""


def _around_blocks(root: Any) -> set[Any]:
    """Return the elements with blocks in them: a link or a span may be around some."""
    found: set[Any] = set()
    for element in root.iter():
        if element.tag in _BLOCKS:
            parent = element.getparent()
            while parent is not None and parent not in found:
                found.add(parent)
                parent = parent.getparent()
    return found


def _flush(line: list[str], found: list[str]) -> None:
    text = re.sub(r" *\n *", "\n", _one_space("".join(line))).strip()
    if text:
        found.append(text)
    line.clear()


def _one_space(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text)


def _around(inside: str, before: str, after: str) -> str:
    """Put marks around the words, with the space at their ends outside."""
    words = inside.strip()
    start = inside[: len(inside) - len(inside.lstrip())]
    end = inside[len(inside.rstrip()) :]
    return f"{start}{before}{words}{after}{end}"


def _indented(text: str, first: str, rest: str) -> str:
    head, *lines = text.split("\n")
    return "\n".join((first + head, *((rest + line).rstrip() for line in lines)))


def _code(element: Any) -> list[str]:
    text = visible(_verbatim(element)).strip("\n").rstrip()
    if not text:
        return []
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return [f"{fence}{_language(element)}\n{text}\n{fence}"]


def _verbatim(element: Any) -> str:
    for child in element.iter("br"):
        child.tail = "\n" + (child.tail or "")
    return "".join(element.itertext())


def _language(element: Any) -> str:
    parent = element.getparent()
    for found in (*element.iter("code"), element, *(() if parent is None else (parent,))):
        match = _LANGUAGE.search((found.get("class") or "")[:200])
        if match:
            return match[1]
    return ""

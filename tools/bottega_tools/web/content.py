"""The part of a page that people come for: parsed, rid of what surrounds and hides, and found.

libxml2 reads the page as browsers did before HTML5; elements deeper than 256 are lost. What an
attribute or an inline style hides is left out, for a person would not read it either; style sheets
are not applied. How the rest is written down is `markdown`.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# lxml has no types.

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urljoin

from bottega.errors import ToolError
from bottega_tools.web.visible import visible

_LEFT_OUT = frozenset(
    ("button", "canvas", "datalist", "dialog", "embed", "frame", "iframe", "input", "link", "meta",
     "nav", "noscript", "object", "script", "select", "style", "svg", "template", "textarea",
     "audio", "head", "map", "title", "video")
)  # fmt: skip
_IN_LINES = frozenset(("a", "abbr", "b", "em", "i", "small", "span", "strong", "sub", "sup", "u"))
_MOST_ELEMENTS = 150_000
_LONGEST_ATTRIBUTE = 500
"""Characters of a style or class that are looked at."""
_AROUND = frozenset(("aside", "footer", "header"))
"""Left out around the content, kept inside of it."""
_LEFT_OUT_ROLES = frozenset(
    ("navigation", "search", "contentinfo", "menu", "menubar", "dialog", "alertdialog", "banner",
     "complementary", "toolbar", "tablist")
)  # fmt: skip
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$)"
    r"|font-size\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_CLUTTER = re.compile(
    r"(?:^|[\s_-])(?:ads?|advert\w*|breadcrumbs?|consent|cookies?|editsection|gdpr|masthead|menu|"
    r"modal|nav|navbar|navbox|newsletter|noprint|pagination|popup|promo|related|share|sharing|"
    r"sidebar|skip-(?:link|to-content|nav)|social|sponsored|sr-only|subscribe|toc|toolbar|"
    r"visually-hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
"""Classes and ids of what surrounds a text."""
_MOST_CLUTTER = 0.4
"""A part with more of the page's text is the text, whatever it is called."""
_LEAST_SHARE = 0.75
"""The content is the innermost element with this share of the text outside of links."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A page's content, still as elements."""

    root: Any
    title: str
    published: str
    base: str
    """What its links are relative to."""


def find_content(page: bytes, url: str) -> Content:
    """Read a page in UTF-8; an empty one has an empty body. Raises ToolError for an endless one."""
    html: Any = import_module("lxml.html")  # it has no types
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = html.document_fromstring(page if page.strip() else b"<p>", parser=parser)
    title, published, base = _title(tree), _published(tree), _base(tree, url)
    body = tree.find("body")
    root = tree if body is None else body
    _prune(root)
    return Content(root=_main(root), title=title, published=published, base=base)


def text_of(element: Any) -> str:
    """Return the text in an element on one line."""
    return _SPACES.sub(" ", visible("".join(element.itertext()))).strip()


def _title(tree: Any) -> str:
    for path in ("//meta[@property='og:title']/@content", "//title/text()", "//h1"):
        for found in tree.xpath(path)[:1]:
            text = text_of(found) if path == "//h1" else _SPACES.sub(" ", visible(str(found)))
            if text.strip():
                return text.strip()[:300]
    return ""


def _published(tree: Any) -> str:
    paths = (
        "//meta[@property='article:published_time']/@content",
        "//meta[@name='date']/@content",
        "//time/@datetime",
    )
    for path in paths:
        for found in tree.xpath(path)[:1]:
            if re.match(r"\d{4}-\d\d-\d\d", str(found)):
                return str(found)[:10]
    return ""


def _base(tree: Any, url: str) -> str:
    for found in tree.xpath("//base/@href")[:1]:
        try:
            return urljoin(url, str(found))
        except ValueError:
            return url
    return url


def _prune(root: Any) -> None:
    """Empty what is not read: first what is hidden, then what surrounds the text."""
    elements = list(root.iter())
    if len(elements) > _MOST_ELEMENTS:
        raise ToolError(f"the page has more than {_MOST_ELEMENTS:,} elements: it is not read")
    for element in elements:
        if element is not root and _is_hidden(element):
            _drop(element)
    sizes = _sizes(root)
    for element in list(root.iter()):
        if element is not root and _is_clutter(element, sizes, sizes[root][0]):
            _drop(element)


def _is_hidden(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _LEFT_OUT:
        return True
    if not element.keys():
        return False
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden", "").lower() == "true"
        or element.get("role", "").lower() in _LEFT_OUT_ROLES
        or bool(_HIDDEN.search(element.get("style", "")[:_LONGEST_ATTRIBUTE]))
    )


def _is_clutter(element: Any, sizes: dict[Any, tuple[int, int]], whole: int) -> bool:
    if element.tag in ("pre", "code", "main", "article", "h1"):
        return False
    if element.tag in _AROUND and not _is_of_text(element):
        return True
    if not element.keys():
        return False
    names = " ".join(element.get(name, "")[:_LONGEST_ATTRIBUTE] for name in ("class", "id"))
    if not names.strip() or not _CLUTTER.search(names):
        return False
    return sizes.get(element, (0, 0))[0] < _MOST_CLUTTER * whole


def _is_of_text(element: Any) -> bool:
    """Whether what usually surrounds a text is a part of it."""
    if element.tag == "header" and next(element.iter("h1", "h2"), None) is not None:
        return True
    inside = ("article", "main") if element.tag == "aside" else ("article",)
    return next(element.iterancestors(*inside), None) is not None


def _drop(element: Any) -> None:
    """Empty an element; to remove it would copy the text that follows."""
    element.clear(keep_tail=True)
    element.tag = "wbr" if element.tag in _IN_LINES else "div"


def _sizes(root: Any) -> dict[Any, tuple[int, int]]:
    """Return for each element the characters in it, and those in links."""
    found: dict[Any, tuple[int, int]] = {}
    for element in reversed(list(root.iter())):  # children before their parents
        whole = len((element.text or "").strip())
        linked = 0
        for child in element:
            size, in_links = found[child]
            whole += size + len((child.tail or "").strip())
            linked += in_links
        found[element] = whole, (whole if element.tag == "a" else linked)
    return found


def _main(root: Any) -> Any:
    """Return the element that holds the content."""
    sizes = _sizes(root)
    for path in (".//main", ".//*[@role='main']", ".//article"):
        named = root.xpath(path)
        if len(named) == 1 and sizes[named[0]][0] >= min(200, sizes[root][0] // 2):
            root = named[0]
            break
    while True:
        best = max(root, key=lambda child: _worth(sizes, child), default=None)
        if best is None or best.tag in ("p", "table", "ul", "ol", "pre", "blockquote"):
            return root
        if _worth(sizes, best) < _LEAST_SHARE * _worth(sizes, root) or _worth(sizes, best) < 500:
            return root
        if next(root.iterchildren("h1"), None) is not None:
            return root
        root = best


def _worth(sizes: dict[Any, tuple[int, int]], element: Any) -> int:
    whole, linked = sizes[element]
    return whole - linked

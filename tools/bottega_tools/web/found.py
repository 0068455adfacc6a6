"""What a search of the web found, as text with keys to cite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bottega.addresses import read_url
from bottega.errors import InputError, ToolError
from bottega.messages import Citation
from bottega.tools import Output
from bottega_tools.web.document import short_key
from bottega_tools.web.visible import visible

LONGEST_QUERY = 500
_LONGEST_SNIPPET = 600
_LONGEST_TITLE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One result."""

    title: str
    url: str
    snippet: str


def checked_query(query: str) -> str:
    """Return the query on one line. Raises ToolError for an empty or endless one."""
    words = " ".join(visible(query).split())
    if not words:
        raise ToolError("the query is empty", hint="write what to search for")
    if len(words) > LONGEST_QUERY:
        raise ToolError(f"the query is {len(words):,} characters long; at most {LONGEST_QUERY} do")
    return words


def write_hits(hits: Sequence[Hit], note: str = "") -> Output:
    """Return the results, each under its key; those that lead to no place of the web are left out.

    A URL that came twice is shown once.
    """
    shown: dict[str, str] = {}
    citations: list[Citation] = []
    for hit in hits:
        try:
            url = read_url(hit.url).shown
        except InputError:
            continue
        if url in shown:
            continue
        title = _line(hit.title, _LONGEST_TITLE) or url
        snippet = _line(hit.snippet, _LONGEST_SNIPPET)
        key = short_key(url)
        shown[url] = "\n".join(part for part in (f"[{key}] {title}", url, snippet) if part)
        citations.append(_citation(key, url, title, snippet))
    if not citations:
        return Output(content=note or "nothing found")
    text = "\n\n".join((note, *shown.values()) if note else shown.values())
    return Output(content=text, citations=tuple(citations))


def _citation(key: str, url: str, title: str, snippet: str) -> Citation:
    return Citation(
        key=key,
        source=url,
        start=0,
        end=len(snippet),
        heading=title,
        quote=snippet,
        metadata={"title": title},
    )


def _line(text: str, limit: int) -> str:
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"

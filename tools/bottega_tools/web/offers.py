"""What the toolbox offers for the web, and how the options of a graph become tools."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.tools import Tool
    from bottega_tools.web.client import WebClient
    from bottega_tools.web.openapi.toolset import OpenApi

_GOOGLE = {
    "GOOGLE_API_KEY": "key for the Custom Search JSON API",
    "GOOGLE_CSE_ID": "id of the Programmable Search Engine",
    "GOOGLE_SEARCH_URL": "another server that speaks the same API",
}

Allow = str | Sequence[str]
"""Hosts and networks, such as `127.0.0.1:8080`, that may be reached though they are near."""


def offers() -> Sequence[Offer]:
    """Offer the tools of the web."""
    return [
        Offer(
            name="visit_webpage",
            summary="Read a page of the web, or a text, JSON or PDF there, as Markdown.",
            factory=_visit_webpage,
        ),
        Offer(name="http_get", summary="Ask a web API, changing nothing.", factory=_http_get),
        Offer(
            name="http_request",
            summary="Call a web API by any method, with headers and a body.",
            factory=_http_request,
        ),
        Offer(
            name="web_search",
            summary="Search the web, without a key.",
            factory=_web_search,
        ),
        Offer(
            name="google_search",
            summary="Search with Google's Custom Search API; needs a key.",
            factory=_google_search,
            settings=_GOOGLE,
        ),
        Offer(
            name="openapi",
            summary="The operations of an OpenAPI document, each as a tool.",
            factory=_openapi,
        ),
    ]


def client(
    allow: Allow = (), seconds: float = 30.0, megabytes: float = 5.0, proxy: str = ""
) -> WebClient:
    """Return a client with a person's options. Raises InputError."""
    from bottega.addresses import read_url
    from bottega.destinations import Allowed
    from bottega.guard import Guard
    from bottega_tools.web.client import WebClient
    from bottega_tools.web.limits import Limits

    entries = [allow] if isinstance(allow, str) else list(allow)
    guard = Guard(Allowed.read(map(str, entries)))
    return WebClient(guard, Limits.of(seconds, megabytes), read_url(proxy) if proxy else None)


def _visit_webpage(
    context: FactoryContext,
    *,
    allow: Allow = (),
    seconds: float = 30.0,
    megabytes: float = 5.0,
    proxy: str = "",
    characters: int = 12_000,
) -> Tool:
    from bottega_tools.web.visit_webpage import VisitWebpage

    if not 1_000 <= characters <= 90_000:
        raise InputError(f"characters: {characters!r} cannot be", hint="from 1,000 to 90,000")
    return VisitWebpage(client(allow, seconds, megabytes, proxy), characters)


def _http_get(  # noqa: PLR0913  # the options of a graph
    context: FactoryContext,
    *,
    allow: Allow = (),
    seconds: float = 30.0,
    megabytes: float = 5.0,
    proxy: str = "",
    base_url: str = "",
    headers_from: Mapping[str, str] | None = None,
) -> Tool:
    from bottega_tools.web.http_request import HttpGet
    from bottega_tools.web.web_api import Service

    return HttpGet(client(allow, seconds, megabytes, proxy), Service.of(base_url, headers_from))


def _http_request(  # noqa: PLR0913  # the options of a graph
    context: FactoryContext,
    *,
    allow: Allow = (),
    seconds: float = 30.0,
    megabytes: float = 5.0,
    proxy: str = "",
    base_url: str = "",
    headers_from: Mapping[str, str] | None = None,
    key_header: str = "",
) -> Tool:
    from bottega_tools.web.http_request import HttpRequest
    from bottega_tools.web.web_api import Service

    service = Service.of(base_url, headers_from)
    return HttpRequest(client(allow, seconds, megabytes, proxy), service, key_header)


def _openapi(  # noqa: PLR0913  # the options of a graph
    context: FactoryContext,
    *,
    source: str = "",
    base_url: str = "",
    credentials: Mapping[str, str] | None = None,
    only: str | Sequence[str] = (),
    prefix: str = "",
    allow: Allow = (),
    seconds: float = 30.0,
    megabytes: float = 5.0,
    proxy: str = "",
) -> OpenApi:
    from bottega_tools.web.openapi.toolset import OpenApi

    source = source or context.argument
    if not source:
        raise InputError("openapi needs the option source", hint="a file or URL of a document")
    return OpenApi(
        source,
        base_url=base_url,
        credentials=credentials or {},
        only=[only] if isinstance(only, str) else list(only),
        prefix=prefix,
        folder=context.folder,
        client=client(allow, seconds, megabytes, proxy),
    )


def _web_search(
    context: FactoryContext,
    *,
    engines: str = "auto",
    region: str = "us-en",
    safe: str = "moderate",
    seconds: int = 10,
) -> Tool:
    from bottega_tools.web.web_search import WebSearch, check_engines

    unknown = check_engines(engines)
    if unknown:
        raise InputError(f"engines: ddgs has no {', '.join(unknown)}", hint="`auto` takes any")
    if safe not in ("on", "moderate", "off"):
        raise InputError(f"safe: {safe!r} cannot be", hint="on, moderate or off")
    if not re.fullmatch(r"[a-z]{2}-[a-z]{2}", region):
        raise InputError(f"region: {region!r} cannot be", hint="as in us-en or de-de")
    if not 1 <= seconds <= 60:
        raise InputError(f"seconds: {seconds!r} cannot be", hint="from 1 to 60")
    return WebSearch(engines, region, safe, seconds)


def _google_search(
    context: FactoryContext, *, engine: str = "", base_url: str = "", seconds: float = 15.0
) -> Tool:
    from bottega.addresses import read_url
    from bottega_tools.web.google_search import ENDPOINT, GoogleAccount, GoogleSearch

    key = os.environ.get("GOOGLE_API_KEY", "").strip()
    engine = engine or os.environ.get("GOOGLE_CSE_ID", "").strip()
    for value, variable in ((key, "GOOGLE_API_KEY"), (engine, "GOOGLE_CSE_ID")):
        if not value:
            raise InputError(
                f"google_search: the variable {variable} is not set", hint=_GOOGLE[variable]
            )
    endpoint = read_url(base_url or os.environ.get("GOOGLE_SEARCH_URL") or ENDPOINT)
    account = GoogleAccount(key=key, engine=engine, endpoint=endpoint)
    return GoogleSearch(account, client(seconds=seconds))

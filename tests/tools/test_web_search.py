"""Searching: Google's API on a server of the tests' own, ddgs with an engine pointed at one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from web_server import Page, Seen, WebServer, page, serving

import bottega_tools.plugin
from bottega.calling import call_tool
from bottega.errors import InputError, ToolError
from bottega.permissions import Permissions
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import check_tool
from bottega.tools import Output, Tool, ToolContext

KEY = "AIzaTestKey0123456789"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as server:
        yield server


def make(name: str, **options: object) -> Tool:
    plugins = PluginManager()
    plugins.register(bottega_tools.plugin, "tools")
    made: Tool = plugins.make("tool", name, FactoryContext(plugins=plugins), **options)
    return made


def call(tool: Tool, *allow: str, **arguments: object) -> Output:
    context = ToolContext(allowed=Permissions.of(allow or ["network"]))
    return asyncio.run(call_tool(tool, tool.validate(arguments), context))


def problem(tool: Tool, *allow: str, **arguments: object) -> str:
    with pytest.raises(ToolError) as caught:
        call(tool, *allow, **arguments)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def google(seen: Seen) -> Page:
    """Answer as the Custom Search JSON API does."""
    query = parse_qs(urlsplit(seen.path).query)
    assert query["cx"] == ["engine1"]
    if query["key"] != [KEY]:
        error = {"code": 400, "message": "API key not valid. Please pass a valid API key."}
        return Page(json.dumps({"error": error}).encode(), 400)
    items = [
        {"title": "Bottega: the house", "link": "https://example.org/a", "snippet": "Made\nhere."},
        {"title": "Near", "link": "javascript:alert(1)", "snippet": "never shown"},
        {"title": "", "link": "https://example.org/b?token=abc", "snippet": ""},
        {"title": "Twice", "link": "https://EXAMPLE.org/a", "snippet": "the same"},
    ]
    answer = {"kind": "customsearch#search", "items": items if query["q"] == ["house"] else None}
    answer["spelling"] = {"correctedQuery": "house"} if query["q"] == ["hose"] else None
    return page(json.dumps({k: v for k, v in answer.items() if v}), "application/json")


@pytest.fixture
def account(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    server.pages["/customsearch/v1"] = google
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_CSE_ID", "engine1")
    monkeypatch.setenv("GOOGLE_SEARCH_URL", f"{server.url}/customsearch/v1")
    return server


def test_google_finds(account: WebServer) -> None:
    tool = make("google_search")
    output = call(tool, query=" house\n", results=30, period="week", page=2)
    assert output.content == (
        "[example.org/a] Bottega: the house\nhttps://example.org/a\nMade here.\n\n"
        "[example.org/b?token=***] https://example.org/b?token=***\nhttps://example.org/b?token=***"
    )
    assert [citation.source for citation in output.citations] == [
        "https://example.org/a",
        "https://example.org/b?token=***",
    ]
    assert output.citations[0].quote == "Made here."
    asked = parse_qs(urlsplit(account.seen[0].path).query)
    assert (asked["num"], asked["start"], asked["dateRestrict"]) == (["10"], ["11"], ["w1"])
    assert call(tool, query="nothing").content == "nothing found"
    assert call(tool, query="hose").content == "nothing found. Google suggests: house"
    assert (tool.trust, tool.effects, tool.permissions) == ("untrusted", "none", {"network"})


def test_google_keeps_the_rules_of_tools(account: WebServer) -> None:
    check_tool(make("google_search"), query="house")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": {"message": f"API key not valid: {KEY}"}}, "400: API key not valid: ***"),
        (403, {"error": {"message": "disabled"}}, "403: disabled (may this key use the Custom"),
        (429, {"error": {"message": "Quota exceeded"}}, "429: Quota exceeded (the quota is spent"),
        (500, "<html>oops", "status 500"),
        (200, "<html>oops", "Google's answer cannot be read"),
        (200, [1], "Google's answer cannot be read"),
        (302, {}, "status 302"),
    ],
)
def test_google_refuses(account: WebServer, status: int, body: object, said: str) -> None:
    data = body if isinstance(body, str) else json.dumps(body)
    account.pages["/customsearch/v1"] = Page(data.encode(), status)
    assert said in problem(make("google_search"), query="house")


def test_google_is_asked_sensibly(account: WebServer) -> None:
    tool = make("google_search")
    assert "the query is empty" in problem(tool, query=" \u200b ")
    assert "at most 500 do" in problem(tool, query="x" * 501)
    assert "there is no page 11" in problem(tool, query="x", page=11)
    assert "denied: network of '127.0.0.1'" in problem(tool, "network:example.org", query="x")
    assert account.seen == []


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GOOGLE_CSE_ID"])
def test_google_needs_an_account(
    account: WebServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(InputError, match=f"the variable {variable} is not set"):
        make("google_search")


@pytest.fixture
def duck(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Point ddgs's DuckDuckGo at a server that writes results as DuckDuckGo does."""
    pytest.importorskip("ddgs")
    from ddgs.engines.duckduckgo import Duckduckgo

    monkeypatch.setattr(Duckduckgo, "search_url", f"{server.url}/html/")
    results = "".join(
        f'<div class="result body"><h2>Result {n}</h2><a href="https://example.org/{n}">About the '
        f"house, part {n}</a></div>"
        for n in range(12)
    )
    server.pages["/html/"] = page(f"<html><body>{results}</body></html>")
    return server


def test_ddgs_finds(duck: WebServer) -> None:
    output = call(make("web_search", engines="duckduckgo"), query="house", results=3, period="day")
    assert len(output.citations) == 3
    first = output.citations[0]
    assert f"[{first.key}] {first.heading}\n{first.source}\n{first.quote}" in output.content
    assert first.quote.startswith("About the house, part ")
    asked = parse_qs(duck.seen[0].body.decode())
    assert (asked["q"], asked["df"]) == (["house"], ["d"])


def test_ddgs_keeps_the_rules_of_tools(duck: WebServer) -> None:
    check_tool(make("web_search", engines="duckduckgo"), query="house", results=1)


def test_ddgs_finds_nothing(duck: WebServer) -> None:
    duck.pages["/html/"] = page("<html><body>no results</body></html>")
    output = call(make("web_search", engines="duckduckgo"), query="house")
    assert (output.content, output.citations) == ("nothing found", ())


def test_no_network_is_said(duck: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from ddgs.engines.duckduckgo import Duckduckgo

    with serving() as gone:
        pass
    monkeypatch.setattr(Duckduckgo, "search_url", f"{gone.url}/")
    said = problem(make("web_search", engines="duckduckgo"), query="house")
    assert said == "no search engine could be asked: no connection (is there a network?)"


def test_a_silent_engine_is_said(duck: WebServer) -> None:
    duck.senders["/html/"] = lambda connection, stopped: stopped.wait(3)
    said = problem(make("web_search", engines="duckduckgo", seconds=1), query="house")
    assert said == "no search engine answered within 1 s (is there a network?)"


def test_engines_outside_of_the_nodes_permissions_are_not_asked(duck: WebServer) -> None:
    tool = make("web_search", engines="duckduckgo,brave")
    said = problem(tool, "network:example.org", query="house")
    assert said.startswith("denied: web_search needs the network to reach a search engine")
    call(tool, "network:127.0.0.1", query="house")
    assert duck.paths == ["/html/"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engines": "duck"}, "ddgs has no duck"),
        ({"safe": "maybe"}, "safe: 'maybe' cannot be"),
        ({"region": "english"}, "region: 'english' cannot be"),
        ({"seconds": 0}, "seconds: 0 cannot be"),
    ],
)
def test_options_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make("web_search", **options)

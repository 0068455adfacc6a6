"""The tools that call web APIs: what they send, what they show, and where keys go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from web_server import Page, Seen, WebServer, page, redirect, serving

import bottega_tools.plugin
from bottega.calling import call_tool
from bottega.errors import InputError, ToolError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import check_tool
from bottega.tools import Tool, ToolContext

KEY = "sk-test-0123456789"


@pytest.fixture(scope="module")
def shared() -> Iterator[WebServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    shared.pages.clear()
    shared.seen.clear()
    monkeypatch.setenv("LAMP_TOKEN", KEY)
    return shared


def make(name: str, **options: object) -> Tool:
    plugins = PluginManager()
    plugins.register(bottega_tools.plugin, "tools")
    made: Tool = plugins.make("tool", name, FactoryContext(plugins=plugins), **options)
    return made


def call(tool: Tool, **arguments: object) -> str:
    context = ToolContext(key="run1/step2")
    return asyncio.run(call_tool(tool, tool.validate(arguments), context)).content


def problem(tool: Tool, **arguments: object) -> str:
    with pytest.raises(ToolError) as caught:
        call(tool, **arguments)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def echo(seen: Seen) -> Page:
    """Say back what was sent."""
    told = {"method": seen.method, "path": seen.path, "body": seen.body.decode()}
    told["headers"] = {name.lower(): value for name, value in seen.headers.items()}
    return page(json.dumps(told), "application/json; charset=utf-8", ETag='"1"', X_Other="no")


def sent(text: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(text.partition("\n\n")[2])
    return told


def test_a_get_shows_status_headers_and_body(server: WebServer) -> None:
    server.pages["/lamps"] = page('{"on":[1,2]}', "application/json", ETag='"1"', X_Other="no")
    tool = make("http_get", allow=server.at)
    assert call(tool, url=f"{server.url}/lamps", query={"room": "ä b", "on": True, "n": 2}) == (
        f"200 Fine\nURL: {server.url}/lamps?room=%C3%A4+b&on=true&n=2\n"
        'Content-Type: application/json\nETag: "1"\n\n{\n "on": [\n  1,\n  2\n ]\n}'
    )
    assert (tool.effects, tool.trust, tool.permissions) == ("none", "untrusted", {"network"})
    assert "method" not in tool.spec.parameters["properties"]


def test_a_post_sends_json_or_text(server: WebServer) -> None:
    server.pages["/"] = echo
    tool = make("http_request", allow=server.at)
    assert (tool.effects, tool.keyed) == ("once", False)
    told = sent(call(tool, method="POST", url=server.url, json={"a": ["ü", None]}))
    assert told["body"] == '{"a": ["ü", null]}'
    assert told["headers"]["content-type"] == "application/json"
    told = sent(call(tool, method="PUT", url=server.url, body="grün", headers={"X-A": "b"}))
    assert (told["method"], told["body"]) == ("PUT", "grün")
    assert told["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert told["headers"]["x-a"] == "b"
    told = sent(
        call(tool, method="PATCH", url=server.url, body="x", headers={"content-type": "a/b"})
    )
    assert told["headers"]["content-type"] == "a/b"
    assert "both body and json" in problem(tool, method="POST", url=server.url, json=[], body="x")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_other_methods(server: WebServer, method: str) -> None:
    server.pages["/"] = echo
    text = call(make("http_request", allow=server.at), method=method, url=server.url)
    assert text.startswith("200 Fine")
    assert server.seen[0].method == method


def test_a_bad_status_is_shown(server: WebServer) -> None:
    server.pages["/"] = Page(b'{"error":"no"}', 422, {"Content-Type": "application/problem+json"})
    text = call(make("http_get", allow=server.at), url=server.url)
    assert text.startswith("422 Fine\n")
    assert text.endswith('{\n "error": "no"\n}')


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Page(b"", 204), "204 Fine\nURL: {}/"),
        (page(b"\x89PNG\0", "image/png"), "\n\n(5 bytes of image/png)"),
        (page("x" * 100_000, "text/plain"), "x\n[cut here: 10,000 more characters are not shown]"),
        (page("[" * 10_000, "application/json"), "[[["),
        (page("a\x1b[31mb\u202ec", "text/plain"), "a[31mbc"),
    ],
)
def test_bodies_are_shown_as_text(server: WebServer, found: Page, text: str) -> None:
    server.pages["/"] = found
    assert text.format(server.url) in call(make("http_get", allow=server.at), url=server.url)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Host": "evil.example"}, "the header Host is not yours to set"),
        ({"content-length": "5"}, "the header content-length is not yours"),
        ({"Proxy-Authorization": "x"}, "is not yours to set"),
        ({"Metadata-Flavor": "Google"}, "is not yours to set"),
        ({"X-A": "b\r\nX-C: d"}, "is no header that can be sent"),
        ({"X A": "b"}, "is no header that can be sent"),
        ({"": "b"}, "is no header that can be sent"),
    ],
)
def test_headers_are_checked(server: WebServer, headers: dict[str, str], said: str) -> None:
    assert said in problem(make("http_get", allow=server.at), url=server.url, headers=headers)
    assert server.seen == []


def service(server: WebServer, **options: object) -> Tool:
    given = {"base_url": f"{server.url}/api/v1", "headers_from": {"Authorization": "LAMP_TOKEN"}}
    return make("http_request", **given, **options)


def test_a_named_server_needs_no_more_leave_and_gets_the_key(server: WebServer) -> None:
    server.pages["/api/v1/lamps"] = echo
    tool = service(server, key_header="Idempotency-Key")
    text = call(tool, method="POST", url="/lamps", json={"on": True})
    assert server.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.seen[0].headers["Idempotency-Key"] == "run1/step2"
    assert KEY not in text
    assert sent(text)["headers"]["authorization"] == "***"
    assert tool.keyed
    assert f"URLs are paths below {server.url}/api/v1." in tool.spec.description
    assert KEY not in json.dumps(tool.spec.parameters) + tool.spec.description + repr(vars(tool))


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "//evil.example/x", "../../admin", "/../v2/x", "%2e%2e/x", "..\\x",
     "http://127.0.0.1:1/api/v1/x", "/x?@evil", "{}/api/v10/x", "{}/other", "{}/", "{}"],
)  # fmt: skip
def test_the_key_goes_nowhere_else(server: WebServer, url: str) -> None:
    said = ""
    try:
        call(service(server), method="GET", url=url.format(server.url))
    except ToolError as error:
        said = str(error)
    assert all(seen.path.startswith("/api/v1/") for seen in server.seen)
    assert KEY not in said


def test_the_key_does_not_follow_a_redirect(server: WebServer) -> None:
    with serving() as other:
        server.pages["/api/v1/x"] = redirect(f"{other.url}/there")
        tool = service(server, allow=[other.at])
        call(tool, method="GET", url="x")
        assert other.paths == ["/there"]
        assert "Authorization" not in other.seen[0].headers
        assert "is refused" in problem(service(server), method="GET", url="x")


def test_the_model_cannot_replace_the_key(server: WebServer) -> None:
    said = problem(service(server), method="GET", url="x", headers={"authorization": "mine"})
    assert "the header authorization is set already" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"headers_from": {"X-Key": "LAMP_TOKEN"}}, "headers_from needs base_url"),
        ({"base_url": "ftp://x/"}, "is of the scheme ftp"),
        ({"base_url": "https://x.example", "headers_from": {"X-Key": "NO_SUCH"}}, "NO_SUCH is not"),
        ({"base_url": "https://x.example", "headers_from": {"a b": "LAMP_TOKEN"}}, "is no header"),
        ({"allow": ["http://x"]}, "is no host"),
    ],
)
def test_options_are_checked(server: WebServer, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make("http_get", **options)


def test_they_keep_the_rules_of_tools(server: WebServer) -> None:
    server.pages["/"] = page("{}", "application/json")
    check_tool(make("http_get", allow=server.at), url=server.url)
    check_tool(make("http_request", allow=server.at), method="POST", url=server.url)

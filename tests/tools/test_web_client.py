"""The guarded client against real servers: where it goes, and what it takes from them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import shutil
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yarl
from hostile_urls import SPELLINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from web_server import Names, Page, WebServer, page, redirect, serving

from bottega.addresses import read_url
from bottega.destinations import Allowed
from bottega.errors import InputError, ToolError
from bottega.guard import Guard
from bottega.permissions import Permissions
from bottega.tools import ToolContext
from bottega_tools.web.client import WebClient
from bottega_tools.web.limits import Limits
from bottega_tools.web.messages import Request, Response

QUICK = Limits(seconds=0.6, connect_seconds=0.3, header_seconds=0.3, body=200_000)


@pytest.fixture(scope="module")
def shared() -> Iterator[WebServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: WebServer) -> WebServer:
    shared.pages.clear()
    shared.senders.clear()
    shared.seen.clear()
    return shared


def fetch(
    url: str, *allow: str, names: Names | None = None, limits: Limits = QUICK, **fields: object
) -> Response:
    client = WebClient(Guard(Allowed.read(allow), names), limits)
    context = ToolContext(allowed=Permissions.of(fields.pop("permissions", ["network"])))  # type: ignore[arg-type]
    return asyncio.run(client.fetch(Request(address=read_url(url), **fields), context))  # type: ignore[arg-type]


def problem(url: str, *allow: str, **options: object) -> str:
    with pytest.raises(ToolError) as caught:
        fetch(url, *allow, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def test_a_page_is_fetched_where_a_person_lets_it(server: WebServer) -> None:
    server.pages["/a"] = page("<p>hello</p>")
    response = fetch(f"{server.url}/a?b=c", server.at)
    assert (response.status, response.body) == (200, b"<p>hello</p>")
    assert (response.media_type, response.charset) == ("text/html", "utf-8")
    assert server.seen[0].path == "/a?b=c"
    assert server.seen[0].headers["Host"] == server.at


def test_nothing_near_is_reached_without_leave(server: WebServer) -> None:
    assert problem(f"{server.url}/") == (
        f"{server.url} is refused: it is this machine (tools reach the public internet; a person "
        "can let more through with the option allow)"
    )
    assert "this machine or its network" in problem("http://localhost/")
    near = Names(near_test=[["10.1.2.3"]])
    assert "near.test (10.1.2.3) is a private network" in problem("http://near.test/", names=near)
    assert server.seen == []


def test_the_nodes_permission_is_needed_as_well(server: WebServer) -> None:
    options = {"permissions": ["network:example.org"]}
    assert "denied: network of '127.0.0.1'" in problem(server.url, server.at, **options)
    assert fetch(server.url, server.at, permissions=[f"network:{server.at}"]).status == 404


def test_an_address_is_let_through_by_its_own_name_only(server: WebServer) -> None:
    names = Names(evil_test=[["127.0.0.1"]])
    url = f"http://evil.test:{server.port}/"
    assert "evil.test (127.0.0.1) is this machine" in problem(url, server.at, names=names)
    assert fetch(url, "evil.test", names=names).status == 404
    assert fetch(url, "127.0.0.0/8", names=names).status == 404
    assert "is this machine" in problem(url, "evil.test:1", names=names)


def test_one_bad_answer_among_good_ones_is_enough() -> None:
    names = Names(mixed_test=[["93.184.215.14", "127.0.0.1"]])
    assert "mixed.test (127.0.0.1) is this machine" in problem("http://mixed.test/", names=names)


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
def test_the_connection_goes_to_the_address_that_was_checked(server: WebServer) -> None:
    """The second answer is where the server is: whoever looks up twice reaches it."""
    names = Names(turn_test=[["127.0.0.2"], ["127.0.0.1"]])
    url = f"http://turn.test:{server.port}/secret"
    assert "Connection refused" in problem(url, "127.0.0.2/32", names=names)
    assert names.asked == ["turn.test"]
    assert server.seen == []


def test_every_request_of_a_chain_is_looked_up_and_checked(server: WebServer) -> None:
    names = Names(turn_test=[["127.0.0.1"], ["10.0.0.1"]])
    server.pages["/"] = redirect("/again")
    url = f"http://turn.test:{server.port}/"
    assert "turn.test (10.0.0.1) is a private" in problem(url, "127.0.0.0/8", names=names)
    assert server.paths == ["/"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to",
    [
        "http://{}/secret",
        "//{}/secret",
        "http://2130706433:{port}/secret",
        "http://[::ffff:7f00:1]:{port}/secret",
        "http://inside.test:{port}/secret",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://user@outside.test/",
        "http://[broken",
    ],
)
def test_no_redirect_leads_inside(server: WebServer, status: int, to: str) -> None:
    names = Names(outside_test=[["127.0.0.1"]], inside_test=[["127.0.0.1"]])
    server.pages["/"] = redirect(to.format(server.at, port=server.port), status)
    said = problem(f"http://outside.test:{server.port}/", "outside.test", names=names)
    assert "refused" in said
    assert server.paths == ["/"]


def test_redirects_are_followed_and_bounded(server: WebServer) -> None:
    for number in range(20):
        server.pages[f"/{number}"] = redirect(f"/{number + 1}")
    server.pages["/20"] = page("there")
    assert fetch(f"{server.url}/15", server.at).address.target == "/20"
    said = problem(f"{server.url}/0", server.at)
    assert said.endswith("redirects more than 5 times")
    assert len(server.seen) == 6 + 6


def test_keys_stay_with_their_origin(server: WebServer) -> None:
    keys = {"Authorization": "Bearer k", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "text/plain"}
    with serving() as other:
        server.pages["/near"] = redirect("/here")
        server.pages["/far"] = redirect(f"{other.url}/there")
        fetch(f"{server.url}/near", server.at, other.at, headers=keys)
        fetch(f"{server.url}/far", server.at, other.at, headers=keys)
        kept, lost = server.seen[1].headers, other.seen[0].headers
    assert {name: kept[name] for name in keys} == keys
    assert [name for name in keys if name in lost] == ["Accept"]


def test_a_body_goes_to_nobody_else(server: WebServer) -> None:
    with serving() as other:
        server.pages["/"] = redirect(f"{other.url}/", 307)
        options = {"method": "POST", "body": b"private"}
        said = problem(f"{server.url}/", server.at, other.at, **options)
        assert f"redirects a POST to {other.url}" in said
        assert other.seen == []
    server.pages["/"] = redirect("/form", 302)
    fetch(f"{server.url}/", server.at, **options)
    assert (server.seen[-1].method, server.seen[-1].body) == ("GET", b"")
    server.pages["/"] = redirect("/form", 308)
    fetch(f"{server.url}/", server.at, **options)
    assert (server.seen[-1].method, server.seen[-1].body) == ("POST", b"private")


def test_no_cookie_is_kept_and_no_proxy_of_the_environment_used(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.pages["/"] = Page(b"", 302, {"Location": "/b", "Set-Cookie": "a=b; Path=/"})
    fetch(f"{server.url}/", server.at)
    assert server.paths == ["/", "/b"]
    assert "Cookie" not in server.seen[1].headers


def test_a_proxy_is_used_where_a_person_names_one(server: WebServer) -> None:
    server.pages["http://site.example/a"] = redirect("http://169.254.169.254/")
    server.pages["http://site.example/b"] = page("by proxy")
    client = WebClient(Guard(lookup=Names()), QUICK, read_url(server.url))

    def ask(url: str) -> Response:
        request = Request(address=read_url(url))
        return asyncio.run(client.fetch(request, ToolContext()))

    assert ask("http://site.example/b").body == b"by proxy"
    for url in ("http://site.example/a", "http://10.0.0.1/", "http://localhost/"):
        with pytest.raises(ToolError, match="is refused"):
            ask(url)
    assert server.paths == ["http://site.example/b", "http://site.example/a"]
    with serving() as gone:
        pass
    client = WebClient(Guard(lookup=Names()), QUICK, read_url(gone.url))
    with pytest.raises(ToolError, match="cannot be reached: the proxy does not answer"):
        ask("http://site.example/b")


def test_a_redirect_to_plain_http_is_refused() -> None:
    from bottega_tools.web.client import redirected

    request = Request(address=read_url("https://example.org/a"))
    response = Response(
        address=request.address, status=302, reason="", headers={"Location": "http://example.org/"},
        body=b"",
    )  # fmt: skip
    with pytest.raises(ToolError, match="from https to http, where anyone could listen"):
        redirected(request, response)


@functools.cache
def bomb() -> bytes:
    """Return a gzip of 64 MB of zeros: 64 kB."""
    return gzip.compress(bytes(64 << 20), 9)


def endless(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not stopped.is_set():
        connection.sendall(b"1000\r\n" + bytes(0x1000) + b"\r\n")


def dripping(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stopped.wait(0.05):
        connection.sendall(b"x")


def slow_headers(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stopped.wait(0.05):
        connection.sendall(b"X-More: yes\r\n")


def huge_header(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * (1 << 20) + b"\r\n\r\n")


def many_headers(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 10_000 + b"\r\n")


def silent(connection, stopped: threading.Event) -> None:
    stopped.wait(5)


def cut(connection, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")


def another_protocol(connection, stopped: threading.Event) -> None:
    connection.sendall(b"220 mail.test ESMTP\r\n")


def continuing(connection, stopped: threading.Event) -> None:
    while not stopped.wait(0.001):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        (endless, "sent more than 195.3 kB: not read to the end"),
        (dripping, "gave no whole answer within 0.6 s"),
        (slow_headers, "sent no whole headers within 0.3 s"),
        (huge_header, "sent headers that are too large"),
        (many_headers, "sent headers that are too large"),
        (silent, "sent no whole headers within 0.3 s"),
        (cut, "its answer was cut"),
        (another_protocol, "does not speak HTTP"),
        (continuing, "within 0."),
    ],
)
def test_bad_servers_cost_little(server: WebServer, sender, said: str) -> None:
    server.senders["/"] = sender
    tracemalloc.start()
    try:
        assert said in problem(f"{server.url}/", server.at)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", bomb),
        ("x-gzip", bomb),
        ("gzip", lambda: gzip.compress(b"") * 5_000),
        ("deflate", lambda: zlib.compress(bytes(64 << 20))),
        ("deflate", lambda: zlib.compress(bytes(64 << 20), wbits=-15)),
    ],
    ids=["gzip", "x-gzip", "members", "deflate", "bare"],
)
def test_bombs_are_counted_unpacked(
    server: WebServer, encoding: str, body: Callable[[], bytes]
) -> None:
    server.pages["/"] = page(body(), "text/plain", Content_Encoding=encoding)
    tracemalloc.start()
    try:
        assert "sent more than 195.3 kB" in problem(f"{server.url}/", server.at)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello ") + gzip.compress(b"world")),
        ("deflate", zlib.compress(b"hello world")),
        ("deflate", zlib.compress(b"hello world", wbits=-15)),
        ("identity", b"hello world"),
        ("", b"hello world"),
    ],
)
def test_packed_bodies_are_read(server: WebServer, encoding: str, body: bytes) -> None:
    server.pages["/"] = page(body, "text/plain", Content_Encoding=encoding)
    assert fetch(f"{server.url}/", server.at).body == b"hello world"
    assert server.seen[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"x", "packed its answer as 'br', which was not asked"),
        ("zstd", b"x", "packed its answer as 'zstd', which was not asked"),
        ("gzip, gzip", b"x", "packed its answer as 'gzip, gzip', which was not asked"),
        ("gzip", b"not packed at all", "cannot be unpacked (gzip)"),
    ],
)
def test_what_cannot_be_unpacked_is_said(
    server: WebServer, encoding: str, body: bytes, said: str
) -> None:
    server.pages["/"] = page(body, "text/plain", Content_Encoding=encoding)
    assert said in problem(f"{server.url}/", server.at)


def test_what_cannot_be_reached_is_said(server: WebServer) -> None:
    with serving() as gone:
        pass
    assert "cannot be reached: Connection refused" in problem(gone.url, gone.at)
    said = problem("http://nowhere.test/", names=Names())
    assert said.startswith("no address is known for the host 'nowhere.test'")


def test_a_name_server_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def hang(*arguments: object, **options: object) -> list[object]:
        answered.wait(100)
        return []

    monkeypatch.setattr("socket.getaddrinfo", hang)
    limits = Limits(seconds=0.2)
    said = problem("https://slow.example/", limits=limits)
    assert said == "https://slow.example gave no whole answer within 0.2 s"
    answered.set()


def test_the_systems_resolver_is_asked(server: WebServer) -> None:
    url = f"http://localhost:{server.port}/"
    assert fetch(url, f"localhost:{server.port}").status == 404
    assert server.seen[0].headers["Host"] == f"localhost:{server.port}"
    said = problem("https://no-such-name.invalid/")
    assert said.startswith("no address is known for the host 'no-such-name.invalid'")


IN_HEADERS = [url for url in SPELLINGS if url.isprintable()]


def test_no_spelling_of_a_redirect_leads_inside(server: WebServer) -> None:
    names = Names(outside_test=[["127.0.0.1"]])
    here = f"outside.test:{server.port}"
    for spelling in IN_HEADERS:
        server.seen.clear()
        server.pages["/"] = redirect(spelling)
        with contextlib.suppress(ToolError):
            fetch(f"http://{here}/", "outside.test", names=names)
        assert {seen.headers["Host"] for seen in server.seen} == {here}, spelling
    assert set(names.asked) == {"outside.test"}


@settings(max_examples=100)
@given(st.text(alphabet="0aZxß①。.%-_[]:@!$&'()*+,;=~^|/?", max_size=24))
def test_whoever_connects_reads_the_host_as_we_do(rest: str) -> None:
    try:
        address = read_url(f"http://{rest}")
    except InputError:
        return
    theirs = yarl.URL(address.url, encoded=True)
    assert (theirs.raw_host, theirs.port) == (address.host, address.port)
    assert theirs.raw_path_qs == address.target


def test_the_runs_own_deadline_counts(server: WebServer) -> None:
    server.senders["/"] = silent
    context = ToolContext(deadline=time.monotonic() + 0.1)
    client = WebClient(Guard(Allowed.read([server.at])))
    request = Request(address=read_url(server.url))
    with pytest.raises(ToolError, match="gave no whole answer before the time of the run"):
        asyncio.run(client.fetch(request, context))


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1"]
    subprocess.run([openssl, *made, *files], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(tls) as server:
        server.pages["/"] = page("secret")
        said = problem(f"https://{server.at}/", server.at)
    assert "cannot be reached: its certificate is not trusted" in said
    assert server.seen == []

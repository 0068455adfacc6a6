"""MCP over HTTP from servers that mean no good: bounded, and nowhere that it may not go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from bottega.errors import BottegaError
from bottega_plugins.adapters import MCPServer


class Hostile(BaseHTTPRequestHandler):
    """Does to every request what the path says; the paths that were asked for are kept."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.asked.append((self.path, self.headers["host"], self.headers.get("x-key", "")))
        getattr(self, self.path.strip("/"), self.lost)()

    do_GET = do_DELETE = do_POST

    def answer(self, status: int, body: bytes = b"", **headers: Any) -> None:
        self.send_response(status)
        for name, value in {"content-length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def lost(self) -> None:
        self.answer(404, b"not here")

    def page(self) -> None:
        self.answer(200, b"<html>hello</html>", content_type="text/html")

    def broken(self) -> None:
        self.answer(200, b'{"jsonrpc": "2.0", "id"', content_type="application/json")

    def failing(self) -> None:
        self.answer(500, b"oh no", content_type="text/plain")

    def away(self) -> None:
        self.answer(307, location="http://169.254.169.254/latest/meta-data")

    def elsewhere(self) -> None:
        port = self.server.server_address[1]
        self.answer(308, location=f"http://localhost:{port}/page")

    def packed(self) -> None:
        self.answer(200, b"\x1f\x8b", content_type="application/json", content_encoding="gzip")

    def endless(self) -> None:
        self.stream("application/json", b'"' + b"x" * 1_000_000)

    def event(self) -> None:
        self.stream("text/event-stream", b"data: " + b"x" * 1_000_000)

    def stream(self, kind: str, piece: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            self.close_connection = True

    def silent(self) -> None:
        self.server.ended.wait(20)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("page", "cannot be used"),
        ("broken", "cannot be used"),
        ("failing", "cannot be used"),
        ("lost", "cannot be used: Not Found"),
        ("away", r"cannot be used: Redirect to http://169\.254\.169\.254/\S* not followed"),
        ("elsewhere", r"cannot be used: Redirect to http://localhost\S* not followed"),
        ("packed", "cannot be used: the answer is packed"),
        ("endless", "cannot be used: the answer is longer than 8 MB"),
        ("event", "cannot be used"),
        ("silent", r"was not ready within 0\.5 s"),
    ],
)
def test_what_a_server_does_is_one_line(port: int, path: str, told: str) -> None:
    Hostile.asked.clear()
    server = MCPServer(
        url=f"http://127.0.0.1:{port}/{path}",
        allow=[f"127.0.0.1:{port}"],
        name="bad",
        start_seconds=0.5 if path == "silent" else 20,
    )
    with pytest.raises(BottegaError, match=f"the MCP server bad {told}") as caught:
        _ = server.tools
    assert "\n" not in caught.value.message
    assert {asked[0] for asked in Hostile.asked} <= {f"/{path}"}


def test_keys_are_not_in_what_is_told(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sesame-open-1")
    server = MCPServer(
        url=f"http://127.0.0.1:{port}/failing",
        allow=["127.0.0.1"],
        headers={"X-Key": "Bearer $A_KEY"},
    )
    Hostile.asked.clear()
    with pytest.raises(BottegaError) as caught:
        _ = server.tools
    assert {asked[2] for asked in Hostile.asked} == {"Bearer sesame-open-1"}
    assert "sesame" not in f"{caught.value} {server} {server.launch}"

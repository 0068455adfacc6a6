"""A real server on 127.0.0.1 for the tests of the web: it answers as a test says, well or badly.

    server.pages["/a"] = page("<p>hello</p>")
    server.senders["/b"] = sender       # writes to the socket what it likes
    server.seen                         # every request

It runs in a thread of its own. `Names` stands for the resolver: names of a test lead where it says.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser


@dataclass
class Page:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def page(text: str | bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> Page:
    body = text.encode() if isinstance(text, str) else text
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Page(body, 200, {"Content-Type": kind, **named})


def redirect(to: str, status: int = 302) -> Page:
    return Page(b"moved", status, {"Location": to})


@dataclass
class Seen:
    method: str
    path: str
    headers: Message
    body: bytes


Sender = Callable[[socket.socket, threading.Event], None]
"""Writes an answer; stops when the event is set."""


class WebServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.pages: dict[str, Page | Callable[[Seen], Page]] = {}
        self.senders: dict[str, Sender] = {}
        self.seen: list[Seen] = []
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.at = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.at}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        self._stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                seen = _request(connection)
                if seen is None:
                    return
                self.seen.append(seen)
                path = seen.path.partition("?")[0]
                if path in self.senders:
                    self.senders[path](connection, self._stopped)
                    return
                found = self.pages.get(path, Page(b"no such page", 404))
                connection.sendall(_answer(found if isinstance(found, Page) else found(seen), seen))
            except OSError:
                pass  # the client has gone


def _request(connection: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, _, rest = head.partition(b"\r\n")
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = BytesParser().parsebytes(rest + b"\r\n\r\n")
    while len(body) < int(headers.get("Content-Length", "0")):
        body += connection.recv(65_536)
    return Seen(method, path, headers, body)


def _answer(found: Page, seen: Seen) -> bytes:
    headers = {"Content-Length": str(len(found.body)), "Connection": "close", **found.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {found.status} Fine\r\n{lines}\r\n".encode("utf-8", "surrogateescape")
    return head if seen.method == "HEAD" else head + found.body


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    server = WebServer(tls)
    try:
        yield server
    finally:
        server.stop()


class Names:
    """A resolver whose answers a test gives: the n-th look-up of a name gets the n-th answer."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.answers.get(host)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

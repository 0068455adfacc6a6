"""Parsers that do what a parser may do to its process when a document has been made for it."""

from __future__ import annotations

import ctypes
import os
import signal
import time

from bottega_plugins.knowledge.documents.isolated import IsolatedParser
from bottega_plugins.knowledge.documents.parsed import Parsed, Section
from bottega_plugins.knowledge.documents.text_parser import TextParser


class Hanging(IsolatedParser):
    timeout = 0.3

    def parse(self, data: bytes, form: str) -> Parsed:
        time.sleep(600)
        raise AssertionError


class Hoarding(IsolatedParser):
    memory = 64 << 20

    def parse(self, data: bytes, form: str) -> Parsed:
        hoard = bytearray(1 << 30)
        return Parsed(format=form, text=str(len(hoard)), sections=())


class Crashing(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        ctypes.string_at(0)
        raise AssertionError


class Aborting(IsolatedParser):
    """As PDFium does when it gets no memory."""

    def parse(self, data: bytes, form: str) -> Parsed:
        os.abort()


class Throwing(IsolatedParser):
    """As C++ does when it gets no memory."""

    def parse(self, data: bytes, form: str) -> Parsed:
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()


class Corrupting(IsolatedParser):
    """As libc does when it finds its heap broken."""

    def parse(self, data: bytes, form: str) -> Parsed:
        os.write(2, b"free(): invalid pointer\n")
        os.abort()


class Spinning(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        os.kill(os.getpid(), signal.SIGXCPU)
        raise AssertionError


class Killed(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Leaving(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        os._exit(0)


class Failing(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        raise ZeroDivisionError("of the document")


class Diving(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        return self.parse(data, form)


class Honest(IsolatedParser):
    def parse(self, data: bytes, form: str) -> Parsed:
        text = data.decode()
        return Parsed(format=form, text=text, sections=[Section(start=0, end=len(text))])


class Cramped(TextParser):
    memory = 48 << 20


class Hurried(TextParser):
    timeout = 0.5

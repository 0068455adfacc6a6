"""Reading in a process of its own, for parsers that a hostile document may crash, hang or fill.

What takes too long, too much memory or ends the process costs this one document: it is skipped. The
document goes there and comes back as files, as the answers of tools are cut at some length.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import tempfile
from pathlib import Path
from typing import Any, cast

from bottega.errors import BottegaError, StorageError
from bottega.isolation import call_in_process
from bottega.messages import Json
from bottega.tools import Tool, ToolContext
from bottega_plugins.knowledge.documents.parsed import Parsed, parsed_from_json, parsed_to_json
from bottega_plugins.knowledge.documents.skipped import SkippedError

MOST_SECONDS = 30.0
MOST_MEMORY = 512 << 20
"""Bytes, beyond what a process begins with."""
_DOCUMENT = "document"
_RESULT = "result.json"
_DIED = re.compile(r"the tool's process (?:died \(signal ([0-9]+)|exited|was killed)")
_OF_MEMORY = re.compile(r"MemoryError|bad_alloc|out of memory", re.IGNORECASE)


class IsolatedParser(Tool):
    """A parser as a tool, so that `bottega.isolation` can call it.

    Subclass it in a module of its own: the other process imports it beforehand.
    """

    effects = "none"
    isolation = "process"
    timeout = MOST_SECONDS
    memory = MOST_MEMORY

    def parse(self, data: bytes, form: str) -> Parsed:
        """Read a document; called in the other process. Raises SkippedError."""
        raise NotImplementedError

    def validate(self, arguments: Any) -> dict[str, Any]:
        """Take the arguments as they come: from here."""
        return dict(arguments)

    def run(self, folder: str, form: str) -> str:
        """Read the document in the folder and write there what came of it."""
        place = Path(folder)
        result = _result(self, (place / _DOCUMENT).read_bytes(), form)
        (place / _RESULT).write_text(json.dumps(result), encoding="ascii")
        return "read"


def _result(parser: IsolatedParser, data: bytes, form: str) -> dict[str, Json]:
    try:
        return {"parsed": parsed_to_json(parser.parse(data, form))}
    except SkippedError as reason:
        return {"skipped": str(reason)}
    except MemoryError:
        return {"skipped": _too_large(parser)}
    except RecursionError:
        return {"skipped": "nested too deep"}


async def parse_in_process(parser: IsolatedParser, data: bytes, form: str) -> Parsed:
    """Let the parser read the document elsewhere.

    Raises SkippedError, and StorageError when there is no room for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="bottega-") as name:
        folder = Path(name)
        try:
            await asyncio.to_thread((folder / _DOCUMENT).write_bytes, data)
        except OSError as error:
            raise StorageError(f"{name} cannot be written: {error.strerror}") from error
        arguments = {"folder": name, "form": form}
        try:
            await call_in_process(parser, arguments, ToolContext(), parser.timeout)
        except TimeoutError:
            raise SkippedError(_too_slow(parser)) from None
        except BottegaError as error:
            raise SkippedError(_failure(parser, error.message)) from None
        return await asyncio.to_thread(_read, folder / _RESULT)


def _read(path: Path) -> Parsed:
    result = cast("dict[str, Any]", json.loads(path.read_bytes()))
    if "skipped" in result:
        raise SkippedError(result["skipped"])
    return parsed_from_json(result.pop("parsed"))


def _failure(parser: IsolatedParser, message: str) -> str:
    """Return what a person can make of the end of a process."""
    if _OF_MEMORY.search(message):
        return _too_large(parser)
    died = _DIED.match(message)
    if not died:
        return f"its reader failed: {message.splitlines()[0][:200]}"
    number = int(died[1] or 0)
    if number == signal.SIGXCPU:
        return _too_slow(parser)
    if number == signal.SIGKILL or "was killed" in died[0]:
        return "its reader was killed"
    # PDFium aborts without a word when it gets no memory; what libc finds broken, it prints
    if number == signal.SIGABRT and "it had printed" not in message:
        return _too_large(parser)
    return "crashed its reader"


def _too_slow(parser: IsolatedParser) -> str:
    return f"took more than {parser.timeout:g} s to read"


def _too_large(parser: IsolatedParser) -> str:
    return f"needs more than {(parser.memory or 0) >> 20} MB of memory to be read"

"""Reading in a process of its own: what goes wrong there costs one document, and is named."""

from __future__ import annotations

import asyncio

import pytest
from bad_parsers import (
    Aborting,
    Corrupting,
    Cramped,
    Crashing,
    Diving,
    Failing,
    Hanging,
    Hoarding,
    Honest,
    Hurried,
    Killed,
    Leaving,
    Spinning,
    Throwing,
)
from document_reading import read

from bottega_plugins.knowledge.documents.isolated import IsolatedParser, parse_in_process
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.text_formats import LARGE

pytestmark = pytest.mark.xdist_group("documents")


@pytest.mark.parametrize(
    ("parser", "reason"),
    [
        (Hanging(), r"^took more than 0\.3 s to read$"),
        (Spinning(), "^took more than 30 s to read$"),
        (Hoarding(), "^needs more than 64 MB of memory to be read$"),
        (Aborting(), "^needs more than 512 MB of memory to be read$"),
        (Throwing(), "^needs more than 512 MB of memory to be read$"),
        (Corrupting(), "^crashed its reader$"),
        (Crashing(), "^crashed its reader$"),
        (Leaving(), "^crashed its reader$"),
        (Killed(), "^its reader was killed$"),
        (Failing(), "its reader failed: ZeroDivisionError"),
        (Diving(), "nested too deep"),
    ],
)
def test_a_reader_that_goes_wrong_costs_one_document(parser: IsolatedParser, reason: str) -> None:
    with pytest.raises(SkippedError, match=reason):
        asyncio.run(parse_in_process(parser, b"text", "html"))
    after = asyncio.run(parse_in_process(Honest(), b"text", "html"))
    assert after.text == "text"


def test_very_many_small_blocks_fill_no_memory() -> None:
    with pytest.raises(SkippedError, match="needs more than 48 MB of memory to be read"):
        asyncio.run(parse_in_process(Cramped(), b"a\n\n" * 100_000, "markdown"))


def test_a_page_that_takes_its_parser_minutes_is_given_up() -> None:
    with pytest.raises(SkippedError, match=r"took more than 0\.5 s to read"):
        asyncio.run(parse_in_process(Hurried(), b"<a\t" * 20_000, "html"))


def test_a_large_text_is_read_in_a_process_of_its_own() -> None:
    text = "# Top\n\n" + "".join(f"## Part {n}\n\nText of part {n}.\n\n" for n in range(9_000))
    assert len(text) > LARGE
    reading = read(text, "large.md")
    assert len(reading.chunks) == 9_000
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in reading.chunks)

"""The framing of server-sent events, however the bytes are cut up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega.errors import ModelReplyError
from bottega_plugins.models.openai.sse import EventParser

line_ends = st.sampled_from(["\n", "\r\n", "\r"])
words = st.text("aé世👋 :\x00\u2028", max_size=4)
noise = st.sampled_from(["", ": ping", "id: 7", "event: x", "retry", "odd", ":"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Make events and bytes that carry them, in every way the standard allows."""
    lines = draw(st.lists(st.tuples(words, noise, line_ends, st.booleans()), max_size=12))
    events: list[str] = []
    text = "\ufeff" if draw(st.booleans()) else ""
    open_event: list[str] = []
    for word, extra, end, last in lines:
        open_event.append(word)
        text += f"{extra}{end}" if extra else ""
        text += f"data: {word}{end}" if len(extra) % 2 or word[:1] == " " else f"data:{word}{end}"
        if last:
            events.append("\n".join(open_event))
            open_event = []
            text += end
    if open_event:
        events.append("\n".join(open_event))
    return [event.encode() for event in events], text.encode()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(marks)]


def parse(pieces: list[bytes], parser: EventParser | None = None) -> list[bytes]:
    parser = parser or EventParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


@given(streams(), st.lists(st.integers(min_value=0), max_size=8))
def test_events_survive_any_framing_and_any_cuts(
    stream: tuple[list[bytes], bytes], places: list[int]
) -> None:
    events, data = stream
    assert parse(cut(data, places)) == events


@given(streams())
def test_bytes_may_come_one_by_one(stream: tuple[list[bytes], bytes]) -> None:
    events, data = stream
    assert parse([data[index : index + 1] for index in range(len(data))]) == events


@given(st.binary(max_size=300), st.lists(st.integers(min_value=0), max_size=8))
def test_rubbish_is_read_alike_however_it_is_cut(data: bytes, places: list[int]) -> None:
    assert parse(cut(data, places)) == parse([data])


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    parser = EventParser()
    assert parser.feed(b"data: one\n") == []
    assert parser.feed(b"\ndata: tw") == [b"one"]
    assert parser.feed(b"o\r") == []
    assert parser.feed(b"\n\r") == [b"two"]
    assert parser.feed(b"\ndata: three") == []
    assert parser.close() == [b"three"]


def test_comments_and_other_fields_are_no_events() -> None:
    assert parse([b": ping\n\nevent: x\nid: 1\n\ndatabase: no\n\n"]) == []


def test_an_event_without_end_is_refused() -> None:
    with pytest.raises(ModelReplyError, match="longer than 1,000 bytes"):
        parse([b"data: " + b"x" * 100] * 20, EventParser(limit=1000))
    with pytest.raises(ModelReplyError, match="longer than 1,000 bytes"):
        parse([b"data: x\n" * 10] * 20, EventParser(limit=1000))


def test_many_events_are_not_one_long_one() -> None:
    assert len(parse([b"data: 123456789\n\n: ping\n\n"] * 500, EventParser(limit=100))) == 500

"""Whatever a tool returns becomes bounded text, or an error that names its type: C4."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import resource
import uuid
from collections import deque, namedtuple
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bottega.errors import ToolError
from bottega.messages import Citation, Image
from bottega.rendering import DONE, MAX_CONTENT, render
from bottega.tools import Output


class Level(enum.Enum):
    HIGH = "high"


@dataclasses.dataclass
class Point:
    x: int
    level: Level = Level.HIGH


class Model(BaseModel):
    when: datetime.date


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ("", ""),
        (None, DONE),
        (True, "true"),
        (3, "3"),
        (10**30, str(10**30)),
        (1.5, "1.5"),
        (Level.HIGH, "high"),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"abc", "[3 bytes of binary data]"),
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        ({1: "a", None: 2, Level.HIGH: 3}, '{"1":"a","null":2,"high":3}'),
        ((1, 2), "[1,2]"),
        ({3}, "[3]"),
        (range(3), "[0,1,2]"),
        (deque([1]), "[1]"),
        ({"a": 1}.values(), "[1]"),
        (Point(1), '{"x":1,"level":"high"}'),
        (Pair(1, 2), '{"a":1,"b":2}'),
        (Model(when=datetime.date(2026, 1, 2)), '{"when":"2026-01-02"}'),
        (np.arange(3), "[0,1,2]"),
        (np.float64(0.5), "0.5"),
        (iter([1, "a"]), "1\na"),
        ((n for n in range(2)), "0\n1"),
        (map(str, [1, 2]), "1\n2"),
        ("\ud800", "\ud800"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_as_text(value: object, text: str) -> None:
    assert render(value).content == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(json_values) | st.dictionaries(st.text(), json_values))
def test_json_values_come_back(value: Any) -> None:
    assert json.loads(render(value).content) == value


def test_lone_surrogates_survive_inside_values() -> None:
    assert json.loads(render({"a": "\ud800"}).content) == {"a": "\ud800"}


def test_an_output_passes_as_it_is() -> None:
    citation = Citation(key="a:1", source="a", start=0, end=1)
    output = Output(content="text", citations=(citation,), final=True)
    assert render(output) is output
    cut = render(Output(content="x" * 200_000, final=True))
    assert cut.final
    assert len(cut.content) < MAX_CONTENT + 100


def test_images_are_shown_as_images() -> None:
    image = Image(data=b"png")
    assert render(image) == Output(content="[image 1]", images=(image,))
    output = render({"before": image, "after": [image]})
    assert output.content == '{"before":"[image 1]","after":["[image 2]"]}'
    assert output.images == (image, image)


def test_long_text_says_how_much_was_cut() -> None:
    content = render("x" * (MAX_CONTENT + 5)).content
    assert content.endswith("\n[cut here: 5 more characters are not shown]")


class Loud:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no eq")

    __hash__ = None  # type: ignore[assignment]


class BadMapping(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no items")


def looped() -> list[Any]:
    loop: list[Any] = []
    loop.append({"inside": loop})
    return loop


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Loud(), "Loud"),
        ([Loud()], "Loud"),
        ({"a": Loud()}, "Loud"),
        (object(), "object"),
        (lambda: 1, "function"),
        (Point, "type"),
        (looped(), "holds itself"),
        (BadMapping(a=1), "BadMapping"),
        (deep(), "100 levels"),
        (iter([object()]), "object"),
    ],
)
def test_what_cannot_be_shown_is_named(value: object, named: str) -> None:
    with pytest.raises(ToolError, match=named):
        render(value)


def test_huge_values_are_not_copied() -> None:
    big = "x" * 100_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for value in (big, [big] * 3, {"a": big}, Output(content=big), range(10**12), iter([big])):
        content = render(value).content
        assert "[cut here" in content
        assert len(content) < MAX_CONTENT + 200
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 64_000  # kilobytes

"""The tool that looks at pictures."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from bottega import Agent
from bottega.events import Observation
from bottega.messages import Image
from bottega.testing import ScriptedModel, call
from bottega_tools.files.picture import media_type
from bottega_tools.images.size import picture_size


def drawn(kind: str, size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    file = io.BytesIO()
    Picture.new("RGB", size, "red").save(file, kind, **options)
    return file.getvalue()


def looking(folder: Path, model: Any, data: bytes, path: str = "a.png", **said: Any) -> Observation:
    (folder / "workspace").mkdir(exist_ok=True)
    (folder / "workspace" / "a.png").write_bytes(data)
    model = model or ScriptedModel(call("look_at_image", path=path, **said), "A red field.", "end")
    agent = Agent(model=model, tools=["look_at_image"], folder=folder)
    return next(e for e in agent.run("look").events if isinstance(e, Observation))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_model_is_shown_the_picture(tmp_path: Path, kind: str) -> None:
    model = ScriptedModel(call("look_at_image", path="a.png", question="Colour?"), "Red.", "end")
    seen = looking(tmp_path, model, drawn(kind))
    assert seen.content == "Red."
    parts = model.requests[1].messages[-1].parts
    shown = next(part for part in parts if isinstance(part, Image))
    assert shown.media_type == f"image/{kind.lower()}"
    assert "Colour?" in model.requests[1].messages[-1].text


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "dpi": (300, 300)}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"}),
    ],
)
def test_the_size_is_read_from_the_bytes(kind: str, options: dict[str, Any]) -> None:
    data = drawn(kind, (301, 77), **options)
    assert picture_size(data, media_type(data)) == (301, 77)
    for end in range(0, 40, 3):
        assert picture_size(data[:end], media_type(data)) in (None, (301, 77))


def test_a_bomb_is_refused_unopened(tmp_path: Path) -> None:
    png = bytearray(drawn("PNG"))
    struct.pack_into(">II", png, 16, 60_000, 60_000)
    seen = looking(tmp_path, None, bytes(png))
    assert "60,000 by 60,000 pixels: at most 40,000,000" in seen.content


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is no PNG, JPEG, GIF or WebP picture"),
        (b"%PDF-1.7", "is no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no PNG"),
        (b"\x89PNG\r\n\x1a\n", "is damaged"),
        (drawn("PNG") + bytes(5_000_000), "more than 5,000,000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    seen = looking(tmp_path, None, data)
    assert seen.is_error
    assert problem in seen.content


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "none.png"])
def test_paths_stay_in_the_workspace(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.png").write_bytes(drawn("PNG"))
    assert looking(tmp_path, None, drawn("PNG"), path=path).is_error


def test_a_node_that_may_not_read_may_not_look(tmp_path: Path) -> None:
    model = ScriptedModel(call("look_at_image", path="a.png"), "end")
    agent = Agent(
        model=model, tools=["look_at_image"], folder=tmp_path, allow=frozenset({"network"})
    )
    seen = next(e for e in agent.run("look").events if isinstance(e, Observation))
    assert "denied" in seen.content


def test_a_model_that_does_not_see_says_so(tmp_path: Path) -> None:
    class Blind:
        name = "embedded"
        extractive = True
        respond = ScriptedModel(call("look_at_image", path="a.png"), "end").respond

    assert "does not see pictures" in looking(tmp_path, Blind(), drawn("PNG")).content


@pytest.mark.parametrize("question", ["", "x" * 4_001])
def test_a_question_that_is_none_is_refused(tmp_path: Path, question: str) -> None:
    assert (
        "the question is empty" in looking(tmp_path, None, drawn("PNG"), question=question).content
    )

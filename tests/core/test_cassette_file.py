"""Cassettes on disk: what is damaged is named with its line."""

import json

import pytest

from bottega.cassette import Cassette, CassetteError
from bottega.cassette.file import load, save
from bottega.testing import ScriptedModel

LINES = [{"kind": "run", "at": "1", "asked": {}}, {"kind": "event", "at": "1", "is": "x ü \ud800"}]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "c.jsonl"
    save(path, LINES)
    return path


def picked(text, *numbers):
    lines = text.splitlines(keepends=True)
    return "".join(lines[number] for number in numbers)


def told(path):
    return [{k: v for k, v in line.items() if k != "sum"} for _, line in load(path)]


def test_lines_come_back_as_they_were(file):
    assert told(file) == LINES
    assert [number for number, _ in load(file)] == [2, 3]


def test_the_same_lines_make_the_same_file(file, tmp_path):
    save(tmp_path / "again.jsonl", LINES)
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-30], r"c\.jsonl:4: the line is no JSON"),
        (lambda text: picked(text, 0, 1, 2), r"c\.jsonl:3: .*cut short"),
        (lambda text: text.replace('"at":"1"', '"at":"2"', 1), r"c\.jsonl:2: the line was changed"),
        (lambda text: picked(text, 0, 2, 1, 3), r"c\.jsonl:4: lines were"),
        (lambda text: picked(text, 0, 2, 3), r"c\.jsonl:3: lines were"),
        (lambda text: picked(text, 0, 1, 1, 2, 3), r"c\.jsonl:5: lines were"),
        (lambda text: text.replace('"version":1', '"version":9'), r"c\.jsonl:1: .*version 9"),
        (lambda text: "hello\n", r"c\.jsonl:1: the line is no JSON"),
        (lambda text: "", r"c\.jsonl:1: the line is no JSON"),
        (lambda text: "[]\n", r"c\.jsonl:1: this is no cassette"),
        (lambda text: "[" * 100_000, r"c\.jsonl:1: the line is no JSON"),
    ],
)
def test_a_damaged_cassette_is_refused_with_its_line(file, change, message):
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    with pytest.raises(CassetteError, match=message):
        Cassette(file, "replay").__enter__()


def test_a_cassette_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(CassetteError, match="No such file"):
        load(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(CassetteError, match="cannot be read as a cassette"):
        load(tmp_path / "bytes")


def test_a_recording_that_cannot_be_written_leaves_the_old_one(file):
    with pytest.raises(TypeError):
        save(file, [{"kind": "run", "at": "1", "asked": ScriptedModel()}])
    assert told(file) == LINES
    assert list(file.parent.iterdir()) == [file]


def test_every_line_is_json_of_its_own(file):
    kinds = [json.loads(line)["kind"] for line in file.read_text("utf-8").splitlines()]
    assert kinds == ["cassette", "run", "event", "end"]

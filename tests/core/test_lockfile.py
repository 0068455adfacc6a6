"""`bottega.lock`: where it lies, what is written, and what a damaged one says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bottega.errors import BottegaError, InputError, StorageError
from bottega.lockfile import Lock


def test_what_is_set_is_read_by_the_next(tmp_path: Path) -> None:
    Lock.open(tmp_path).set("plugins", "dice", {"version": "1.0", "hash": "é"})
    Lock.open(tmp_path).set("mcp", "files", ["a"])
    lock = Lock.open(tmp_path)
    assert lock.get("plugins", "dice") == {"version": "1.0", "hash": "é"}
    assert lock.section("mcp") == {"files": ["a"]}
    assert lock.get("plugins", "other") is None
    assert lock.section("other") == {}


def test_the_file_is_sorted_and_nothing_else_is_left(tmp_path: Path) -> None:
    for name in ("b", "a"):
        Lock.open(tmp_path).set("plugins", name, {"z": 1, "y": 2})
    text = (tmp_path / "bottega.lock").read_text()
    assert list(json.loads(text)["plugins"]) == ["a", "b"]
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert [each.name for each in tmp_path.iterdir()] == ["bottega.lock"]


def test_remove(tmp_path: Path) -> None:
    lock = Lock.open(tmp_path)
    lock.set("plugins", "dice", 1)
    assert lock.remove("plugins", "dice")
    assert not lock.remove("plugins", "dice")
    assert json.loads(lock.file.read_text()) == {"version": 1}


@pytest.mark.parametrize("mark", ["bottega.lock", "bottega.toml", "pyproject.toml"])
def test_it_lies_in_the_project(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).write_text('{"version": 1}')
    inner = tmp_path / "graphs" / "deep"
    inner.mkdir(parents=True)
    assert Lock.open(inner).file == tmp_path / "bottega.lock"


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    def write(number: int) -> None:
        Lock.open(tmp_path).set("plugins", f"p{number}", number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(Lock.open(tmp_path).section("plugins")) == 40


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"version": 1', "is damaged"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b'{"version": 1, "plugins": {"a": 1, "a": 2}}', "'a' is there twice"),
        (b'{"version": 9}', "is of version 9"),
        (b"{}", "is of version None"),
        (b'{"version": 1, "plugins": []}', "'plugins' is no object"),
    ],
)
def test_a_damaged_file_is_one_line_and_stays_as_it_is(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "bottega.lock"
    file.write_bytes(content)
    lock = Lock.open(tmp_path)
    for call in (lambda: lock.get("plugins", "a"), lambda: lock.set("plugins", "a", 1)):
        with pytest.raises(InputError, match=expected) as caught:
            call()
        assert str(file) in caught.value.message
        assert len(caught.value.message.splitlines()) == 1
    assert file.read_bytes() == content


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bottega.lock").mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        Lock.open(tmp_path).get("plugins", "a")


def test_a_value_that_is_no_json_leaves_the_file(tmp_path: Path) -> None:
    lock = Lock.open(tmp_path)
    lock.set("plugins", "a", 1)
    with pytest.raises((BottegaError, ValueError)):
        lock.set("plugins", "b", float("nan"))
    assert lock.section("plugins") == {"a": 1}

"""`bottega new plugin`: writes a whole package, and nothing over what is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bottega.cli.main import run


@pytest.mark.parametrize("name", ["word-count", "bottega-word-count"])
def test_writes_a_package(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run(["new", "plugin", name, "--folder", str(tmp_path)]) == 0
    written = tmp_path / "bottega-word-count"
    project = tomllib.loads((written / "pyproject.toml").read_text())["project"]
    assert project["name"] == "bottega-word-count"
    assert project["entry-points"]["bottega"] == {"word-count": "bottega_word_count"}
    for path in written.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
    texts = [path.read_text() for path in written.rglob("*") if path.is_file()]
    assert not any("$" in text for text in texts)
    assert "word_count_words" in capsys.readouterr().out


def test_does_not_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bottega-weather").mkdir()
    assert run(["new", "plugin", "weather", "--folder", str(tmp_path)]) == 2
    assert "is already there" in capsys.readouterr().err
    assert list((tmp_path / "bottega-weather").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["", "Weather", "../weather", "we ather", "w\u0435ather", "-x", "a--b", "a_b", "x" * 60, "1st"],
)
def test_refuses_names_that_pip_or_python_would_not_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(["new", "plugin", "--folder", str(tmp_path), "--", name]) == 2
    assert "lower-case ASCII letters" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tools", "agents", "plugins"])
def test_refuses_a_name_that_would_hide_a_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(["new", "plugin", name, "--folder", str(tmp_path)]) == 2
    assert f"'bottega_{name}' is already installed" in capsys.readouterr().err


def test_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["new", "plugin", "weather", "--folder", str(tmp_path / "file")]) == 1
    assert "cannot be written: Not a directory" in capsys.readouterr().err

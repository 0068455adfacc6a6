"""`bottega plugins`, `tools`, `models`, `agents`: what is there, from whom, and what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dummy_distribution import on_path, write_distribution

from bottega.cli.main import run
from bottega.plugin.manager import PluginManager, replace_default
from bottega.testing import clean_plugins

__all__ = ["clean_plugins"]

SOURCE = """
@hookimpl
def bottega_models():
    return [
        Offer(
            name="oracle",
            summary="Knows \\x1b[31mall\\x1b[0m [bold]things[/bold].",
            factory=lambda context: None,
            details=("answers in riddles", "cannot see images\\u202e"),
            settings={"ORACLE_KEY": "opens the gate"},
        )
    ]
@hookimpl
def bottega_tools():
    return [Offer(name="hammer", summary="Hits.", factory=lambda context: None)]
@hookimpl
def bottega_agents():
    return [Offer(name="smith", summary="Forges.", factory=lambda context: None)]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Install a good plugin; what is discovered is forgotten after the test."""
    write_distribution(tmp_path, "forge", SOURCE, version="4.2")
    before = replace_default(None)
    with on_path(tmp_path):
        yield tmp_path
    replace_default(before)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "name", "summary"),
    [("tools", "hammer", "Hits."), ("agents", "smith", "Forges.")],
)
def test_lists_offers_and_their_origin(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, name: str, summary: str
) -> None:
    lines = printed(capsys, command).splitlines()
    assert [name, "forge", "forge", "4.2", *summary.split()] in [line.split() for line in lines]


def test_models_say_what_they_can_and_cannot_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "models")
    assert "  - answers in riddles\n" in out
    assert "  - ORACLE_KEY: opens the gate\n" in out
    assert r"Knows \x1b[31mall\x1b[0m [bold]things[/bold]." in out
    assert r"cannot see images\u202e" in out
    assert "\x1b" not in out


def test_listings_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = json.loads(printed(capsys, "models", "--json"))["models"]
    (oracle,) = [each for each in models if each["name"] == "oracle"]
    assert oracle["distribution"] == "forge"
    assert oracle["details"][0] == "answers in riddles"
    assert oracle["settings"] == {"ORACLE_KEY": "opens the gate"}


def test_plugins_shows_states_and_reasons(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(folder, "cracked", "raise ValueError('\\x1b[2J cracked')", version="0.9")
    write_distribution(folder, "resting", "")
    monkeypatch.setenv("BOTTEGA_DISABLE", "resting,ghost")
    assert run(["plugins"]) == 0
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["forge"] == [
        "forge",
        "4.2",
        "ok",
        *["tool", "hammer;", "model", "oracle;", "agent", "smith"],
    ]
    assert rows["resting"] == ["resting", "1.0", "disabled", "-"]
    assert r"cracked (cracked 0.9): import failed: ValueError: \x1b[2J cracked" in out
    assert "unknown plugin 'ghost'" in err


def test_plugins_as_json(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(folder, "cracked", "print('noise')\n1 / 0")
    monkeypatch.setenv("BOTTEGA_DISABLE", "ghost")
    document = json.loads(printed(capsys, "plugins", "--json"))
    records = {each["name"]: each for each in document["plugins"]}
    assert records["cracked"]["state"] == "failed"
    assert "ZeroDivisionError" in records["cracked"]["failures"][0]["error"]
    assert records["forge"]["offers"]["tool"] == ["hammer"]
    assert records["core"]["distribution"] == "bottega"
    assert "ghost" in document["warnings"][0]


def test_other_listings_name_a_failed_plugin_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_distribution(folder, "cracked", "1 / 0")
    assert run(["tools"]) == 0
    out, err = capsys.readouterr()
    assert "hammer" in out
    (line,) = [line for line in err.splitlines() if "cracked" in line]
    assert line.startswith("warning: plugin 'cracked' (cracked 1.0): import failed: ZeroDivision")


def test_an_empty_list_says_so(
    clean_plugins: PluginManager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, "models") == "no model is registered\n"
    assert json.loads(printed(capsys, "models", "--json")) == {"models": []}

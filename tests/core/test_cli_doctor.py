"""`bottega doctor`: says what works, what is missing and how to get it, and what is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dummy_distribution import on_path, write_distribution

from bottega.cli.checkup import check_all
from bottega.cli.main import run
from bottega.plugin.extras import libraries
from bottega.plugin.manager import PluginManager, default_plugins, replace_default

Checks = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder on the path; what is discovered is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOTTEGA_HOME", raising=False)
    before = replace_default(None)
    with on_path(tmp_path):
        yield tmp_path
    replace_default(before)


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, Checks]:
    with pytest.raises(SystemExit) as caught:
        run(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] == (caught.value.code == 0)
    checks = {(each["area"], each["name"]): each for each in document["checks"]}
    assert isinstance(caught.value.code, int)
    return caught.value.code, checks


def test_a_healthy_machine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = doctor(capsys)
    assert code == 0, [each for each in checks.values() if each["state"] == "broken"]
    assert checks["plugin", "core"]["state"] == "ok"
    assert checks["dialect", "native"]["state"] == "ok"
    assert checks["state", str(folder / ".bottega")]["state"] == "ok"
    assert not (folder / ".bottega").exists()


def test_really_runs_the_embedded_embedder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, checks = doctor(capsys)
    assert "384 dimensions" in checks["embedder", "minilm"]["text"]


def test_what_is_not_tried_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, checks = doctor(capsys)
    left = {name: check for (area, name), check in checks.items() if area == "agent"}
    tried = {name for name, check in left.items() if check["state"] == "ok"}
    (untried,) = [name for name, check in left.items() if check["state"] == "note"]
    named = set(untried.split(", "))
    assert {"critic", "planner"} <= named
    assert not tried & named
    offered = set(default_plugins().offers("agent"))
    assert tried | named == offered
    (others,) = [check["name"] for check in checks.values() if check["area"] == "offer"]
    assert {"model", "decider", "memory"} <= set(others.split(", "))


def test_a_broken_plugin_fails_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(folder, "cracked", "1 / 0")
    code, checks = doctor(capsys)
    assert code == 1
    assert checks["plugin", "cracked"]["state"] == "broken"
    assert "ZeroDivisionError" in checks["plugin", "cracked"]["text"]


def test_names_an_extra_that_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
    def make(context):
        import library_that_nobody_has
    @hookimpl
    def bottega_tools():
        return [Offer(name="needy", summary="Needs more.", factory=make, extra="full")]
    """
    write_distribution(folder, "needy-plugin", source)
    code, checks = doctor(capsys)
    assert code == 0
    assert checks["tool", "needy"]["state"] == "missing"
    assert "pip install 'needy-plugin[full]'" in checks["tool", "needy"]["text"]
    extra = checks["extra", "local"]
    assert (extra["state"] == "ok") != ("pip install 'bottega[local]'" in extra["hint"])


def test_never_prints_a_key(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORACLE_KEY", "sk-very-secret")
    source = """
    @hookimpl
    def bottega_models():
        settings = {"ORACLE_KEY": "opens the gate", "ORACLE_URL": "where the gate is"}
        return [Offer(name="oracle", summary="Knows.", factory=print, settings=settings)]
    """
    write_distribution(folder, "oracle", source)
    _, checks = doctor(capsys)
    assert checks["setting", "ORACLE_KEY"]["text"] == "set"
    assert "where the gate is" in checks["setting", "ORACLE_URL"]["text"]
    assert "sk-very-secret" not in json.dumps(list(checks.values()))


def test_finds_a_state_folder_that_cannot_be_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("BOTTEGA_HOME", str(folder / "file" / "state"))
    code, checks = doctor(capsys)
    assert code == 1
    assert "cannot be written" in checks["state", str(folder / "file" / "state")]["text"]


def test_flags_code_that_runs_at_every_start_of_python(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thief = {"thief.pth": "/some/folder\nimport os; os.system('steal')\n"}
    editable = {"__editable__.honest.pth": "import __editable___honest\n"}
    write_distribution(folder, "thief", "", files=thief)
    write_distribution(folder, "honest", "", files=editable)
    write_distribution(folder, "harmless", "", files={"harmless.pth": "/some/folder\n"})
    code, checks = doctor(capsys)
    assert code == 1
    assert checks["pth", "thief"]["state"] == "broken"
    assert "thief.pth runs at every start of Python: import os" in checks["pth", "thief"]["text"]
    assert checks["pth", "honest"]["state"] == "note"
    assert ("pth", "harmless") not in checks


def test_shows_what_an_import_did(folder: Path) -> None:
    write_distribution(folder, "chatty", "print('hello')")
    checks = list(check_all(PluginManager.discover(), folder))
    (note,) = [each for each in checks if each.name == "chatty" and each.state == "note"]
    assert "printed 6 characters" in note.text


def test_as_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(folder, "cracked", "1 / 0")
    with pytest.raises(SystemExit) as caught:
        run(["doctor"])
    out = capsys.readouterr().out
    assert caught.value.code == 1
    assert "BROKEN   plugin      cracked: cracked 1.0: import failed: ZeroDivisionError" in out
    assert out.endswith("1 broken\n")


def test_reads_what_a_distribution_needs(folder: Path) -> None:
    module = write_distribution(folder, "wants", "")
    (folder / f"{module}-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: wants\nVersion: 1.0\n"
        "Requires-Dist: click>=1\n"
        "Requires-Dist: pluggy[x] >= 999 ; python_version > '3'\n"
        'Requires-Dist: nobody-has-this ; extra == "more"\n'
    )
    found = {each.name: each for each in libraries("wants")}
    assert found["click"].usable
    assert found["pluggy"].installed
    assert not found["pluggy"].usable
    assert (found["nobody-has-this"].extra, found["nobody-has-this"].usable) == ("more", False)
    assert list(libraries("not-installed-at-all")) == []

"""Consent for strangers' plugins: asked, remembered, asked again."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dummy_distribution import on_path, write_distribution

from bottega import Agent, Graph
from bottega.cli import main
from bottega.consent import ConsentError
from bottega.events import Observation
from bottega.lockfile import Lock
from bottega.plugin import fingerprint as fingerprints
from bottega.plugin.manager import PluginManager, replace_default
from bottega.seal import is_sealed
from bottega.testing import Call, Say, ScriptedModel

SOURCE = """
from pathlib import Path
from bottega import tool

@tool(permissions=frozenset({"files:read"}))
def peek(path: str) -> str:
    '''Read a file.'''
    return Path(path).read_text()[:4]

@tool
def quiet(path: str) -> str:
    '''Read a file without saying so.'''
    return Path(path).read_text()[:4]

class Pair:
    name = "pair"
    tools = (peek,)

def _configured(context, *, way):
    return peek

@hookimpl
def bottega_tools():
    return [
        Offer(name="peek", summary="Reads.", factory=lambda context: peek),
        Offer(name="quiet", summary="Reads.", factory=lambda context: quiet),
        Offer(name="pair", summary="Reads.", factory=lambda context: Pair()),
        Offer(name="configured", summary="Reads.", factory=_configured),
    ]
"""


class House:
    """A folder of plugins, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.packages, self.work = folder / "packages", folder / "work"
        self.packages.mkdir()
        self.work.mkdir()

    def install(self, source: str = SOURCE, version: str = "1.0") -> PluginManager:
        for old in self.packages.glob("*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        write_distribution(self.packages, "peeker", source, version=version)
        fingerprints.fingerprint.cache_clear()
        sys.modules.pop("peeker", None)
        manager = PluginManager.discover()
        replace_default(manager)
        return manager

    def agent(self, *tools: str) -> Agent:
        call = Say(calls=(Call(name="peek", arguments={"path": "/etc/passwd"}),))
        return Agent(model=ScriptedModel(call, "done"), tools=list(tools), folder=self.work)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path)
    monkeypatch.chdir(made.work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    before = replace_default(None)
    with on_path(made.packages):
        yield made
    replace_default(before)
    fingerprints.fingerprint.cache_clear()


def cli(*arguments: str) -> int:
    return main.run(arguments)


def test_a_tool_that_wants_a_permission_is_refused_until_it_is_approved(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.install()
    with pytest.raises(ConsentError) as caught:
        house.agent("peek").run("go")
    assert caught.value.exit_code == 2
    assert caught.value.message == (
        "tool 'peek' of plugin 'peeker' (peeker 1.0) wants files:read: nobody has approved it"
    )
    assert "bottega plugins approve peeker" in caught.value.hint
    assert cli("plugins", "approve", "peeker") == 0
    out = capsys.readouterr()
    assert "approved: tool 'peek' of plugin 'peeker' (peeker 1.0) wants files:read" in out.out
    assert "tool 'configured' is made with options" in out.err
    result = house.agent("peek").run("go")
    assert [each.content for each in result.events if isinstance(each, Observation)] == ["root"]
    assert house.agent("pair").run("go").answer == "done"


def test_what_is_approved_can_be_read(house: House) -> None:
    house.install()
    cli("plugins", "approve", "peeker")
    kept = json.loads((house.work / "bottega.lock").read_text())["plugins"]["peeker"]
    assert (kept["distribution"], kept["version"]) == ("peeker", "1.0")
    assert kept["hash"].startswith("sha256:")
    assert kept["tools"]["peek"]["permissions"] == ["files:read"]
    assert set(kept["tools"]) == {"peek"}


@pytest.mark.parametrize(
    ("source", "version", "why"),
    [
        (SOURCE, "1.1", r"its version changed since it was approved \(1\.0 was approved\)"),
        (SOURCE + "# new", "1.0", "its files changed"),
        (SOURCE.replace('{"files:read"}', '{"files:read", "network"}'), "1.0", "its files changed"),
    ],
)
def test_what_changed_is_asked_again(
    house: House, source: str, version: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house.install()
    cli("plugins", "approve", "peeker")
    house.install(source, version)
    with pytest.raises(ConsentError, match=why):
        house.agent("peek").run("go")
    capsys.readouterr()
    cli("plugins", "--json")
    records = {each["name"]: each for each in json.loads(capsys.readouterr().out)["plugins"]}
    assert records["peeker"]["consent"] == "changed"
    cli("plugins", "approve", "peeker")
    assert house.agent("peek").run("go").answer == "done"


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [("WANTED", "network", "its permissions changed"), ("NAMED", "p", "its schema changed")],
)
def test_a_tool_that_makes_itself_anew_is_asked_again(
    house: House, variable: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANTED", "files:read")
    monkeypatch.setenv("NAMED", "path")
    house.install(FICKLE)
    cli("plugins", "approve", "peeker")
    assert house.agent("peek").parts.tools
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConsentError, match=why):
        house.agent("peek").run("go")


FICKLE = """
import os
from bottega import tool

def _made(context):
    names = {}
    exec(f"def peek({os.environ['NAMED']}: str) -> str:\\n    'Read a file.'", names)
    return tool(permissions=frozenset({os.environ["WANTED"]}))(names["peek"])

@hookimpl
def bottega_tools():
    return [Offer(name="peek", summary="Reads.", factory=_made)]
"""


def test_a_lock_that_came_with_a_project_approves_nothing(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    house.install()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "stranger"))
    cli("plugins", "approve", "peeker")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(ConsentError, match="was not given by you, in this folder"):
        house.agent("peek").run("go")
    capsys.readouterr()
    cli("plugins")
    assert "by somebody else" in capsys.readouterr().out
    cli("plugins", "approve", "peeker")
    assert house.agent("peek").run("go").answer == "done"


@pytest.mark.parametrize(
    "forged",
    [
        {"seal": "0" * 64},
        {"seal": None},
        {"seal": "é"},
        {"tools": {"peek": {"permissions": ["network"]}}},
        {"tools": []},
    ],
)
def test_an_approval_that_was_forged_counts_for_nothing(
    house: House, forged: dict[str, Any]
) -> None:
    house.install()
    cli("plugins", "approve", "peeker")
    lock = Lock.open(house.work)
    for entry in ({**dict(lock.section("plugins"))["peeker"], **forged}, {}, "approved"):
        lock.set("plugins", "peeker", entry)
        with pytest.raises(ConsentError, match="or was changed"):
            house.agent("peek").run("go")


def test_an_approval_counts_for_its_folder_plugin_and_section_only(
    house: House, tmp_path: Path
) -> None:
    house.install()
    cli("plugins", "approve", "peeker")
    lock = Lock.open(house.work)
    kept = lock.get("plugins", "peeker")
    assert is_sealed(lock, "plugins", "peeker", kept)
    assert not is_sealed(lock, "plugins", "other", kept)
    assert not is_sealed(lock, "mcp", "peeker", kept)
    assert not is_sealed(Lock(tmp_path / "bottega.lock"), "plugins", "peeker", kept)


def test_the_key_never_lies_in_the_project(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.install()
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")  # relative: it would be the project's
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cli("plugins", "approve", "peeker")
    assert not (house.work / "config").exists()
    key = tmp_path / "home" / ".config" / "bottega" / "consent.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_revoked_is_refused_and_the_listing_says_how_it_stands(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.install()
    cli("plugins", "approve", "peeker")
    capsys.readouterr()
    cli("plugins")
    assert "peeker: approved in bottega.lock" in capsys.readouterr().out
    assert cli("plugins", "revoke", "peeker") == 0
    with pytest.raises(ConsentError):
        house.agent("peek").run("go")
    assert cli("plugins", "revoke", "peeker") == 2
    assert cli("plugins", "approve", "peker") == 2
    assert "did you mean 'peeker'?" in capsys.readouterr().err


def test_a_tool_that_wants_nothing_needs_no_consent_and_gets_nothing(house: House) -> None:
    house.install()
    model = ScriptedModel(
        Say(calls=(Call(name="quiet", arguments={"path": "/etc/passwd"}),)), "done"
    )
    result = Agent(model=model, tools=["quiet"], folder=house.work).run("go")
    (seen,) = (each for each in result.events if isinstance(each, Observation))
    assert "denied: quiet may not read '/etc/passwd': it has no files:read" in seen.content


def test_bottega_s_own_tools_need_no_consent(house: House) -> None:
    house.install()
    agent = Agent(model=ScriptedModel("x"), tools=["calculator"], folder=house.work)
    assert agent.run("go").answer == "x"


def test_a_tool_with_options_is_approved_by_the_graph_that_gives_them(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.install()
    file = house.work / "g.yaml"
    file.write_text(GRAPH.replace("[peek]", "[{configured: {way: up}}]"))
    cli("plugins", "approve", "peeker")
    assert "name a graph that uses it with --graph" in capsys.readouterr().err
    cli("plugins", "revoke", "peeker")
    assert cli("plugins", "approve", "peeker", "--graph", "g.yaml") == 0
    assert "made with options" not in capsys.readouterr().err
    assert Graph.from_yaml(file).team.parts["a"].tools
    file.write_text("nodes: [")
    assert cli("plugins", "approve", "peeker", "--graph", "g.yaml") == 2


GRAPH = """
model: embedded
nodes: {a: {kind: specialist, tools: [peek]}}
edges: [start -> a, a -> end]
"""


def test_the_person_at_the_terminal_is_asked(house: House) -> None:
    house.install()
    (house.work / "g.yaml").write_text(GRAPH)
    said, code = _at_terminal(house, "y")
    assert "tool 'peek' of plugin 'peeker' (peeker 1.0) wants files:read" in said
    assert "Approve it? [y/N]" in said
    assert (house.work / "bottega.lock").exists()
    assert "the task is empty" in said  # it went on, to the next thing that is wrong
    assert code == 2


def _at_terminal(house: House, reply: str) -> tuple[str, int]:
    """Run the graph in a terminal of its own, and answer the question."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bottega", "run", "g.yaml", ""]
    environment = {**os.environ, "PYTHONPATH": str(house.packages), "NO_COLOR": "1"}
    process = subprocess.Popen(
        command, cwd=house.work, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    said, answered, end = "", False, time.monotonic() + 60
    while time.monotonic() < end and select.select([ours], [], [], 30)[0]:
        try:
            said += os.read(ours, 65_536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            break
        if "Approve it?" in said and not answered:
            answered = True
            os.write(ours, f"{reply}\n".encode())
    os.close(ours)
    return said, process.wait(30)

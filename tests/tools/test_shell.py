"""The tool `shell`: command lines in the sandbox, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from bottega.errors import InputError, SandboxError, ToolError
from bottega.permissions import Permissions
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import check_tool
from bottega_tools.shell import Shell


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    return PluginManager.discover()


@pytest.fixture
def context(plugins: PluginManager, tmp_path: Path) -> FactoryContext:
    return FactoryContext(plugins=plugins, folder=tmp_path)


def make(context: FactoryContext, **options: object) -> Shell:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    made: Shell = context.make("tool", "shell", **options)
    return made


def run(tool: Shell, command: str) -> str:
    return asyncio.run(tool.run(command)).content


def test_it_keeps_the_rules_of_tools(context: FactoryContext) -> None:
    check_tool(make(context), command="echo hello")


def test_a_command_line_with_pipes(context: FactoryContext) -> None:
    assert run(make(context), "printf 'b\\na\\n' | sort | tr a-z A-Z") == "A\nB"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "[exit status 3]"),
        ("echo oops >&2; false", "oops\n[exit status 1]"),
        ("true", "Done: exit status 0, nothing was printed."),
        ("kill -TERM $$", "[exit status -15]"),
        ("nosuchprogram", "nosuchprogram: command not found\n[exit status 127]"),
        ("cat /etc/shadow", "No such file or directory"),
        ("cat /proc/cmdline", "Permission denied"),
        ("ls -A /root /home 2>/dev/null", "[exit status 2]"),
        ("echo > /dev/tcp/127.0.0.1/80", "Address family not supported"),
        ("touch /usr/bin/x", "Read-only file system"),
        ("env | grep -c CANARY", "0\n[exit status 1]"),
        ("cat; echo read", "read"),
    ],
)
def test_what_comes_of_a_command(
    context: FactoryContext, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setenv("CANARY", "secret")
    assert said in run(make(context), command)


def test_every_call_begins_anew(context: FactoryContext) -> None:
    tool = make(context)
    run(tool, "echo x > kept; sleep 60 &")
    assert run(tool, "ls; ps -e | grep -c sleep") == "0\n[exit status 1]"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sleep 60", "it ran longer than 0.7 s"),
        ("echo before; while :; do :; done", "Printed before that:\nbefore"),
        ("kill -9 -1", "its process ended"),
    ],
)
def test_a_command_that_is_stopped_is_a_failed_call(
    context: FactoryContext, command: str, said: str
) -> None:
    with pytest.raises(ToolError) as caught:
        run(make(context, seconds=0.7), command)
    assert caught.value.message.startswith("the command was stopped")
    assert said in caught.value.message


def test_output_is_cut_with_a_note(context: FactoryContext) -> None:
    said = run(make(context), "head -c 100000 /dev/zero | tr '\\0' x")
    assert said == "x" * 30_000 + "\n[70,000 more characters were printed and are dropped]"


@pytest.mark.parametrize("command", ["", " \n", "a\0b", "x" * 40_000])
def test_what_is_no_command_line(context: FactoryContext, command: str) -> None:
    with pytest.raises(ToolError, match="command line"):
        run(make(context), command)


def test_a_workspace_to_read(context: FactoryContext, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("2\n1\n")
    tool = make(context, workspace="data")
    assert run(tool, "pwd; sort -n a.csv") == "/workspace\n1\n2"
    assert "Read-only file system" in run(tool, "touch new")
    assert tool.effects == "none"
    assert tool.permissions == {"process", f"files:read:{tmp_path}/data"}


def test_a_workspace_to_write_to(context: FactoryContext, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    if os.geteuid() == 0:
        with pytest.raises(SandboxError, match="belongs to root"):
            make(context, workspace="project", writable=True)
        os.chown(folder, 12_345, 12_345)
    tool = make(context, workspace="project", writable=True)
    assert run(tool, "echo made > new; cat new") == "made"
    assert (folder / "new").read_text() == "made\n"
    assert (folder / "new").stat().st_uid == folder.stat().st_uid
    assert tool.effects == "once"
    assert Permissions.of(tool.permissions)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 0}, "above 0"),
        ({"memory": 1}, "at least 32 MiB"),
        ({"writable": True}, "nothing to write to"),
        ({"workspace": "nowhere"}, "is no folder"),
    ],
)
def test_options_that_make_no_sense(
    context: FactoryContext, options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        make(context, **options)

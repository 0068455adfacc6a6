"""MCP servers that die, hang, flood, talk gibberish or will not end: one line, and on it goes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp_nursery import contents, described, is_alive, observed, raw, raw_command

from bottega.errors import BottegaError, InputError, ToolError
from bottega.testing import call
from bottega_plugins.adapters import MCPServer

NAMES = (
    "echo",
    "die",
    "hang",
    "huge",
    "flood",
    "garbage",
    "noise",
    "env",
    "child",
    "wrong",
    "deep",
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps([described(name, n={"type": "integer"}) for name in NAMES]))
    return file


def test_a_server_that_dies_in_a_call_is_told_and_started_again(tools: Path) -> None:
    first, second = contents(raw(tools, name="frail"), "die", "echo")
    assert first == (
        "Error: the MCP server frail ended with exit code 3; it wrote: the disk is full"
    )
    assert second == "{}"


def test_one_that_dies_again_and_again_is_let_be(tools: Path) -> None:
    deaths = [call("die", n=number) for number in range(4)]
    *_, last = observed(raw(tools, name="frail"), *deaths, call("echo"))
    told = "Error: the MCP server frail ended 3 times within a minute: it ended with exit code 3"
    assert last.content.startswith(told)


def test_a_call_that_is_never_answered_ends_with_its_time(tools: Path) -> None:
    slow, after = contents(raw(tools, timeout=0.3), "hang", "echo")
    assert slow == "Error: hang did not finish within 0.3 s"
    assert after == "{}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("huge", "sent a message of more than 8 MB"),
        ("flood", "sent more than 16 MB that nobody asked for"),
        ("garbage", "writes what is not MCP to its standard output: '{ this is not JSON'"),
    ],
)
def test_what_floods_is_broken_off_within_bounded_memory(tools: Path, name: str, told: str) -> None:
    server = raw(tools, name="loud", timeout=20)
    assert contents(server, "echo") == ["{}"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    broken, after = contents(server, name, "echo")
    assert broken == f"Error: the MCP server loud {told}"
    assert after == "{}"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kilobytes


def test_noise_beside_the_protocol_does_no_harm(tools: Path) -> None:
    assert contents(raw(tools), "noise") == ["{}"]


def test_an_answer_of_another_form_is_one_line(tools: Path) -> None:
    (wrong,) = contents(raw(tools, name="odd"), "wrong")
    assert wrong.startswith("Error: the MCP server odd answered: ")
    assert "\n" not in wrong
    (deep,) = contents(raw(tools, name="odd", timeout=1), "deep")
    assert deep == "Error: deep did not finish within 1 s"


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("mute", "the MCP server s was not ready within 0.5 s"),
        ("exit", "the MCP server s ended with exit code 1; it wrote: no licence"),
        ("endless", "the MCP server s: its list of tools has more than 100 pages"),
    ],
)
def test_one_that_cannot_be_started_is_told_before_the_run(mode: str, told: str) -> None:
    server = raw(mode=mode, name="s", start_seconds=0.5 if mode == "mute" else 10)
    with pytest.raises(ToolError) as caught:
        _ = server.tools
    assert caught.value.message == told


def test_one_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="server gone: there is no program 'no-such-program'"):
        _ = MCPServer(command=["no-such-program"], name="gone").tools
    with pytest.raises(BottegaError, match=r"the MCP server 127\.0\.0\.1 cannot be used: "):
        _ = MCPServer(url="http://127.0.0.1:9/mcp", allow=["127.0.0.1:9"]).tools


def test_a_list_is_read_page_by_page_and_names_in_it_are_its_own(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps([described(name) for name in ("a", "b", "c")]))
    assert [t.spec.name for t in raw(file, "pages").tools] == ["a", "b", "c"]
    file.write_text(json.dumps([described("a"), described("a")]))
    with pytest.raises(ToolError, match="it lists two tools named 'a'"):
        _ = raw(file).tools
    file.write_text(json.dumps([described(f"t{n}") for n in range(501)]))
    with pytest.raises(ToolError, match="lists more than 500 tools"):
        _ = raw(file).tools


def test_a_schema_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(
        json.dumps([described("good"), described("bad", a={"type": "string", "pattern": "("})])
    )
    with pytest.raises(InputError, match=r"tool bad: .*\(leave it out: name the others in `only`"):
        _ = raw(file).tools
    assert [t.spec.name for t in raw(file, only=["good"]).tools] == ["good"]


@pytest.mark.parametrize("mode", ["", "stubborn"])
def test_a_server_and_its_children_end_with_the_run(tools: Path, mode: str) -> None:
    (event,) = observed(raw(tools, mode), call("child"))
    server, child = map(int, event.content.split())
    deadline = time.monotonic() + 5
    while (is_alive(server) or is_alive(child)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(server)
    assert not is_alive(child)


def test_a_server_gets_few_variables_and_those_that_are_named(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret-value-1")
    monkeypatch.setenv("WANTED", "yes")
    (told,) = contents(raw(tools, env=["WANTED"]), "env")
    given = json.loads(told)
    assert given["WANTED"] == "yes"
    assert given.keys() <= {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "WANTED", "LC_CTYPE"}
    with pytest.raises(InputError, match="the variable NOT_THERE is not set"):
        _ = raw(tools, env=["NOT_THERE"]).tools


def test_a_command_is_no_shell_s(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(InputError, match="needs a command or a URL"):
        MCPServer(command=f"touch {mark}")
    with pytest.raises(InputError, match="there is no program"):
        _ = MCPServer(command=[f"touch {mark}"]).tools
    with pytest.raises(ToolError):
        _ = MCPServer(command=["echo", f"; touch {mark}", "`id`", "$HOME"]).tools
    assert not mark.exists()
    with pytest.raises(InputError, match="NUL"):
        MCPServer(command=["echo", "a\x00b"])


HOST = """
import sys, time
from bottega import Agent
from bottega.testing import ScriptedModel, call
from bottega_plugins.adapters import MCPServer

server = MCPServer(command=sys.argv[1:])
for event in Agent(model=ScriptedModel(call("child"), "x"), tools=[server]).stream("go"):
    if event.kind == "observation":
        print(event.content, flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends a child with its parent")
def test_a_server_ends_when_its_host_is_killed(tools: Path) -> None:
    command = [sys.executable, "-c", HOST, *raw_command(tools, "stubborn")]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    server, child = map(int, host.stdout.readline().split())
    try:
        host.kill()
        host.wait()
        deadline = time.monotonic() + 5
        while is_alive(server) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_alive(server)
    finally:
        host.stdout.close()
        os.kill(child, signal.SIGKILL)

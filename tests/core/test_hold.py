"""Tools in processes of their own, held to their permissions by the kernel."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import held_tools as tools
import pytest

from bottega.calling import call_tool
from bottega.errors import SandboxError, ToolError
from bottega.isolation import landlock, seccomp
from bottega.isolation.host import close_zygotes
from bottega.permissions import Permissions
from bottega.tools import Tool, ToolContext

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are held on Linux")
needs_landlock = pytest.mark.skipif(
    sys.platform != "linux" or not landlock.version(), reason="this kernel has no Landlock"
)
ALL = ("network", "files:read", "files:write", "process")
REFUSED = "failed: Permission denied"


@pytest.fixture(scope="module", autouse=True)
def end_zygotes() -> Iterator[None]:
    yield
    close_zygotes()


def run(target: Tool, *allow: str, **arguments: Any) -> str:
    context = ToolContext(allowed=Permissions.of(allow), limited=True)
    return asyncio.run(call_tool(target, target.validate(arguments), context)).content


def without(word: str) -> list[str]:
    return [each for each in ALL if each != word]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, 16])
def test_without_network_there_are_no_sockets(family: int) -> None:
    assert run(tools.open_socket, *without("network"), family=family) == REFUSED


def test_with_network_there_are() -> None:
    assert run(tools.open_socket, "network", family=socket.AF_INET) == "done"


@pytest.mark.parametrize("target", [tools.fork, tools.execute, tools.signal_parent])
def test_without_process_there_is_none(target: Tool) -> None:
    assert run(target, *without("process")) == REFUSED


@pytest.mark.parametrize("word", ["network", "process"])
def test_no_ring_goes_round_it(word: str) -> None:
    assert run(tools.ring, *without(word)) == REFUSED


def test_with_process_there_is() -> None:
    assert run(tools.fork, "process") == "done"
    assert run(tools.run_program, "process:echo", "files:read") == "hello\n"


def test_threads_and_imports_are_as_ever() -> None:
    assert run(tools.work_in_thread) == "colorsys"


@needs_landlock
def test_files_are_those_that_are_allowed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a").write_text("x")
    scopes = (f"files:read:{inside}", f"files:write:{inside}", "network", "process")
    new = os.O_WRONLY | os.O_CREAT
    for path, flags, expected in (
        (inside / "a", os.O_RDONLY, "done"),
        (inside / "new", new, "done"),
        (outside / "a", os.O_RDONLY, REFUSED),
        (outside / "a", os.O_WRONLY, REFUSED),
        (outside / "new", new, REFUSED),
        (inside / ".." / "outside" / "a", os.O_RDONLY, REFUSED),
        (Path("/etc/passwd"), os.O_RDONLY, REFUSED),
    ):
        assert run(tools.open_file, *scopes, path=str(path), flags=flags) == expected, path
    assert run(tools.remove_file, *scopes, path=str(outside / "a")) == REFUSED
    assert (outside / "a").exists()
    assert not (outside / "new").exists()


@needs_landlock
def test_without_a_word_of_files_there_are_none(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    allowed = ("network", "process")
    assert run(tools.open_file, *allowed, path=str(file), flags=os.O_RDONLY) == REFUSED
    assert run(tools.open_file, *allowed, path=str(file), flags=os.O_WRONLY) == REFUSED


def test_hosts_and_paths_are_held_by_python_as_well(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert run(tools.connect, "network:127.0.0.1", host="127.0.0.1", port=port) == "connected"
        with pytest.raises(ToolError, match=r"denied: connect may not .*limited to example\.org"):
            run(tools.connect, "network:example.org", host="127.0.0.1", port=port)
    with pytest.raises(ToolError, match="denied: write may not write"):
        run(tools.write, "network", path=str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()


def test_nothing_is_left_open_that_leads_out() -> None:
    assert int(run(tools.count_descriptors, "files:read")) <= 2  # its result, and the listing


def test_a_machine_without_a_filter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(SandboxError, match="vax"):
        seccomp.forbid(network=True, processes=True)


def test_who_is_not_limited_is_not_held() -> None:
    context = ToolContext(allowed=Permissions.of([]))
    target = tools.open_socket
    arguments = target.validate({"family": int(socket.AF_INET)})
    assert asyncio.run(call_tool(target, arguments, context)).content == "done"

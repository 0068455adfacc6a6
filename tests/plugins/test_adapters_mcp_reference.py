"""MCP's own reference servers from npm: what others' clients can do with them, ours can, too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mcp_nursery import SERVERS, observed

from bottega.testing import call
from bottega_plugins.adapters import MCPServer

MODULES = SERVERS / "reference" / "node_modules" / "@modelcontextprotocol"
pytestmark = [
    pytest.mark.skipif(
        shutil.which("node") is None or not (MODULES / "server-everything").exists(),
        reason=f"not installed: npm ci --ignore-scripts --prefix {SERVERS.name}/reference",
    ),
    pytest.mark.xdist_group("mcp"),
]


def reference(name: str, *arguments: str, **options: Any) -> MCPServer:
    command = ["node", str(MODULES / name / "dist" / "index.js"), *arguments]
    return MCPServer(command=command, **options)


def test_the_server_that_has_everything() -> None:
    server = reference("server-everything", "stdio", resources=True, prompts=True, timeout=20)
    assert server.name == "server-everything"
    seen = observed(
        server,
        call("echo", message="hi"),
        call("get-sum", a=2, b=3.5),
        call("get-sum", a="two", b=3),
        call("get-structured-content", location="Chicago"),
        call("get-resource-links", count=2),
        call("get-resource-reference", resourceType="Blob", resourceId=2),
        call("get-annotated-message", messageType="success", includeImage=True),
        call("trigger-long-running-operation", duration=0.1, steps=2),
        call("prompt_args-prompt", city="Rome"),
        call("list_resources"),
        call("read_resource", uri="demo://resource/dynamic/text/1"),
        call("get-env"),
    )
    told = [event.content for event in seen]
    assert told[0] == "Echo: hi"
    assert "5.5" in told[1]
    assert "'a' must be a number" in told[2]
    assert '"temperature"' in told[3]
    assert told[4].count("[resource ") == 2
    assert "application/octet-stream" in told[5] or "not shown" in told[5]
    assert "progress 2/2" in seen[7].printed
    assert told[8].startswith("user:\n")
    assert "Rome" in told[8]
    assert "demo://resource/dynamic/text/{resourceId}" in told[9]
    assert told[10].startswith("[demo://resource/dynamic/text/1]\n")
    given = json.loads(told[11])
    assert given.keys() <= {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}


def test_the_server_for_files_keeps_to_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("hidden")
    server = reference("server-filesystem", str(folder))
    seen = observed(
        server,
        call("write_file", path=str(folder / "a.txt"), content="first\nsecond\n"),
        call("read_text_file", path=str(folder / "a.txt"), head=1),
        call("list_directory", path=str(folder)),
        call("read_text_file", path=str(folder / ".." / "secret.txt")),
    )
    assert (folder / "a.txt").read_text() == "first\nsecond\n"
    assert seen[1].content == "first"
    assert "[FILE] a.txt" in seen[2].content
    assert seen[3].is_error
    assert "hidden" not in seen[3].content


def test_the_server_that_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_FILE_PATH", str(tmp_path / "memory.json"))
    entity = {"name": "Ada", "entityType": "person", "observations": ["likes engines"]}
    first = reference("server-memory", env=["MEMORY_FILE_PATH"], prefix="memory")
    observed(first, call("memory_create_entities", entities=[entity]))
    again = reference("server-memory", env=["MEMORY_FILE_PATH"], only=["search_nodes"])
    (found,) = observed(again, call("search_nodes", query="engines"))
    assert "Ada" in found.content

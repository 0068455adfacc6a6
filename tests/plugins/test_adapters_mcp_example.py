"""The example with an MCP server does what its first lines say."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bottega import Graph
from bottega.cli.main import bottega

EXAMPLE = Path(__file__).parents[2] / "examples" / "mcp"


def test_it_is_approved_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mcp"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.lock", ".bottega"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    graph = folder / "tides.yaml"
    said = CliRunner().invoke(bottega, ["mcp", "approve", str(graph)], input="y\ny\n")
    assert said.exit_code == 0, said.output
    assert "Look up the time of high tide in a harbour." in said.output
    result = Graph.from_yaml(graph).run("When is high tide in Dover?")
    assert (result.status, result.answer) == ("done", "High tide in Dover is at 11:42.")

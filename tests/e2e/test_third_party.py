"""A stranger's distribution, installed by pip beside Bottega in a fresh environment.

The heavy libraries are not installed again: a `.pth` file lends the new environment those of the
one that runs the tests. Bottega itself and the plugin are installed from their sources, as wheels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("third_party")  # one environment for all of them

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tests" / "plugin_package"

GRAPH = """
name: proclamation
model: parrot
nodes:
  smith: {kind: specialist, description: turns texts around, tools: [mirror_text]}
  crier: {kind: herald, greeting: Oyez}
edges: [start -> smith, smith -> crier, crier -> end]
"""


class Environment:
    """A fresh virtual environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        paths = {"base": str(folder), "platbase": str(folder)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", paths))
        (self.packages / "zz_lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.bin = folder / "bin"

    def run(
        self, *command: str | Path, cwd: Path, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, away from Bottega's sources."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BOTTEGA", "PYTHON"))}
        done = subprocess.run(
            [str(self.bin / command[0]), *map(str, command[1:])],
            cwd=cwd,
            env={**kept, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def install(self, *sources: Path, cwd: Path) -> None:
        """Install distributions from source, offline: what builds them is lent too."""
        options = (
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--ignore-installed",
        )
        self.run("python", "-m", "pip", "install", *options, *sources, cwd=cwd)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("third-party")
    made = Environment(folder / "venv")
    made.install(ROOT, PACKAGE, cwd=folder)
    return made


def _records(document: str, of: str) -> dict[str, dict[str, object]]:
    return {record["name"]: record for record in json.loads(document)[of]}


def test_bottega_runs_from_the_fresh_environment(environment: Environment, tmp_path: Path) -> None:
    found = environment.run(
        "python", "-c", "import bottega; print(bottega.__file__)", cwd=tmp_path
    ).stdout
    assert Path(found.strip()).is_relative_to(environment.packages)


def test_lists_what_it_offers(environment: Environment, tmp_path: Path) -> None:
    listed = environment.run("bottega", "plugins", "--json", cwd=tmp_path).stdout
    atelier = _records(listed, "plugins")["atelier"]
    assert (atelier["distribution"], atelier["version"]) == ("bottega-atelier", "1.2.0")
    assert atelier["offers"] == {
        "tool": ["mirror_text"],
        "model": ["parrot"],
        "agent": ["herald"],
        "command": ["atelier"],
    }
    models = environment.run("bottega", "models", cwd=tmp_path).stdout
    assert "not a language model: it repeats" in models


def test_its_command_is_a_command(environment: Environment, tmp_path: Path) -> None:
    assert (
        "atelier is open to you"
        in environment.run("bottega", "atelier", "--to", "you", cwd=tmp_path).stdout
    )
    assert "atelier" in environment.run("bottega", "--help", cwd=tmp_path).stdout


def test_tool_model_and_agent_work_in_a_graph(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(GRAPH)
    ran = environment.run("bottega", "run", "team.yaml", "abc def", "--json", cwd=tmp_path)
    result = json.loads(ran.stdout)
    assert result["status"] == "done"
    assert result["answer"] == "Oyez: FED CBA"
    called = [event for event in result["events"] if event["kind"] == "action"]
    assert [event["tool"] for event in called] == ["mirror_text"]


def test_its_agent_kind_takes_only_its_own_options(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "team.yaml").write_text(GRAPH.replace("greeting: Oyez", "greetings: Oyez"))
    done = environment.run("bottega", "run", "team.yaml", "abc", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "greeting" in done.stderr
    assert "Traceback" not in done.stderr


def test_switched_off_it_is_gone(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "bottega.toml").write_text('disable = ["atelier"]\n')
    done = environment.run("bottega", "atelier", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "no such command 'atelier'" in done.stderr


def test_a_new_plugin_installs_and_passes_its_own_tests(
    environment: Environment, tmp_path: Path
) -> None:
    environment.run("bottega", "new", "plugin", "word-count", cwd=tmp_path)
    written = tmp_path / "bottega-word-count"
    environment.install(written, cwd=tmp_path)
    plugins = environment.run("bottega", "plugins", "--json", cwd=tmp_path).stdout
    record = _records(plugins, "plugins")["word-count"]
    assert (record["state"], record["offers"]) == ("ok", {"tool": ["word_count_words"]})
    tested = environment.run("python", "-m", "pytest", "-p", "no:cacheprovider", cwd=written)
    assert "3 passed" in tested.stdout

"""The peers' programs, each run in a venv of its own, which is made here and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """A program in `peers/`."""

    package: str
    """What is installed in its venv, in the newest version that there is."""
    program: str
    given: tuple[str, ...] = ()


PEERS = {
    "create_agent": Peer("langchain", "create_agent.py"),
    "smolagents": Peer("smolagents", "tool_calling_agent.py"),
    "smolagents_quiet": Peer("smolagents", "tool_calling_agent.py", ("--quiet",)),
    "pydantic_ai": Peer("pydantic-ai-slim", "pydantic_agent.py"),
}
TEAMS = {
    "command_with_agents": Peer("langchain", "command.py"),
    "command_by_hand": Peer("langchain", "command.py", ("--bare",)),
}


def python(package: str, work: Path) -> Path | None:
    """Return the venv's Python, with the package installed; None where that fails."""
    venv = work / f"venv-{package}"
    program, ready = venv / "bin" / "python", venv / "ready"
    if not ready.exists():
        print(f"making a venv for {package}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        command = [program, "-m", "pip", "install", "-q", "--disable-pip-version-check", package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{package} left out: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        ready.touch()
    return program


def versions(work: Path) -> dict[str, str]:
    """Return what is installed of each peer."""
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    found: dict[str, str] = {}
    for package in {peer.package: None for peer in PEERS.values()}:
        program = python(package, work)
        if program is not None:
            command = [program, "-c", code, package]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[package] = done.stdout.strip()
    return found


def told(command: list[Any]) -> dict[str, Any]:
    """Run a program that prints JSON in its last line; nothing where it fails."""
    quiet = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, env=quiet
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{command[1:]} left out: {reason}", file=sys.stderr)
        return {}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(peer: Peer, work: Path, *given: Any) -> dict[str, Any]:
    """Run a peer's program with `--steps N --repeats N`, or with `--crowd N`."""
    program = python(peer.package, work)
    if program is None:
        return {}
    return told([program, HERE / "peers" / peer.program, *peer.given, *given])

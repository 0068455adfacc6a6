"""What it costs to import Bottega, to ask for help, and to discover plugins.

    python benchmarks/import.py [--repeats N]

Each figure is the median of fresh processes, interleaved with a bare interpreter and reported as
what comes on top of it: milliseconds of wall-clock, and resident memory in MB where that matters.
Fifty dummy plugins are written to a temporary folder, each a distribution of its own with an entry
point and one tool. Peers that happen to be installed are measured beside. Prints JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = {
    "bare": "pass",
    "import bottega": "import bottega",
    "from bottega import Agent, Graph, tool": "from bottega import Agent, Graph, tool",
    "discovery": "from bottega.plugin.manager import default_plugins; default_plugins()"
    ".offers('tool')",
}
PEERS = ("smolagents", "langgraph.graph", "pydantic_ai", "langchain.agents", "agent_framework")
MEMORY = (
    "; import re; s = open('/proc/self/status').read(); print(re.search(r'VmRSS:\\s+(\\d+)', s)[1])"
)
DUMMIES = 50


def write_dummies(folder: Path) -> None:
    """Write distributions that look to Python as if they had been installed there."""
    for number in range(DUMMIES):
        name = f"bench_dummy_{number}"
        (folder / f"{name}.py").write_text(
            "from bottega import Offer, hookimpl\n\n\n@hookimpl\ndef bottega_tools():\n"
            f"    return [Offer(name='dummy{number}', summary='Nothing.', factory=dict)]\n"
        )
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[bottega]\n{name} = {name}\n")


def run(command: list[str], env: dict[str, str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return (time.perf_counter() - started) * 1000, done.stdout


def measure(repeats: int) -> dict[str, object]:
    env = dict(os.environ)
    env.pop("PYTHONPATH", None)
    statements = dict(IMPORTS)
    for peer in PEERS:
        if _installed(peer):
            statements[f"import {peer}"] = f"import {peer}"
    with tempfile.TemporaryDirectory() as folder:
        write_dummies(Path(folder))
        crowded = {**env, "PYTHONPATH": folder}
        bottega = str(Path(sys.executable).with_name("bottega"))
        commands = {name: ([sys.executable, "-c", s], env) for name, s in statements.items()}
        commands["discovery, 50 more plugins"] = (
            [sys.executable, "-c", IMPORTS["discovery"]],
            crowded,
        )
        commands["bare, 50 more plugins"] = ([sys.executable, "-c", "pass"], crowded)
        commands["bottega --help"] = ([bottega, "--help"], env)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(repeats + 1):
            for name, (command, environment) in commands.items():
                taken, _ = run(command, environment)
                if repeat:  # the first round fills caches
                    times[name].append(taken)
        memory = {name: _memory(statement, env) for name, statement in statements.items()}
    median = {name: statistics.median(taken) for name, taken in times.items()}
    return _report(median, memory)


def _report(median: dict[str, float], memory: dict[str, float]) -> dict[str, object]:
    bare = median["bare"]
    more = {name: round(ms - bare, 1) for name, ms in median.items() if not name.startswith("bare")}
    crowd = median["discovery, 50 more plugins"] - median["discovery"]
    return {
        "bare_python_ms": round(bare, 1),
        "ms_over_bare": more,
        "mb_over_bare": {
            name: round(mb - memory["bare"], 1) for name, mb in memory.items() if name != "bare"
        },
        "bottega_help_ms": round(median["bottega --help"], 1),
        "discovery_of_50_more_plugins_ms": round(crowd, 1),
    }


def _installed(peer: str) -> bool:
    try:
        return importlib.util.find_spec(peer) is not None
    except ModuleNotFoundError:
        return False


def _memory(statement: str, env: dict[str, str]) -> float:
    _, printed = run([sys.executable, "-c", statement + MEMORY], env)
    return int(printed) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    print(json.dumps(measure(parser.parse_args().repeats), indent=2))


if __name__ == "__main__":
    main()

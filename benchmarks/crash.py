"""kill -9 in the middle of work: what is lost, done twice or left out; prints one JSON object.

    python benchmarks/crash.py [--only NAME,...] [--stores sqlite,postgresql] [--runs N] [--kills N]

A campaign is 100 runs of 14 side effects, 8 at a time. An outside process has the effects, counts
them, and kills the worker's process group 30 times: when a request arrives, when it is applied but
not answered, after the answer. The worker is started again until all is done. A sweep is one run
for each crash point there is, killed there and taken up again: those three moments of every effect,
those of every model call, before and after every write to the store, and after everything that the
stream tells. What is counted, and how, is `crash_tally`.

`keys` are tools that hand their idempotency key to the outside process, `once` tools that know no
keys, `without` tools that are simply called again; `team` is a coordinator whose two specialists
work at the same time. Beside them plain LangGraph, in the same harness. The controls are Bottega
(or the outside process) broken on purpose: each must show in a figure that is 0 otherwise.

PostgreSQL is a server of our own, where its programs are installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARES = 2
"""Processes that share the points of a sweep."""
ZEROS = (
    "lost",
    "finished_steps_run_again",
    "duplicated_beyond_in_flight",
    "missing_effects",
    "finished_model_calls_repeated",
    "wrong_answers",
)
"""Figures of Bottega that must be 0; where effects have keys or happen once, `DUPLICATED` too."""
DUPLICATED = "duplicated_effects"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One setting that is measured."""

    name: str
    setting: dict[str, Any]
    plan: dict[str, Any] = field(default_factory=dict[str, Any])
    sweeps: bool = False
    control: bool = False
    may_double: bool = False
    """An effect that was in flight at a kill may be had again."""


CASES = (
    Case(name="keys", setting={"mode": "keys"}, sweeps=True),
    Case(name="once", setting={"mode": "once"}, sweeps=True),
    Case(name="without", setting={"mode": "without"}, sweeps=True, may_double=True),
    Case(name="team", setting={"mode": "keys", "team": True}),
    Case(name="langgraph sync", setting={"system": "langgraph", "mode": "sync"}),
    Case(name="langgraph async", setting={"system": "langgraph", "mode": "async"}),
    Case(name="langgraph @task", setting={"system": "langgraph", "mode": "task"}),
    Case(name="keys not known outside", setting={}, plan={"honours_keys": False}, control=True),
    Case(name="no intents", setting={"mode": "once", "broken": "no intents"}, control=True),
    Case(name="no journal", setting={"mode": "without", "broken": "no journal"}, control=True),
    Case(
        name="unknown is done",
        setting={"mode": "once", "broken": "unknown is done"},
        control=True,
    ),
    Case(name="accepted in memory", setting={"ahead": 2}, control=True),
)


class Bench:
    """Runs cases, each with an outside process and a store of its own."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._stores = options.stores.split(",")
        self._server = postgres_server(folder) if "postgresql" in self._stores else None
        if self._server is None:
            self._stores = [store for store in self._stores if store != "postgresql"]

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.stop("immediate")

    def measure(self) -> dict[str, Any]:
        """Run all cases, so many at once."""
        only: set[str] = {name for name in self._options.only.split(",") if name}
        wanted = [case for case in CASES if not only or case.name in only]
        jobs: list[tuple[str, Case, str]] = []
        for case in wanted:
            stores = self._stores[:1] if case.control else self._stores
            jobs += [("controls" if case.control else "campaigns", case, s) for s in stores]
            jobs += [("sweeps", case, s) for s in stores if case.sweeps and self._options.sweep]
        if not jobs:
            raise SystemExit("nothing to measure: " + ", ".join(case.name for case in CASES))
        with ThreadPoolExecutor(self._options.at_once) as pool:
            results = list(pool.map(self._job, *zip(*jobs, strict=True)))
        found: dict[str, Any] = {"campaigns": {}, "sweeps": {}, "controls": {}}
        for (kind, case, store), result in zip(jobs, results, strict=True):
            found[kind].setdefault(case.name, {})[store] = result
        return found | {"checks": checks(found, self._options.runs, self._options.kills)}

    def _job(self, kind: str, case: Case, store: str) -> dict[str, Any]:
        started = time.monotonic()
        result = self._sweep(case, store) if kind == "sweeps" else self._campaign(case, store)
        result["seconds"] = round(time.monotonic() - started, 1)
        print(f"{kind}: {case.name}, {store}: {json.dumps(result)}", file=sys.stderr)
        return result

    def _campaign(self, case: Case, store: str) -> dict[str, Any]:
        options = self._options
        plan = {"runs": options.runs, "kills": options.kills, "seed": options.seed, **case.plan}
        (result,) = self._worked(case, store, "campaign", json.dumps(plan))
        return {
            **result["counts"],
            "kills": len(result["kills"]),
            "moments": tallied(result["kills"]),
            "starts": result["starts"],
        }

    def _sweep(self, case: Case, store: str) -> dict[str, Any]:
        """Kill one run at each point; `worse` names the points at which anything went wrong."""
        with ThreadPoolExecutor(SHARES) as pool:
            shares = [
                pool.submit(self._worked, case, store, "sweep", str(first), str(SHARES))
                for first in range(1, SHARES + 1)
            ]
            results = [result for share in shares for result in share.result()]
        killed = [result for result in results if result["kills"]]
        zeros = ZEROS if case.may_double else (*ZEROS, DUPLICATED)
        counts: Counter[str] = Counter()
        for result in killed:
            counts.update(result["counts"])
        worse = [r for r in killed if any(r["counts"][name] for name in zeros)]
        return {
            "points": len(killed),
            **counts,
            "kinds_of_points": tallied([result["kills"][0] for result in killed]),
            "worse": [[result["plan"]["point"], result["kills"][0]] for result in worse],
        }

    def _worked(self, case: Case, store: str, *way: str) -> list[dict[str, Any]]:
        """Start an outside process and workers; return what they print."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        socket = str(folder / "socket")
        address = str(folder / "bottega.db")
        if store == "postgresql" and self._server is not None:
            address = self._server.database(folder.name)
        outside = subprocess.Popen(
            [sys.executable, str(HERE / "crash_outside.py"), socket],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert outside.stdout is not None
            outside.stdout.readline()  # it listens
            setting = json.dumps(case.setting)
            program = [sys.executable, str(HERE / "crash_worker.py"), socket, address, setting]
            done = subprocess.run([*program, *way], check=True, stdout=subprocess.PIPE, text=True)
            return [json.loads(line) for line in done.stdout.splitlines()]
        finally:
            outside.kill()
            outside.communicate()


def tallied(names: list[str]) -> dict[str, int]:
    """Return how often each of them is there."""
    return dict(Counter(names))


def postgres_server(folder: Path) -> Any:
    """Start the server that the tests use; None where none is installed."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    tests: Any = importlib.import_module("postgres_server")
    if tests.binaries() is None:
        print("PostgreSQL left out: no server is installed", file=sys.stderr)
        return None
    data = folder / "server"
    data.mkdir()
    folder.chmod(0o755)  # the server runs as somebody else where this runs as root
    return tests.Server(data).start()


def checks(found: dict[str, Any], runs: int, kills: int) -> dict[str, Any]:
    """Say which zeros are none, which campaigns fell short, and what the controls rise to."""
    by_name = {case.name: case for case in CASES}
    ours = [
        (f"{kind}: {name}, {store}", by_name[name], result)
        for kind in ("campaigns", "sweeps")
        for name, stores in found[kind].items()
        for store, result in stores.items()
        if not name.startswith("langgraph")
    ]
    failed = [
        f"{place}: {figure} {result[figure]}"
        for place, case, result in ours
        for figure in (ZEROS if case.may_double else (*ZEROS, DUPLICATED))
        if result[figure]
    ]
    short = [
        f"{name}, {store}: {result['accepted']} runs, {result['kills']} kills"
        for name, stores in found["campaigns"].items()
        for store, result in stores.items()
        if not name.startswith("langgraph")  # runs that were lost are killed no more
        if (result["accepted"], result["kills"]) != (runs, kills)
    ]
    controls = [result for stores in found["controls"].values() for result in stores.values()]
    raised = {name: max((c[name] for c in controls), default=0) for name in (*ZEROS, DUPLICATED)}
    return {"not_zero": failed, "short": short, "most_in_controls": raised}


def main() -> None:
    """Measure, print, and exit with 1 where a figure that must be 0 is not, or one falls short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="names of cases, with commas between")
    parser.add_argument("--stores", default="sqlite,postgresql", help="with commas between")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2, help="cases that run at the same time")
    parser.add_argument("--no-sweep", dest="sweep", action="store_false")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crash") as folder:
        bench = Bench(options, Path(folder))
        try:
            found = bench.measure()
        finally:
            bench.close()
    print(json.dumps(found, indent=2))
    sys.exit(1 if found["checks"]["not_zero"] or found["checks"]["short"] else 0)


if __name__ == "__main__":
    main()

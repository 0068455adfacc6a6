"""What keeping a step costs, beside a bare append-only log in SQLite of the same; see `loop_disk`.

step     a whole step of a durable graph, beside one of a graph that keeps nothing and the log
journal  what that step takes more than one of a graph that keeps nothing, beside the log: two
entries, and the step's share of accepting, closing and checkpointing the run
entry    an entry of the journal by itself, beside a row of the log with the same text
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from loop_disk import TASK, Log, durable, entry, log
from loop_timing import median, timed

from bottega.register import Lease
from bottega.runs import Run

ENTRIES = 1_000
Taken = dict[str, list[tuple[float, float]]]


async def whole_runs(repeats: int, steps: int) -> Taken:
    """Time runs that are kept, runs that are not and a bare log of the same, in turns."""
    taken: Taken = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "bottega.db"
        graphs = {"graph": durable(steps, None), "graph_sqlite": durable(steps, store)}
        for repeat in range(repeats + 1):
            works: dict[str, Any] = {name: graph.arun(TASK) for name, graph in graphs.items()}
            works["bare_log"] = log(steps, str(Path(folder) / "log.db"))
            for name, work in works.items():
                result = await timed(work)
                if repeat:  # the first round warms up
                    taken.setdefault(name, []).append(result)
    return taken


async def single_entries(repeats: int) -> Taken:
    """Time entries of a journal under a run's lease, and rows of a bare log, in turns."""
    from bottega_agents.storage.sqlite import InlineSqliteSaver

    taken: Taken = {"entry": [], "row": []}
    with tempfile.TemporaryDirectory() as folder:
        store, bare = InlineSqliteSaver(Path(folder) / "s.db"), Log(str(Path(folder) / "l.db"))
        run = Run(run_id="one", thread="", name="one", task=TASK, origin={})
        lease: Lease = await store.register.accept(run)
        store.leases["one"] = lease

        async def entries(number: int) -> None:
            journal = store.open_log("one", str(number))
            for at in range(ENTRIES):
                await journal.write(f"{at}/reply", {"content": entry(at)})

        async def rows() -> None:
            for at in range(ENTRIES):
                bare.add(key=f"{at}/reply", content=entry(at))

        with closing(store), closing(bare):
            for repeat in range(repeats + 1):
                results = {"entry": await timed(entries(repeat)), "row": await timed(rows())}
                for name, result in results.items():
                    taken[name] += [result] if repeat else []
    return taken


def main(repeats: int, steps: int = 200) -> dict[str, Any]:
    """Measure in this process."""
    began = time.perf_counter()
    runs = asyncio.run(whole_runs(repeats, steps))
    single = asyncio.run(single_entries(repeats))
    each = {name: median(results, steps) for name, results in runs.items()}
    each |= {name: median(results, ENTRIES) for name, results in single.items()}
    ratios: dict[str, float] = {}
    for clock in ("wall_ms", "cpu_ms", "least_cpu_ms"):
        ms = {name: row[clock] for name, row in each.items()}
        journal, bare = ms["graph_sqlite"] - ms["graph"], ms["bare_log"]
        ratios[f"step_over_bare_log_{clock}"] = round(ms["graph_sqlite"] / (ms["graph"] + bare), 2)
        ratios[f"journal_over_bare_log_{clock}"] = round(journal / bare, 2)
        ratios[f"entry_over_bare_log_{clock}"] = round(ms["entry"] / ms["row"], 2)
    print(f"kept: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return {"steps": steps, "each": each, **ratios}

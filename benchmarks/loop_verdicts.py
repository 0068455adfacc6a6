"""What the figures of `loop.py` come to, each beside its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Figures = Mapping[str, Any]
CLOCK = "least_cpu_ms"
PEERS = ("create_agent", "smolagents", "smolagents_quiet", "pydantic_ai")


def verdicts(found: Figures) -> dict[str, Any]:
    """Return value and target by name; what was not measured is left out."""
    makers: dict[str, Callable[[Any], dict[str, Any]]] = {
        "steps": _steps,
        "disk": _disk,
        "kept": _kept,
        "team": _team,
        "crowd": _crowd,
    }
    targets: dict[str, Any] = {}
    for part, make in makers.items():
        if found.get(part):
            targets |= make(found[part])
    return targets


def _most(value: float, target: float) -> dict[str, Any]:
    return {"value": round(value, 3), "at_most": target, "met": value <= target}


def _least(value: float, target: float) -> dict[str, Any]:
    return {"value": round(value, 3), "at_least": target, "met": value >= target}


def _steps(found: Figures) -> dict[str, Any]:
    at_50, at_200, clock = found["50"], found["200"], CLOCK
    floor = at_50["floor"][clock]
    made = {
        "graph_over_floor_at_50": _most(at_50["graph"][clock] / floor, 3),
        "graph_200_over_50": _most(at_200["graph"][clock] / at_50["graph"][clock], 1.2),
    }
    for steps, row in (("50", at_50), ("200", at_200)):
        journal = row["graph_sqlite"][clock] - row["graph"][clock]
        made[f"journal_ms_a_step_at_{steps}"] = _most(journal, 0.3)
    for name in PEERS:
        if at_50.get(name):
            peer = at_50[name][clock]
            for way in ("loop", "graph"):
                own = at_50[way][clock]
                made[f"{name}_over_{way}_at_50"] = _least(peer / own, 10)
                above = (peer - floor) / max(own - floor, 1e-6)
                made[f"{name}_over_{way}_at_50_above_floor"] = _least(above, 10)
    return made


def _disk(found: Figures) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for store, ways in found.items():
        for steps in ("10", "50", "200"):
            row = ways["bottega"][steps]
            for what in ("plain", "beyond_empty", "beyond_one_step"):
                made[f"{store}_bytes_{what}_at_{steps}"] = _most(row[what], 2)
    return made


def _kept(found: Figures) -> dict[str, Any]:
    names = [f"{what}_over_bare_log" for what in ("step", "journal", "entry")]
    return {name: _most(found[f"{name}_{CLOCK}"], 2) for name in names}


def _team(found: Figures) -> dict[str, Any]:
    own = found["bottega"][CLOCK]
    names = [name for name in found if name.startswith("command") and found[name]]
    return {f"hop_over_{name}": _most(own / found[name][CLOCK], 0.5) for name in names}


def _crowd(found: Figures) -> dict[str, Any]:
    row = found["1000"]
    if not all(row[way] for way in ("floor", "loop", "graph")):
        return {}  # one of them has failed, and said so
    floor = row["floor"]["wall_s"]
    errors = sum(way["errors"] for by_name in found.values() for way in by_name.values() if way)
    made = {
        "errors": _most(errors, 0),
        "loop_over_floor_wall_at_1000": _most(row["loop"]["wall_s"] / floor, 2),
        "graph_over_floor_wall_at_1000": _most(row["graph"]["wall_s"] / floor, 5),
    }
    for name in PEERS:
        if row.get(name):
            ratio = row["graph"]["runs_per_s"] / row[name]["runs_per_s"]
            made[f"graph_runs_over_{name}_at_1000"] = _least(ratio, 6)
    return made

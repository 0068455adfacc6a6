"""The best version of an answer, while a critic sends it back: what leaves in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bottega_agents.graph.state import State

_PARTS = ("answer", "citations", "author", "abstained", "partial")


def version(state: State, score: float | None, number: int) -> dict[str, Any]:
    """Return the state's answer with its score and number, as it lies in the state."""
    parts, run = restored(cast("Mapping[str, Any]", state)), state.get("run", "")
    return {**parts, "run": run, "score": score, "number": number}


def best_version(state: State, critic: str, now: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the best version that a critic has seen in this run; the newer of two as good."""
    before = state.get("best", {}).get(critic)
    if before is None or before["run"] != now["run"] or before["score"] is None:
        return now
    return now if now["score"] is None or now["score"] >= before["score"] else before


def restored(best: Mapping[str, Any]) -> dict[str, Any]:
    """Return an update that makes a version the answer again."""
    return {name: best[name] for name in _PARTS if name in best}


def whole_version(state: State, author: str) -> dict[str, Any]:
    """Return an update to a node's best earlier version, for when a revision was cut short.

    Empty where the node has given no answer in this run.
    """
    if state.get("author") != author or not state.get("answer"):
        return {}
    run, known = state.get("run", ""), state.get("best", {}).values()
    mine = [one for one in known if one["run"] == run and one.get("author") == author]
    scored = [one for one in mine if one["score"] is not None]
    if not scored:
        return restored(cast("Mapping[str, Any]", state))
    return restored(max(scored, key=lambda one: one["score"]))

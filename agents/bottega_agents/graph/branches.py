"""What goes along an edge: the answer so far, in a parcel of its own for each branch of the work.

A node sees the parcels that lie before it in place of the state's one answer. Several of them, or
one that tells of a failure, are shown to its model as quotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bottega.spec.condition import Value
from bottega.spec.ways import SAID
from bottega_agents.communication.mail import letter
from bottega_agents.graph.state import State

CARRIED = ("answer", "author", "citations", "abstained", "partial", "score")
"""The fields of the state that a parcel carries."""
ABOUT = "The answer of {name}"
FAILED = "{name} has failed"

Parcel = Mapping[str, Any]


def parcel(view: Mapping[str, Any], update: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a node leaves to those after it; what it has not answered it hands on."""
    known = {key: view[key] for key in CARRIED if view.get(key) is not None}
    if "answer" in update:
        known.pop("score", None)  # it was the score of another answer
    known |= {key: update[key] for key in CARRIED if update.get(key) is not None}
    status = update.get("status", "done")
    return {**known, "from": name, "status": status, "reason": update.get("reason", "")}


def facts(
    state: Mapping[str, Any], left: Parcel, update: Mapping[str, Any], verdict: str
) -> dict[str, Value]:
    """Return what the conditions on a node's edges may ask for; `verdict` is the word it said."""
    spent = state.get("spent", {}).get("steps", 0) + update.get("spent", {}).get("steps", 0)
    return {
        SAID: verdict,
        "failed": left["status"] != "done",
        "status": left["status"],
        "abstained": bool(left.get("abstained", False)),
        "partial": bool(left.get("partial", False)),
        "answer": left.get("answer", ""),
        "task": state.get("task", ""),
        "author": left.get("author", ""),
        "verdict": verdict or state.get("verdict", ""),
        "score": left.get("score"),
        "citations": len(left.get("citations", ())),
        "steps": spent,
    }


def before(state: State, name: str, names: Sequence[str]) -> list[Parcel]:
    """Return the parcels that lie before a node, those of failed branches among them.

    They come in the order of `names`: that of the graph's file.
    """
    parcels = state.get("inbox", {}).get(name, {}).values()
    return sorted(parcels, key=lambda one: names.index(one["from"]))


def taken_out(state: State, name: str) -> dict[str, None]:
    """Return the change that takes away what lies before a node."""
    return dict.fromkeys(state.get("inbox", {}).get(name, {}))


def view(state: State, name: str, names: Sequence[str]) -> State:
    """Return the state as a node sees it: with the answers that lead to it, and no others."""
    parcels = before(state, name, names)
    if not parcels:
        return state
    sound = [one for one in parcels if one["status"] == "done"]
    seen: dict[str, Any] = {**state, "answer": "", "author": "", "citations": [], "score": None}
    seen |= {key: value for key, value in joined(parcels).items() if key in CARRIED}
    if len(parcels) > 1 or not sound:
        quoted = {f"branch/{name}/{n}": _quoted(name, one) for n, one in enumerate(parcels)}
        seen |= {"author": "", "mail": {**state.get("mail", {}), **quoted}}
    return cast("State", seen)


def joined(parcels: Sequence[Parcel]) -> dict[str, Any]:
    """Put the answers of several branches together; that of one stays as it is."""
    sound = [one for one in parcels if one["status"] == "done"]
    if len(parcels) == 1:
        return dict(parcels[0])
    cited = {item["key"]: item for one in parcels for item in one.get("citations", ())}
    return {
        "answer": "\n\n".join(f"{one['from']}: {_text(one)}" for one in parcels),
        "author": ", ".join(one["from"] for one in sound),
        "citations": list(cited.values()),
        "abstained": bool(sound) and all(one.get("abstained", False) for one in sound),
        "partial": any(one.get("partial", False) for one in parcels) or len(sound) < len(parcels),
        "status": "done" if sound else parcels[-1]["status"],
        "reason": "" if sound else "; ".join(f"{one['from']}: {one['reason']}" for one in parcels),
    }


def _quoted(name: str, one: Parcel) -> dict[str, Any]:
    about = (ABOUT if one["status"] == "done" else FAILED).format(name=one["from"])
    cited = one.get("citations", ())
    return letter(name, about, _text(one), sender=one["from"], citations=cited)


def _text(one: Parcel) -> str:
    if one["status"] == "done":
        return str(one.get("answer", ""))
    best = f"; the best so far: {one['answer']}" if one.get("answer") else ""
    return f"({one['status']}: {one['reason']}{best})"
